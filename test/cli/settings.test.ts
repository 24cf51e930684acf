import fs, { mkdirSync, writeFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { main } from "../../src/cli/main.ts";
import { LLM } from "../../src/index.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

/** Counts how often a file is opened or read, by its name, until the test ends. */
function countReads(): Map<string, number> {
	const counts = new Map<string, number>();
	const files = fs as unknown as Record<string, (path: unknown, ...rest: unknown[]) => unknown>;
	const promises = fs.promises as unknown as typeof files;
	const restore: (() => void)[] = [];
	const watch = (owner: typeof files, name: string) => {
		const original = owner[name] as (typeof files)[string];
		owner[name] = function (this: unknown, path, ...rest) {
			// A descriptor was opened before, and counted then.
			if (typeof path === "string") counts.set(basename(path), (counts.get(basename(path)) ?? 0) + 1);
			return original.call(this, path, ...rest);
		};
		restore.push(() => {
			owner[name] = original;
		});
	};
	for (const name of ["openSync", "readFileSync", "open", "readFile", "createReadStream"]) watch(files, name);
	for (const name of ["open", "readFile"]) watch(promises, name);
	syncBuiltinESMExports();
	onTestFinished(() => {
		for (const back of restore) back();
		syncBuiltinESMExports();
	});
	return counts;
}

/** A home with a config and a key file, and a folder to work in. */
function prepareHome(): { readonly env: Record<string, string>; readonly cwd: string } {
	const folder = temporaryFolder();
	const home = join(folder, "home");
	mkdirSync(home, { mode: 0o700 });
	writeFileSync(
		join(home, "config.json"),
		JSON.stringify({
			aliases: { fast: "sim/echo", other: "sim/words-3" },
			presets: { p: { system: "s", parameters: { temperature: 0 } } },
			models: { fast: { max_tokens: 9 } },
			budget: { daily: 5 },
		}),
	);
	writeFileSync(join(home, "keys.json"), '{"sim":["key"]}', { mode: 0o600 });
	writeFileSync(join(folder, "prompts.jsonl"), '"one"\n{"prompt":"two","model":"sim/words-2"}\n');
	return { env: { LLMX_HOME: home }, cwd: folder };
}

describe("config.json and keys.json", () => {
	it.each([
		[["ask", "-m", "sim/echo", "hi"]],
		[["ask", "-m", "fast", "-m", "other", "--preset", "p", "hi"]],
		[["batch", "prompts.jsonl", "-m", "fast", "-m", "other", "-q", "--yes"]],
		[["batch", "prompts.jsonl", "-m", "fast", "--dry-run"]],
		[["chat", "fast", "--preset", "p"]],
		[["doctor", "-m", "fast"]],
		[["models", "--live", "sim"]],
	])("are read once each by llmx %j", async (argv) => {
		const { env, cwd } = prepareHome();
		const counts = countReads();
		const io = createTestIo({ env, cwd, stdin: argv[0] === "chat" ? "hi\n/model other\nho\n" : "" });
		expect({ code: await main(argv, io), err: io.err() }).toMatchObject({ code: 0 });
		expect([counts.get("config.json"), counts.get("keys.json")]).toEqual([1, 1]);
	});

	it("are read once by an LLM of the library, and not at all for what needs neither", async () => {
		const { env, cwd } = prepareHome();
		const counts = countReads();
		await using llm = new LLM("sim/echo", { env });
		await llm.chat("hi");
		expect([counts.get("config.json"), counts.get("keys.json")]).toEqual([1, 1]);
		counts.clear();
		await main(["completion", "bash"], createTestIo({ env, cwd }));
		expect([counts.get("config.json"), counts.get("keys.json")]).toEqual([undefined, undefined]);
	});
});
