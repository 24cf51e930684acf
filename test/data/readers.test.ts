import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";

const prompts = [
	"plain",
	'a "quote", and more',
	"two\nlines",
	"-5",
	"=1+1",
	"semi;colon\ttab",
	"\u2028\u0085 é😀",
];

/** What others read of every kind of output; programs that are not here are left out. */
describe("outputs of a batch", () => {
	let folder: string;
	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "llmx-readers-"));
		const rows = prompts.map((prompt, at) => `${at},"${prompt.replaceAll('"', '""')}"\n`);
		writeFileSync(join(folder, "in.csv"), `id,prompt\n${rows.join("")}`);
		for (const name of ["out.jsonl", "out.csv", "out.tsv", "out.json", "out.jsonl.gz"]) {
			const io = createTestIo({ cwd: folder, env: { LLMX_HOME: join(folder, "home") } });
			const args = ["batch", "in.csv", "-m", "sim/echo", "-q", "--no-escape-formulas", "-o", name];
			expect(await main(args, io), io.err()).toBe(0);
		}
	}, 60_000);
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it("are read by DuckDB, with costs as decimals", async () => {
		const instance = await DuckDBInstance.create(":memory:");
		const connection = await instance.connect();
		try {
			const rows = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
			const path = (name: string) => `'${join(folder, name).replaceAll("'", "''")}'`;
			for (const name of ["out.jsonl", "out.json", "out.jsonl.gz"]) {
				const source = `read_json(${path(name)})`;
				expect(await rows(`SELECT text FROM ${source} ORDER BY id`)).toEqual(prompts.map((text) => [text]));
				expect(await rows(`SELECT DISTINCT typeof(cost_usd) FROM ${source}`)).toEqual([["DOUBLE"]]);
			}
			for (const [name, delimiter] of [
				["out.csv", ","],
				["out.tsv", "\t"],
			]) {
				const table = `read_csv(${path(name as string)}, delim='${delimiter}', quote='"', escape='"', header=true, all_varchar=true)`;
				expect(await rows(`SELECT answer, finish_reason FROM ${table} ORDER BY id`)).toEqual(
					prompts.map((text) => [text, "stop"]),
				);
			}
		} finally {
			connection.closeSync();
			instance.closeSync();
		}
	});

	it("are lines of JSON that no reader of lines breaks", () => {
		const linesOf = (name: string) => readFileSync(join(folder, name), "utf8");
		expect(linesOf("out.jsonl")).not.toMatch(/[\u2028\u2029\u0085]/);
		expect(gunzipSync(readFileSync(join(folder, "out.jsonl.gz"))).toString()).toBe(
			linesOf("out.jsonl.gz.jsonl"),
		);
		const records = linesOf("out.json.jsonl").trimEnd().split("\n");
		expect(JSON.parse(linesOf("out.json"))).toEqual(records.map((line) => JSON.parse(line)));
	});

	const has = (program: string) => spawnSync(program, ["--version"]).status === 0;
	const read = (program: string, ...args: string[]) => {
		const { stdout, stderr, status } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
		expect(status, stderr).toBe(0);
		return JSON.parse(stdout);
	};

	it.skipIf(!has("python3"))("are read by Python's json and csv", () => {
		const script = `
import csv, json
lines = [json.loads(line)["text"] for line in open("out.jsonl", encoding="utf-8").read().splitlines()]
table = [row["answer"] for row in csv.DictReader(open("out.csv", encoding="utf-8", newline=""))]
tabs = [row["answer"] for row in csv.DictReader(open("out.tsv", encoding="utf-8", newline=""), delimiter="\\t")]
print(json.dumps([lines, table, tabs]))`;
		expect(read("python3", "-c", script)).toEqual([prompts, prompts, prompts]);
	});

	it.skipIf(!has("jq"))("are read by jq", () => {
		expect(read("jq", "-s", "map(.text)", "out.jsonl")).toEqual(prompts);
		expect(read("jq", "map(.text)", "out.json")).toEqual(prompts);
	});

	it.skipIf(!has("sqlite3"))("are imported by sqlite3", () => {
		const rows = read(
			"sqlite3",
			"-json",
			":memory:",
			".import --csv out.csv t",
			"SELECT answer FROM t ORDER BY id",
		);
		expect(rows.map(({ answer }: { answer: string }) => answer)).toEqual(prompts);
	});
});
