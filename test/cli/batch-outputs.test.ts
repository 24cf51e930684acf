import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

let folder: string;
beforeEach(() => {
	folder = temporaryFolder();
	write("p.txt", "one\ntwo\n");
});

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const read = (name: string) => readFileSync(join(folder, name), "utf8");

async function batch(...args: string[]) {
	const io = createTestIo({ env: { LLMX_HOME: join(folder, "home") }, cwd: folder });
	const exitCode = await main(["batch", ...args], io);
	return { exitCode, out: io.out(), err: io.err() };
}

const run = (...args: string[]) => batch("p.txt", "-m", "sim/echo", "-q", ...args);

describe("what a batch is told to write", () => {
	it.each([
		["the prompts", ["-o", "p.txt"], "p.txt is the prompts file itself"],
		["the prompts, linked", ["-o", "link.jsonl"], "link.jsonl is the prompts file itself"],
		["the prompts under another name", ["-o", "twin.jsonl"], "twin.jsonl is the prompts file itself"],
		["a table over the prompts", ["-o", "twin.csv"], "twin.csv is the prompts file itself"],
		[
			"the summary over the prompts",
			["--summary-json", "link.jsonl"],
			"link.jsonl is the prompts file itself",
		],
		[
			"the summary over the prompts, in a dry run",
			["--summary-json", "p.txt", "--dry-run"],
			"p.txt is the prompts file itself",
		],
		[
			"the summary over the results",
			["--summary-json", "p.results.jsonl"],
			"p.results.jsonl cannot hold both the results and the summary",
		],
		[
			"the summary over the failures",
			["-o", "r.jsonl", "--summary-json", "r.errors.jsonl"],
			"r.errors.jsonl cannot hold both the failures and the summary",
		],
		[
			"the summary over the results of a disk that knows no capitals",
			["-o", "new.jsonl", "--summary-json", "NEW.JSONL"],
			"NEW.JSONL cannot hold both the results and the summary",
		],
		[
			"the summary over somebody's notes",
			["--summary-json", "notes.json"],
			"notes.json exists and is not a summary",
		],
		["a table over somebody's own", ["-o", "mine.csv"], "mine.csv exists, and there is no mine.csv.jsonl"],
		[
			"results over somebody's notes",
			["-o", "notes.json"],
			"notes.json exists, and there is no notes.json.jsonl",
		],
		["results over somebody's records", ["-o", "notes.jsonl"], "notes.jsonl:1: this line is not a result"],
		["a folder", ["--summary-json", "folder"], "folder is not a regular file"],
		["into no folder", ["--summary-json", "nowhere/s.json"], "there is no folder nowhere"],
	])("is refused before anything is sent: %s", async (_, args, message) => {
		symlinkSync("p.txt", join(folder, "link.jsonl"));
		linkSync(join(folder, "p.txt"), join(folder, "twin.jsonl"));
		linkSync(join(folder, "p.txt"), join(folder, "twin.csv"));
		mkdirSync(join(folder, "folder"));
		write("notes.json", '{"mine":1}\n');
		write("notes.jsonl", '{"mine":1}\n');
		write("mine.csv", "a,b\n");
		const { exitCode, err } = await run(...args);
		expect(err).toContain(message);
		expect(exitCode).toBe(2);
		expect(read("p.txt")).toBe("one\ntwo\n");
		expect(read("notes.json")).toBe('{"mine":1}\n');
		expect(read("mine.csv")).toBe("a,b\n");
		expect(existsSync(join(folder, "home", "ledger.jsonl"))).toBe(false);
	});

	it("may be what llmx wrote before", async () => {
		for (const extra of [[], ["--dry-run"], ["--rehearse", "--rpm", "60"], []]) {
			expect(await run("-o", "t.csv", "--summary-json", "s.json", ...extra)).toMatchObject({ exitCode: 0 });
		}
		expect(JSON.parse(read("s.json"))).toMatchObject({ rows: 2, exit_code: 0, files: [] });
	});

	it("touches no file that happens to have the name of a temporary one", async () => {
		write("prompts.csv.tmp", "id,prompt\n1,a\n");
		symlinkSync("p.txt", join(folder, "o.csv.tmp"));
		const io = await batch("prompts.csv.tmp", "--format", "csv", "-m", "sim/echo", "-o", "prompts.csv", "-q");
		expect(io).toMatchObject({ exitCode: 0 });
		expect(read("prompts.csv.tmp")).toBe("id,prompt\n1,a\n");
		expect(read("prompts.csv")).toBe("id,prompt,answer,finish_reason,error\n1,a,a,stop,\n");
		expect(await run("-o", "o.csv")).toMatchObject({ exitCode: 0 });
		expect(read("p.txt")).toBe("one\ntwo\n");
	});

	it("has failures in a file of its own", async () => {
		write("e.txt", "[[fault:400]]\n");
		for (const name of ["out", "out.jsonl"]) {
			expect(await batch("e.txt", "-m", "sim/echo", "-q", "-o", name)).toMatchObject({ exitCode: 1 });
		}
		expect(read("out.errors").split("\n")).toHaveLength(2);
		expect(read("out.errors.jsonl").split("\n")).toHaveLength(2);
		const { exitCode, err } = await run("-o", "out.errors.jsonl");
		expect([exitCode, err]).toEqual([
			2,
			expect.stringContaining("out.errors.jsonl:1: this line is not a result"),
		]);
	});

	it("is stdout under any of its names", async () => {
		const { exitCode, out } = await run("-o", "/dev/stdout");
		expect(exitCode).toBe(0);
		expect(out.split("\n")).toHaveLength(3);
	});

	it("waits for results that an earlier run rescued", async () => {
		write("r.recovered.jsonl", "{}\n");
		const { exitCode, err } = await run("-o", "r.jsonl");
		expect(exitCode).toBe(2);
		expect(err).toContain("to go on with them: mv r.recovered.jsonl r.jsonl");
		expect(await run("-o", "r.jsonl", "--overwrite")).toMatchObject({ exitCode: 0 });
	});
});

describe("what a merge is told to write", () => {
	it("is nothing that is there, unless told so, and never the prompts or a part", async () => {
		await run("-o", "part.jsonl");
		write("other.jsonl", "mine\n");
		linkSync(join(folder, "part.jsonl"), join(folder, "twin.jsonl"));
		const merge = (...args: string[]) => batch("merge", "part.jsonl", ...args);
		for (const args of [
			["-o", "other.jsonl"],
			["-o", "twin.jsonl", "--overwrite"],
			["-o", "p.txt", "--input", "p.txt", "--overwrite"],
			["-o", "/dev/null", "--overwrite"],
		]) {
			expect(await merge(...args)).toMatchObject({ exitCode: 2 });
		}
		expect(read("other.jsonl")).toBe("mine\n");
		expect(read("p.txt")).toBe("one\ntwo\n");
		expect(await merge("-o", "other.jsonl", "--overwrite")).toMatchObject({ exitCode: 0 });
		expect(read("other.jsonl")).toBe(read("part.jsonl"));
	});
});
