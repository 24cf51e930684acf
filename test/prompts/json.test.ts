import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { InputFormat, RawRow } from "../../src/prompts/input.ts";
import { describeJsonError } from "../../src/prompts/json.ts";
import { createReader } from "../../src/prompts/reader.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";
import { anyText } from "../helpers/any-text.ts";

async function read(content: string, format: InputFormat = "json", readLimit = Number.POSITIVE_INFINITY) {
	const files = new MemoryFiles();
	files.readLimit = readLimit;
	files.set("in", content);
	const rows = await createReader(files, { name: "in", format, file: files.open("in", "r"), size: 0 });
	return [...rows()];
}

const shapesOf = (rows: readonly RawRow[]) =>
	rows.map(({ line, value, problem }) => [line, problem ?? value]);

describe("JSON that is laid out for people", () => {
	it("gives rows from a list, from values one after another, and from the one list of an object", async () => {
		expect(shapesOf(await read('[\n  {"a": 1},\n  "b"\n]\n'))).toEqual([
			[2, { a: 1 }],
			[3, "b"],
		]);
		expect(shapesOf(await read('{\n  "a": 1\n}\r\n{"b":2} "c"'))).toEqual([
			[1, { a: 1 }],
			[4, { b: 2 }],
			[4, "c"],
		]);
		expect(shapesOf(await read('{"data": [{"a":1},\n{"b":2}]}'))).toEqual([
			[1, { a: 1 }],
			[2, { b: 2 }],
		]);
	});

	it("takes an object for a row where its list is not all that it has, or holds messages", async () => {
		expect(await read('{"turns": [{"a":1}], "id": 1}')).toMatchObject([{ value: { id: 1 } }]);
		expect(await read('{"messages": [{"role":"user"}]}')).toMatchObject([{ value: { messages: [{}] } }]);
		expect(await read('{"turns": ["a"]}')).toMatchObject([{ value: { turns: ["a"] } }]);
	});

	it("is found in a file called JSONL, where lines of JSON stay lines", async () => {
		expect(shapesOf(await read('{\n "a": 1\n}\n', "jsonl"))).toEqual([[1, { a: 1 }]]);
		expect(shapesOf(await read('{"a":1}\n{bad\n"x"\n', "jsonl"))).toEqual([
			[1, { a: 1 }],
			[2, "not valid JSON (at character 2)"],
			[3, "x"],
		]);
	});

	it.each([
		['[{"a":1}', 1, "the list ends early"],
		['[{"a":1}\n{"b":2}]', 2, "a comma is missing between two rows"],
		['[{"a":1},\n]', 2, "a comma before the end of the list"],
		['[{"a":1}]\n{"b":2}', 2, "text after the end of the list"],
		['[{"a":"1]', 1, "never closed"],
		['{"a":1},\n{"b":2}', 1, "a comma between two rows"],
		['[{"a":\n NaN}]', 2, "at character 2: NaN and Infinity are not JSON"],
	])("says what is wrong with %j and where", async (content, line, problem) => {
		const last = (await read(content)).at(-1);
		expect(last).toMatchObject({ line, problem: expect.stringContaining(problem) });
	});

	it("gives every value back, however it is laid out and comes in pieces", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(fc.oneof(fc.object({ maxDepth: 3 }), anyText()), { minLength: 1 }),
				fc.constantFrom(undefined, "\t", 1),
				fc.boolean(),
				fc.integer({ min: 1, max: 40 }),
				async (list, space, isList, chunk) => {
					const rows = list.map((value) => JSON.parse(JSON.stringify(value) ?? "0"));
					const text = isList
						? JSON.stringify(rows, null, space)
						: rows.map((row) => JSON.stringify(row, null, space)).join("\n");
					const first = Object.values(rows[0])[0];
					// One object around one list is the other layout.
					fc.pre(isList || rows.length > 1 || !Array.isArray(first));
					expect((await read(text, "json", chunk)).map(({ value }) => value)).toEqual(rows);
				},
			),
			{ numRuns: 100 },
		);
	});
});

describe("what is wrong with JSON", () => {
	it.each([
		['{"a":1', 0, "not valid JSON (it ends early)"],
		['{"😀é":nul}', 0, "not valid JSON (at character 7)"],
		['{"a":-Infinity}', 0, "at character 6: NaN and Infinity"],
		['{"a":True}', 0, "at character 6: None, True and False are Python"],
		['{"a":1} // why', 0, "at character 9: JSON has no comments"],
		['{"a":1},', 0, "at character 8: a comma after the row"],
		['{"a":1,}', 0, "at character 8: a comma before the closing bracket"],
		["\ufeff{}", 0, "at character 1: a byte order mark in the middle of the file"],
		['{"a":"x\ty"}', 0, "at character 8: a line break, tab or control character inside a text"],
		["{“a”:1}", 0, "at character 2: typographic quotes"],
		['{\n "a": 1,\n "b": oops\n}', 2, "not valid JSON (at character 7)"],
	])("%j", (text, line, problem) => {
		const found = describeJsonError(text);
		expect(found.line).toBe(line);
		expect(found.problem).toContain(problem);
	});

	it("is said of nothing that JSON.parse takes, and at a place where it refuses", () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:01-.e \\u\n') }), (text) => {
				let isJson = true;
				try {
					JSON.parse(text);
				} catch {
					isJson = false;
				}
				fc.pre(!isJson);
				expect(describeJsonError(text).problem).toMatch(/^not valid JSON \((it ends early|at character \d+)/);
			}),
		);
	});
});
