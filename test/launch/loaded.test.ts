import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ownCodeCache, runProgram } from "../helpers/program.ts";
import { setup, temporaryFolder } from "../llm/harness.ts";

const cli = fileURLToPath(new URL("../../dist/cli", import.meta.url));

/** Modules of Node that take from 0.3 to 10 ms to load. */
const slow = [
	...["child_process", "crypto", "dns", "fs/promises", "http", "http2", "https", "net", "os", "perf_hooks"],
	...["readline", "sqlite", "stream", "tls", "tty", "worker_threads", "zlib"],
];

interface Loaded {
	/** Files of the command line without the hashes of their names; what several share has no name of its own. */
	readonly files: readonly string[];
	/** The slow ones of Node's modules. */
	readonly node: readonly string[];
}

const nameOf = (path: string) => basename(path).replace(/-[^-]+$/, "");

/** Runs a command line in a home without a code cache, which then has one of what was loaded. */
async function loadedBy(
	argv: readonly string[],
	env: { readonly LLMX_HOME: string },
	input = "",
): Promise<Loaded> {
	const folder = temporaryFolder();
	const list = join(folder, "loaded.json");
	const hook = join(folder, "hook.cjs");
	const write = `require("fs").writeFileSync(${JSON.stringify(list)}, JSON.stringify(process.moduleLoadList))`;
	writeFileSync(hook, `process.on("exit", () => ${write});`);
	writeFileSync(join(folder, "prompts.jsonl"), '{"prompt":"a"}\n');
	const NODE_OPTIONS = `--require=${hook}`;
	const { code, err } = await runProgram(argv, {
		env: { ...env, ...ownCodeCache, NODE_OPTIONS },
		cwd: folder,
		input,
	});
	expect(code, err).toBe(0);
	const modules = new Set(JSON.parse(readFileSync(list, "utf8")) as string[]);
	const files = globSync("compile/**/*.cache", { cwd: env.LLMX_HOME }).map(nameOf);
	return {
		files: [...new Set(files)].filter((name) => name !== "chunk").sort(),
		node: slow.filter((name) => modules.has(`NativeModule ${name}`)),
	};
}

describe("what a command loads", () => {
	it.each(["--version", "--help"])("of %s is one file, and nothing slow", async (flag) => {
		expect(await loadedBy([flag], (await setup()).env)).toEqual({ files: ["main"], node: [] });
	});

	const database = ["settings", "sqlite"];
	const request = ["agent", "ask", "main", "openai-compatible"];

	it("of ask is what one request needs", async () => {
		const { env } = await setup();
		const argv = ["ask", "-m", "openai/echo", "--no-stdin", "hi"];
		expect(await loadedBy(argv, env)).toEqual({
			files: [...request, ...database].sort(),
			node: ["net", "sqlite", "stream"],
		});
		const reused = await setup();
		expect((await runProgram(argv, { env: { ...reused.env, NODE_DISABLE_COMPILE_CACHE: "1" } })).code).toBe(
			0,
		);
		expect(await loadedBy(argv, reused.env)).toEqual({
			files: ["ask", "main", ...database].sort(),
			node: ["sqlite"],
		});
	});

	it("of a batch is no screen and no other provider's SDK", async () => {
		const { env } = await setup();
		const argv = [
			"batch",
			"prompts.jsonl",
			"-m",
			"openai/echo",
			"-o",
			"out.jsonl",
			"-q",
			"--yes",
			"--no-cache",
		];
		const { files, node } = await loadedBy(argv, env);
		expect(files).toEqual(expect.arrayContaining([...request, "batch"]));
		const others = ["anthropic", "chat", "gemini", "screen", "server", "schema-validator"];
		expect(files.filter((name) => others.includes(name))).toEqual([]);
		for (const name of ["http", "http2", "perf_hooks", "worker_threads"]) expect(node).not.toContain(name);
	});

	it("of a chat without a screen is no screen", async () => {
		const { files, node } = await loadedBy(["chat", "-m", "openai/echo"], (await setup()).env, "hi\n");
		expect(files).toEqual(expect.arrayContaining([...request, "chat"]));
		const others = ["anthropic", "batch", "gemini", "screen", "server", "tokenizer"];
		expect(files.filter((name) => others.includes(name))).toEqual([]);
		for (const name of ["http", "http2", "perf_hooks", "worker_threads"]) expect(node).not.toContain(name);
	});
});

describe("a file of the command line", () => {
	/** KiB that a file may have: a tenth more than it has today. */
	const budgets: Readonly<Record<string, number>> = {
		main: 96,
		ask: 415,
		agent: 415,
		batch: 200,
		chat: 32,
		"openai-compatible": 37,
		anthropic: 480,
		gemini: 780,
		screen: 800,
		tokenizer: 3_000,
		server: 150,
		sqlite: 73,
		"schema-validator": 228,
	};

	it("has no more than its budget, and what has none is small", () => {
		const sizes = globSync("*.cjs", { cwd: cli }).map((name) => [
			nameOf(name),
			statSync(join(cli, name)).size / 1024,
		]);
		const over = sizes.filter(([name = "", size = 0]) => Number(size) > (budgets[name] ?? 300));
		expect(over).toEqual([]);
	});
});
