import { describe, expect, it } from "vitest";
import { type CheckOptions, checkPrompts } from "../../src/batch/check.ts";
import { requestHash } from "../../src/batch/request-hash.ts";
import { LaneHash } from "../../src/prompts/hash.ts";
import { formatOf, type InputFormat, openInput } from "../../src/prompts/input.ts";
import { PromptsFile, type Selection } from "../../src/prompts/prompts-file.ts";
import { createReader } from "../../src/prompts/reader.ts";
import { RowBuilder, type RowOptions } from "../../src/prompts/row-builder.ts";
import { compileTemplate } from "../../src/prompts/template.ts";
import { recordFormats } from "../../src/results/records.ts";
import { MemoryFiles } from "./helpers/memory-files.ts";

interface Setup {
	readonly format?: InputFormat;
	readonly models?: readonly string[];
	readonly selection?: Partial<Selection>;
	readonly rows?: Partial<RowOptions>;
	readonly check?: Partial<CheckOptions>;
	readonly results?: string;
	readonly failures?: string;
}

async function prepare(content: string, setup: Setup = {}) {
	const files = new MemoryFiles();
	files.set("in", content);
	if (setup.results !== undefined) files.set("out", setup.results);
	if (setup.failures !== undefined) files.set("errors", setup.failures);
	const input = openInput(files, "in", "prompts.jsonl", { format: setup.format ?? "jsonl" });
	const builder = new RowBuilder({
		column: "prompt",
		template: undefined,
		preset: undefined,
		system: undefined,
		parameters: {},
		n: 1,
		attachments: undefined,
		...setup.rows,
	});
	const models = setup.models ?? ["m"];
	const prompts = new PromptsFile({
		input,
		read: await createReader(files, input),
		builder,
		selection: { shard: undefined, limit: undefined, ...setup.selection },
		models,
	});
	const check = () =>
		checkPrompts({
			files,
			prompts,
			primaryModel: models[0] ?? "",
			output: {
				results: "out",
				failures: "errors",
				resultsName: "out",
				failuresName: "errors",
				superseded: "superseded",
				supersededName: "superseded",
				rescueFolders: [],
			},
			format: recordFormats.llmx,
			retryFailed: false,
			overwrite: false,
			random: () => 0.5,
			...setup.check,
		});
	return { files, prompts, check };
}

const problemsOf = async (content: string, setup: Setup = {}) =>
	(await prepare(content, setup)).check().problems.lines;

const ids = (...names: string[]) =>
	`${names.map((id) => JSON.stringify({ id, prompt: `p ${id}` })).join("\n")}\n`;

/** A record for each (id, prompt). */
function records(...rows: [id: string, prompt: string][]): string {
	return rows
		.map(([id, text]) => {
			const message = { role: "user", content: text } as const;
			const hash = requestHash({ messages: [message], parameters: {}, n: 1 } as never);
			return `${JSON.stringify({ id, model: "m", text: "answer", hash })}\n`;
		})
		.join("");
}

/** Failures of those rows. */
function failures(...rows: [id: string, prompt: string][]): string {
	return records(...rows).replaceAll('{"id"', '{"error":{"class":"server"},"id"');
}
/** What a repeated id leads to. */
const nextStep = "(--id COLUMN names another, --no-id numbers the rows)";

