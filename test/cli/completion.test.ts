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

/** What a shell offers for each of some lines, from one process of it, which prints a line `==` behind each. */
function offersOf(command: readonly [string, ...string[]], lines: readonly string[]): Map<string, string[]> {
	const [shell, ...argv] = command;
	const { stdout, stderr } = spawnSync(shell, [...argv, ...lines], { encoding: "utf8", env, cwd: folder });
	expect(stderr).toBe("");
	const offers = stdout.split("==\n").map((text) => text.split("\n"));
	return new Map(lines.map((line, index) => [line, offers[index] ?? []]));
}

const lines = cases.map(([line]) => line);

describeWith(has("bash"), "bash is not installed")("completion in bash", () => {
	const complete = (lines: readonly string[], load = ". ./completion.bash") => {
		const script = `${load}
			for line; do
				COMP_LINE=$line COMP_POINT=\${#line}
				read -ra COMP_WORDS <<< "$line"
				_llmx
				printf '%s\\n' "\${COMPREPLY[@]}" ==
			done`;
		return offersOf(["bash", "--norc", "-c", script, "bash"], lines);
	};

	const colon = "llmx ask -m free:o";
	let offers: Map<string, string[]>;
	beforeAll(() => {
		writeScript("bash");
		offers = complete([...lines, colon]);
	});

	it.each(cases)("completes %j", (line, offered, not) => {
		const words = offers.get(line);
		expect(words).toEqual(expect.arrayContaining([...offered]));
		for (const word of not) expect(words).not.toContain(word);
	});

	it("completes files, also with spaces", () => {
		const line = "llmx ask -f pro";
		expect(complete([line], 'eval "$(llmx completion bash)"').get(line)).toContain("prompts file.jsonl");
	});

	it("completes a model name beyond its colon, where bash ends a word", () => {
		expect(offers.get(colon)?.filter(Boolean)).toEqual(["one"]);
	});
});

describeWith(has("fish"), "fish is not installed")("completion in fish", () => {
	const complete = (lines: readonly string[], load = "source ./completion.fish") => {
		const script = `${load}; for line in $argv; complete -C $line; echo ==; end`;
		return offersOf(["fish", "--no-config", "-c", script], lines);
	};
	const wordsOf = (entries: readonly string[] = []) => entries.map((entry) => entry.split("\t")[0]);

	let offers: Map<string, string[]>;
	beforeAll(() => {
		writeScript("fish");
		offers = complete(lines);
	});

	it.each(cases)("completes %j", (line, offered, not) => {
		const words = wordsOf(offers.get(line));
		expect(words).toEqual(expect.arrayContaining([...offered]));
		for (const word of not) expect(words).not.toContain(word);
	});

	it("completes files", () => {
		const line = "llmx ask -f pro";
		const offers = complete([line], "llmx completion fish | source");
		expect(wordsOf(offers.get(line)).join()).toContain("prompts");
	});
});

describeWith(has("zsh"), "zsh is not installed")("completion in zsh", () => {
	/** An interactive shell in which lines are typed, one after another. */
	class Shell {
		readonly #shell = spawnPty("zsh", ["-f", "-i"], { cols: 120, rows: 50, cwd: folder, env });
		#screen = "";
		#isThere = () => true;
		#seen = () => {};
		#given = 0;

		constructor() {
			this.#shell.onData((data) => {
				this.#screen += data;
				if (this.#isThere()) this.#seen();
			});
		}

		/** Types and waits until everything was shown since, or the time is up; returns what was shown. */
		async #type(text: string, shown: readonly string[]): Promise<string> {
			this.#screen = "";
			this.#isThere = () => shown.every((part) => this.#screen.includes(part));
			await new Promise<void>((resolve) => {
				const patience = setTimeout(resolve, 15_000);
				this.#seen = () => {
					clearTimeout(patience);
					resolve();
				};
				this.#shell.write(text);
			});
			return this.#screen;
		}

		async load(script: string): Promise<void> {
			// Ctrl-X twice gives a line up, and says so behind all that was shown of it.
			const giveUp =
				"give-up() { BUFFER=; print GIVEN $((++given)).; }; zle -N give-up; bindkey '^X^X' give-up";
			const settings = `${giveUp}; LISTMAX=1000; PS1='> '`;
			await this.#type(`autoload -Uz compinit && compinit -u -D; ${script}; ${settings}; print REA''DY\r`, [
				"READY",
			]);
		}

		/** What a tab shows behind a line. */
		async complete(line: string, offered: readonly string[]): Promise<string> {
			const shown = await this.#type(`${line}\t`, offered);
			this.#given += 1;
			await this.#type("\x18\x18", [`GIVEN ${this.#given}.`]);
			return shown;
		}

		end(): void {
			this.#shell.kill("SIGKILL");
		}
	}

	let shell: Shell;
	beforeAll(async () => {
		writeScript("zsh");
		shell = new Shell();
		await shell.load("source ./completion.zsh");
	});
	afterAll(() => shell.end());

	it("is loaded as the help says", async () => {
		const other = new Shell();
		await other.load("source <(llmx completion zsh)");
		expect(await other.complete("llmx c", ["cost"])).toContain("cost");
		other.end();
	});

	it.each(cases.filter(([, offered]) => offered.length > 0))("completes %j", async (line, offered) => {
		// What is typed already may not be shown again.
		const endings = offered.map((word) => word.slice(-8));
		const shown = await shell.complete(line, endings);
		for (const ending of endings) expect(shown).toContain(ending);
	});
});
