import {
	chmodSync,
	cpSync,
	globSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	truncateSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { ownCodeCache, type ProgramResult, programPath, runProgram } from "../helpers/program.ts";
import { itWith } from "../helpers/skipping.ts";
import { temporaryFolder } from "../llm/harness.ts";

const isRoot = process.geteuid?.() === 0;

let home: string;
let compiled: string;
beforeEach(() => {
	home = join(temporaryFolder(), "home");
	compiled = join(home, "compile");
});

const ask = (more: Record<string, string | undefined> = {}) =>
	runProgram(["ask", "-m", "sim/echo", "--no-cache", "hello"], {
		env: { ...ownCodeCache, LLMX_HOME: home, ...more },
	});
const answered = { code: 0, out: "hello\n", err: "" };

/** What `doctor` says of the start. */
async function startOf(
	env: Record<string, string> = {},
): Promise<{ state: string; text: string } | undefined> {
	const { out } = await runProgram(["doctor", "--json", "-m", "sim/echo"], {
		env: { ...ownCodeCache, LLMX_HOME: home, ...env },
	});
	return JSON.parse(out).find(({ about }: { about: string }) => about === "start-up");
}

const filesIn = (folder: string) => globSync("**/*.cache", { cwd: folder }).map((file) => join(folder, file));

/** Where each part of the program was compiled to that `ask` and `doctor` load; made once. */
let warmHome: string;
beforeAll(async () => {
	warmHome = mkdtempSync(join(tmpdir(), "llmx-warm-"));
	expect(await ask({ LLMX_HOME: warmHome })).toMatchObject(answered);
	expect(await startOf({ LLMX_HOME: warmHome })).toMatchObject({ state: "ok" });
});
afterAll(() => rmSync(warmHome, { recursive: true, force: true }));

/** Gives the test's home what was compiled. */
function warm(): string[] {
	cpSync(join(warmHome, "compile"), compiled, { recursive: true });
	return filesIn(compiled);
}

describe("the code cache", () => {
	it("is of use to a batch, which changes flags of V8, and to others after it", async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, "prompts.jsonl"), '{"prompt":"one"}\n{"prompt":"two"}\n');
		// The young generation is at its bound from the start, which is another flag.
		const hook = join(folder, "hook.cjs");
		writeFileSync(hook, "globalThis.kept = Array.from({ length: 300_000 }, (_, index) => ({ index }));");
		const young = { NODE_OPTIONS: `--require=${hook}` };
		const batch = async () => {
			rmSync(join(folder, "out.jsonl"), { force: true });
			const argv = ["batch", "prompts.jsonl", "-m", "sim/echo", "-o", "out.jsonl", "-q", "--no-cache"];
			const { code, err } = await runProgram(argv, {
				env: { ...ownCodeCache, ...young, LLMX_HOME: home },
				cwd: folder,
			});
			expect(code, err).toBe(0);
		};
		const madeAt = () =>
			filesIn(compiled).map((file) => [file, lstatSync(file).mtimeMs, lstatSync(file).ino]);
		await batch();
		const first = madeAt();
		expect(first.length).toBeGreaterThan(10);
		await batch();
		expect(await ask(young)).toMatchObject(answered);
		expect(madeAt()).toEqual(first);
	});

	it("is private, whole after one run, and of use to the next", async () => {
		expect(await ask()).toMatchObject(answered);
		expect(await startOf()).toMatchObject({ state: "ok" });
		const files = filesIn(compiled);
		expect(files.length).toBeGreaterThan(5);
		expect(filesIn(compiled).length).toBe(readdirSync(dirname(files[0] as string)).length);
		for (const path of [compiled, dirname(files[0] as string)])
			expect(lstatSync(path).mode & 0o777).toBe(0o700);
		for (const path of files) expect(lstatSync(path).mode & 0o777).toBe(0o600);
		const before = files.map((file) => lstatSync(file).mtimeMs);
		expect(await ask()).toMatchObject(answered);
		expect(files.map((file) => lstatSync(file).mtimeMs)).toEqual(before);
		expect(await startOf()).toEqual({
			about: "start-up",
			state: "ok",
			text: `compiled code is in ${dirname(files[0] as string)}`,
		});
	});

	it("grows with what is used, and is not kept of a run that failed", async () => {
		const failed = await runProgram(["ask", "-m", "nobody/x", "hi"], {
			env: { ...ownCodeCache, LLMX_HOME: home },
		});
		expect(failed.code).not.toBe(0);
		expect(filesIn(home)).toEqual([]);
		expect((await runProgram(["--version"], { env: { ...ownCodeCache, LLMX_HOME: home } })).code).toBe(0);
		const few = filesIn(compiled).length;
		expect(await ask()).toMatchObject(answered);
		expect(filesIn(compiled).length).toBeGreaterThan(few);
	});

	describe("that is", () => {
		// A command of several files, none of which is large.
		const run = (folder = home) =>
			runProgram(["models", "--help"], { env: { ...ownCodeCache, LLMX_HOME: folder } });
		let whole: string;
		let out: string;
		beforeAll(async () => {
			whole = mkdtempSync(join(tmpdir(), "llmx-whole-"));
			({ out } = await run(whole));
		});
		afterAll(() => rmSync(whole, { recursive: true, force: true }));

		it.each<[string, (file: string) => void]>([
			["cut", (file) => truncateSync(file, lstatSync(file).size - 100)],
			["empty", (file) => truncateSync(file, 0)],
			["full of zeros", (file) => writeFileSync(file, Buffer.alloc(lstatSync(file).size))],
			["no cache at all", (file) => writeFileSync(file, "console.log('not this')")],
			["a header and nothing else", (file) => writeFileSync(file, readFileSync(file).subarray(0, 64))],
			[
				"changed in one byte",
				(file) => {
					const bytes = readFileSync(file);
					const place = 64 + (bytes.length % 997);
					bytes[place] = (bytes[place] as number) ^ 0xff;
					writeFileSync(file, bytes);
				},
			],
			[
				"of another chunk",
				(file) =>
					writeFileSync(file, readFileSync(filesIn(compiled).find((other) => other !== file) as string)),
			],
			[
				"a link",
				(file) => {
					renameSync(file, `${file}.moved`);
					symlinkSync(`${file}.moved`, file);
				},
			],
			["writable by others", (file) => chmodSync(file, 0o666)],
		])("%s costs time and nothing else, and is made anew", async (_, damage) => {
			cpSync(whole, home, { recursive: true });
			const files = filesIn(compiled);
			expect(files.length).toBeGreaterThan(2);
			for (const file of files) damage(file);
			expect(await run()).toMatchObject({ code: 0, out, err: "" });
			const facts = () =>
				filesIn(compiled).map((file) => [file, lstatSync(file).mode, lstatSync(file).mtimeMs]);
			const after = facts();
			expect(after.map(([file, mode]) => [file, mode])).toEqual(files.map((file) => [file, 0o100600]));
			expect(await run()).toMatchObject({ code: 0, out, err: "" });
			expect(facts()).toEqual(after);
		});
	});

	it.each<[string, (folder: string) => void]>([
		["a link to a folder", (folder) => symlinkSync(dirname(folder), folder)],
		[
			"writable by others",
			(folder) => {
				mkdirSync(folder);
				chmodSync(folder, 0o777);
			},
		],
		["a file", (folder) => writeFileSync(folder, "")],
	])("does not use a folder that is %s, and doctor says so", async (_, make) => {
		mkdirSync(home);
		make(compiled);
		expect(await ask()).toMatchObject(answered);
		expect(filesIn(home)).toEqual([]);
		expect(await startOf()).toMatchObject({ state: "problem", hint: `run: rm -r ${compiled}` });
	});

	itWith(isRoot, "only root can give files away")("does not use somebody else's", async () => {
		const files = warm();
		const { chownSync } = process.getBuiltinModule("node:fs");
		const before = files.map((file) => readFileSync(file));
		for (const path of [dirname(files[0] as string), ...files]) chownSync(path, 12345, 12345);
		expect(await ask()).toMatchObject(answered);
		expect(files.map((file) => readFileSync(file))).toEqual(before);
		expect(await startOf()).toMatchObject({ state: "problem" });
	});

	it("is done without where nothing can be written", async () => {
		writeFileSync(home, "");
		const env = { ...ownCodeCache, LLMX_HOME: undefined, HOME: home, XDG_CACHE_HOME: "/proc/self/nothing" };
		expect(await runProgram(["--version"], { env })).toMatchObject({ code: 0, err: "" });
		rmSync(home);
		mkdirSync(home, { mode: 0o500 });
		expect(
			await runProgram(["--version"], { env: { ...ownCodeCache, LLMX_HOME: join(home, "x") } }),
		).toMatchObject({
			code: 0,
			err: "",
		});
	});

	it("is written by many at once without harm", async () => {
		const runs = await Promise.all(Array.from({ length: 4 }, () => ask()));
		expect(runs.map(({ code, out, err }) => ({ code, out, err }))).toEqual(runs.map(() => answered));
		const folder = dirname(filesIn(compiled)[0] as string);
		expect(readdirSync(folder).filter((name) => !name.endsWith(".cache"))).toEqual([]);
		await startOf();
		expect((await startOf())?.text).toBe(`compiled code is in ${folder}`);
	});

	it("is kept where Node is told to keep what it compiles, for every home", async () => {
		const folder = join(home, "node");
		const env = { NODE_COMPILE_CACHE: folder };
		expect(await ask({ ...env, LLMX_HOME: join(home, "one") })).toMatchObject(answered);
		const files = filesIn(join(folder, "llmx"));
		expect(files.length).toBeGreaterThan(5);
		const before = files.map((file) => lstatSync(file).mtimeMs);
		expect(await ask({ ...env, LLMX_HOME: join(home, "two") })).toMatchObject(answered);
		expect(filesIn(join(folder, "llmx"))).toEqual(files);
		expect(files.map((file) => lstatSync(file).mtimeMs)).toEqual(before);
		expect(filesIn(join(home, "one"))).toEqual([]);
	});

	it("is switched off by Node's own variable", async () => {
		expect(await ask({ NODE_DISABLE_COMPILE_CACHE: "1" })).toMatchObject(answered);
		expect(filesIn(home)).toEqual([]);
		expect(await startOf({ NODE_DISABLE_COMPILE_CACHE: "1" })).toBeUndefined();
	});

	it("is another for other flags of Node, and both stay", async () => {
		const files = warm();
		expect(await ask({ NODE_OPTIONS: "--max-semi-space-size=32" })).toMatchObject(answered);
		const all = filesIn(compiled);
		expect(all.length).toBeGreaterThan(files.length);
		expect(all).toEqual(expect.arrayContaining(files));
	});

	it("clears away what builds of long ago and killed writers have left", async () => {
		const [file = ""] = warm();
		const old = join(compiled, "another-build");
		mkdirSync(old);
		writeFileSync(join(old, "x.cache"), "");
		const leftover = `${file}.abc.tmp`;
		writeFileSync(leftover, "");
		const recent = join(compiled, "recent-build");
		mkdirSync(recent);
		for (const path of [leftover, old]) utimesSync(path, 1, 1);
		rmSync(file);
		expect(await ask()).toMatchObject(answered);
		expect(readdirSync(compiled).sort()).toEqual(
			[dirname(file).slice(compiled.length + 1), "recent-build"].sort(),
		);
		expect(readdirSync(dirname(file)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
	});
});

