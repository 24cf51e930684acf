import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawn as spawnPty } from "@lydell/node-pty";
import { afterAll, beforeAll, expect, it } from "vitest";
import { describeWith } from "../helpers/skipping.ts";

const bin = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));
const has = (shell: string) => spawnSync(shell, ["-c", "exit 0"]).status === 0;

let folder: string;
let env: Record<string, string>;
beforeAll(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-completion-"));
	const home = join(folder, "home");
	mkdirSync(join(home, "sessions"), { recursive: true });
	writeFileSync(join(home, "sessions", "tuesday-notes.jsonl"), "");
	writeFileSync(
		join(home, "config.json"),
		'{"aliases":{"fast":"sim/echo","free:one":"openrouter/x:free"},"presets":{"terse":"Be brief."}}',
	);
	writeFileSync(join(folder, "prompts file.jsonl"), "");
	writeFileSync(join(folder, "llmx"), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`);
	chmodSync(join(folder, "llmx"), 0o755);
	env = {
		PATH: `${folder}${delimiter}${process.env.PATH}`,
		HOME: folder,
		LLMX_HOME: home,
		TERM: "xterm",
		LC_ALL: "C.UTF-8",
	};
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a shell's completion to a file, once for all that complete with it. */
function writeScript(shell: string): void {
	const { stdout, status } = spawnSync(join(folder, "llmx"), ["completion", shell], {
		encoding: "utf8",
		env,
	});
	expect(status).toBe(0);
	writeFileSync(join(folder, `completion.${shell}`), stdout);
}

/** What is typed, and words that must be offered and words that must not. */
const cases: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
	["llmx c", ["cost", "cache", "config", "completion"], ["ask"]],
	["llmx sessions ", ["list", "export", "rm"], ["ask"]],
	["llmx cost --b", ["--by"], ["--json"]],
	["llmx cost --by ", ["day", "model", "session"], ["cost"]],
	["llmx ask -m sambanova/Meta-Llama-3.3", ["sambanova/Meta-Llama-3.3-70B-Instruct"], ["gpt-4.1"]],
	["llmx ask -m fa", ["fast"], []],
	["llmx sessions show tue", ["tuesday-notes"], []],
	["llmx keys set samb", ["sambanova"], []],
	["llmx ask -s cost --mod", ["--model"], ["--by"]],
];

describeWith(has("bash"), "bash is not installed")("completion in bash", () => {
	beforeAll(() => writeScript("bash"));
	const complete = (line: string, load = ". ./completion.bash") => {
		const script = `${load}
			COMP_LINE=$1 COMP_POINT=\${#1}
			read -ra COMP_WORDS <<< "$1"
			_llmx
			printf '%s\\n' "\${COMPREPLY[@]}"`;
		const run = spawnSync("bash", ["--norc", "-c", script, "bash", line], {
			encoding: "utf8",
			env,
			cwd: folder,
		});
		expect(run.stderr).toBe("");
		return run.stdout.split("\n");
	};

	it.each(cases)("completes %j", (line, offered, not) => {
		const words = complete(line);
		expect(words).toEqual(expect.arrayContaining([...offered]));
		for (const word of not) expect(words).not.toContain(word);
	});

	it("completes files, also with spaces", () => {
		expect(complete("llmx ask -f pro", 'eval "$(llmx completion bash)"')).toContain("prompts file.jsonl");
	});

	it("completes a model name beyond its colon, where bash ends a word", () => {
		expect(complete("llmx ask -m free:o").filter(Boolean)).toEqual(["one"]);
	});
});

describeWith(has("fish"), "fish is not installed")("completion in fish", () => {
	beforeAll(() => writeScript("fish"));
	const complete = (line: string, load = "source ./completion.fish") => {
		const script = `${load}; complete -C $argv[1]`;
		const run = spawnSync("fish", ["--no-config", "-c", script, line], {
			encoding: "utf8",
			env,
			cwd: folder,
		});
		expect(run.stderr).toBe("");
		return run.stdout.split("\n").map((entry) => entry.split("\t")[0]);
	};

	it.each(cases)("completes %j", (line, offered, not) => {
		const words = complete(line);
		expect(words).toEqual(expect.arrayContaining([...offered]));
		for (const word of not) expect(words).not.toContain(word);
	});

	it("completes files", () => {
		expect(complete("llmx ask -f pro", "llmx completion fish | source").join()).toContain("prompts");
	});
});

describeWith(has("zsh"), "zsh is not installed")("completion in zsh", () => {
	beforeAll(() => writeScript("zsh"));
	/** Types a line and a tab into a real shell and waits until the screen shows every word, or the time is up. */
	const complete = async (
		line: string,
		offered: readonly string[],
		load = "source ./completion.zsh",
	): Promise<string> => {
		const shell = spawnPty("zsh", ["-f", "-i"], { cols: 120, rows: 50, cwd: folder, env });
		let screen = "";
		const done = new Promise<string>((resolve) => {
			const give = setTimeout(() => resolve(screen), 15_000);
			let step = 0;
			shell.onData((data) => {
				screen += data;
				if (step === 0 && screen.includes("READY")) {
					step = 1;
					screen = "";
					shell.write(`${line}\t`);
				} else if (step === 1 && offered.every((word) => screen.includes(word))) {
					clearTimeout(give);
					resolve(screen);
				}
			});
		});
		shell.write(`autoload -Uz compinit && compinit -u -D; ${load}; PS1='> '; LISTMAX=1000; print REA''DY\r`);
		const shown = await done;
		shell.kill("SIGKILL");
		return shown;
	};

	it("is loaded as the help says", async () => {
		expect(await complete("llmx c", ["cost"], "source <(llmx completion zsh)")).toContain("cost");
	});

	it.each(cases.filter(([, offered]) => offered.length > 0))("completes %j", async (line, offered) => {
		const shown = await complete(
			line,
			offered.map((word) => word.slice(-8)),
		);
		for (const word of offered) expect(shown).toContain(word.slice(-8));
	});
});