describe("the checking pass", () => {
	it("finds every problem of a file by its line, in one go", async () => {
		const lines = [
			'{"prompt":"ok"}',
			"{bad",
			'{"prompt":[5]}',
			"",
			'{"prompt":"ok","id":"1"}',
			'{"prompt":"x"',
		];
		expect(await problemsOf(lines.join("\n"))).toEqual([
			"prompts.jsonl:2: not valid JSON (at character 2)",
			'prompts.jsonl:3: "prompt" must be a string, not a list',
			`prompts.jsonl:5: the id "1" is already used in line 1 ${nextStep}`,
			expect.stringMatching(/^prompts\.jsonl:6: not valid JSON/),
		]);
	});

	it("says each problem once, with a count, whatever names and numbers differ in it", async () => {
		const bad = `{"prompt":"x","top_k":-1}\n${Array.from({ length: 999 }, (_, at) => `{"q":"${at}"}\n`).join("")}`;
		const { check } = await prepare(bad + ids("a").repeat(9));
		const { problems } = check();
		expect(problems.count).toBe(1008);
		expect(problems.lines).toEqual([
			'prompts.jsonl:1: "top_k" must be a whole number of at least 0, not -1',
			'prompts.jsonl:2: no field "prompt"; the row has: q (choose one with --column NAME or --template)',
			"  the same in 998 more lines, the last is 1000",
			`prompts.jsonl:1002: the id "a" is already used in line 1001 ${nextStep}`,
			"  the same in 7 more lines, the last is 1009",
		]);
		expect(() => problems.throwIfAny()).toThrow("1008 problems in prompts.jsonl, nothing was sent");
	});

	it("names a ragged row, a missing variable and a duplicate in a table", async () => {
		const table = "id,text\n1,a\n2\n1,b\n3,\n";
		const rows = { template: compileTemplate("{{text}} {{nope}}") };
		expect(await problemsOf(table, { format: "csv", rows })).toEqual([
			expect.stringContaining("prompts.jsonl:2: the template needs a value for {{nope}}; there is: id, text"),
			"  the same in 2 more lines, the last is 5",
			"prompts.jsonl:3: 1 cell in a row, but the header has 2",
		]);
	});

	it("counts what is done, failed, edited and missing", async () => {
		const { check } = await prepare(ids("a", "b", "c", "d"), {
			results: records(["a", "p a"], ["b", "p b before it was edited"]),
			failures: failures(["c", "p c"]),
		});
		expect(check()).toMatchObject({ rows: 4, done: 1, failed: 1, missing: 2, models: ["m"] });
	});

	describe("with two ids that one seed of the index cannot tell apart", () => {
		const [first, second] = ["_6q450!", "_c96emῳ"] as const;
		const both = [first, second].map((id) => `${JSON.stringify({ id, prompt: "the same" })}\n`).join("");
		const seed = 0.5;

		it("meets ids that are so", () => {
			const [one, other] = [first, second].map((id) => {
				const { high, low } = new LaneHash(Math.floor(seed * 2 ** 32)).update(id, "m");
				return [high, low];
			});
			expect(one).toEqual(other);
		});

		it("starts again with another, and takes neither for the other", async () => {
			const seeds = [seed, 0.123456789];
			const { check } = await prepare(both, {
				results: records([first, "the same"]),
				check: { random: () => seeds.shift() ?? 0 },
			});
			const checked = check();
			expect(checked.problems.count).toBe(0);
			expect(checked).toMatchObject({ rows: 2, done: 1, missing: 1 });
			expect(checked.index.findResult(second, "m")).toBeUndefined();
		});

		it("gives up where no seed can", async () => {
			const { check } = await prepare(both, { check: { random: () => seed } });
			expect(check).toThrow("the ids of prompts.jsonl are too similar to hash");
		});
	});

	it("takes failed rows for missing when they are to be sent again", async () => {
		const { check } = await prepare(ids("a", "b"), {
			failures: failures(["a", "p a"]),
			check: { retryFailed: true },
		});
		const checked = check();
		expect(checked).toMatchObject({ failed: 0, missing: 2 });
		expect(checked.index.state(0)).toBe("missing");
	});

	it("takes everything for missing when it overwrites, whatever the file holds", async () => {
		const { check } = await prepare(ids("a"), { results: "my notes", check: { overwrite: true } });
		expect(check()).toMatchObject({ missing: 1, results: { size: 0, tornBytes: 8 } });
	});

	it("multiplies rows by models, but not those that name their own", async () => {
		const content = `${ids("a")}{"id":"b","prompt":"x","model":"own"}\n`;
		const { check } = await prepare(content, { models: ["m", "n"] });
		expect(check()).toMatchObject({ rows: 2, missing: 3, models: ["m", "n", "own"] });
		expect(await problemsOf(content, { models: [] })).toEqual([
			'prompts.jsonl:1: no model: choose one with -m, or give the row a "model" (no provider has a key, see llmx doctor)',
		]);
	});

	it("sees a duplicate id also where one row names its own model", async () => {
		const content = '{"id":"a","prompt":"x","model":"own"}\n{"id":"a","prompt":"x"}\n';
		expect(await problemsOf(content)).toEqual([
			`prompts.jsonl:2: the id "a" is already used in line 1 ${nextStep}`,
		]);
		// A row's number is its id when it has none, so it may be taken too.
		expect(await problemsOf('"x"\n{"id":"1","prompt":"y"}\n')).toEqual([
			`prompts.jsonl:2: the id "1" is already used in line 1 ${nextStep}`,
		]);
	});

	it("stops at the limit, and takes its shard by id", async () => {
		const names = Array.from({ length: 100 }, (_, index) => `row-${index}`);
		const limited = await prepare(`${ids(...names)}{bad`, { selection: { limit: 10 } });
		expect(limited.check()).toMatchObject({ rows: 10, problems: { count: 0 } });
		const taken: string[] = [];
		for (const index of [1, 2, 3]) {
			const { prompts } = await prepare(ids(...names), { selection: { shard: { index, count: 3 } } });
			for (const { row } of prompts.rows(() => {})) taken.push(row.id);
		}
		expect(taken.toSorted()).toEqual(names.toSorted());
	});

	it("says so when there is nothing to send", async () => {
		expect(await problemsOf("\n\n")).toEqual(["prompts.jsonl:1: the file contains no prompts"]);
		expect(await problemsOf("id,prompt\n", { format: "csv" })).toHaveLength(1);
	});

	it("reads one prompt a line from text", async () => {
		const { prompts } = await prepare("first\n\n second {x} \r\n", { format: "text" });
		expect([...prompts.rows(() => {})].map(({ row }) => [row.id, row.line, row.prompt?.text])).toEqual([
			["1", 1, "first"],
			["2", 3, " second {x} "],
		]);
	});
});

describe("the format of a file", () => {
	it("is known by its name or has to be said", () => {
		expect(["a.jsonl", "b.NDJSON.gz", "c.csv.zst", "d.tsv", "e.txt", "f.json"].map(formatOf)).toEqual([
			"jsonl",
			"jsonl",
			"csv",
			"tsv",
			"text",
			"json",
		]);
		expect(formatOf("folder.csv/prompts")).toBeUndefined();
		const files = new MemoryFiles();
		files.set("prompts.md", "x");
		expect(() => openInput(files, "prompts.md", "prompts.md", {})).toThrow("cannot infer the format");
		expect(files.openHandles).toBe(0);
	});

	it("does not help with a file that is not there", () => {
		expect(() => openInput(new MemoryFiles(), "x.csv", "x.csv", { format: "csv" })).toThrow(
			"cannot read x.csv: no such file or folder",
		);
	});
});