describe("a program that was changed by hand", () => {
	it("runs as it is, although its name, build and length are the same", async () => {
		const copy = temporaryFolder();
		const root = fileURLToPath(new URL("../..", import.meta.url));
		for (const part of ["bin", "dist/main.cjs", "dist/cli", "package.json", "prices.csv"])
			cpSync(join(root, part), join(copy, part), { recursive: true });
		const node = process.execPath;
		const run = async (): Promise<ProgramResult> => {
			const { spawnSync } = process.getBuiltinModule("node:child_process");
			const argv = [join(copy, programPath.slice(root.length)), "--help"];
			const { status, stdout, stderr } = spawnSync(node, argv, {
				encoding: "utf8",
				env: { ...process.env, LLMX_HOME: home },
			});
			return { code: status, signal: null, out: stdout, err: stderr };
		};
		expect((await run()).out).toContain("Talk to language models");
		expect((await run()).out).toContain("Talk to language models");
		const words = "Talk to language models in the terminal, and";
		for (const file of globSync(join(copy, "dist/cli/*.cjs"))) {
			const text = readFileSync(file, "utf8");
			if (text.includes(words)) writeFileSync(file, text.replaceAll(words, words.toUpperCase()));
		}
		expect((await run()).out).toContain(words.toUpperCase());
	});
});
