import { describe, expect, it } from "vitest";
import { formatCsvLine, readCsv } from "../../src/prompts/csv.ts";
import type { PromptsInput, RawRow } from "../../src/prompts/input.ts";
import { readTable, uniqueNames } from "../../src/prompts/table.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";

function table(content: string | Uint8Array, format: PromptsInput["format"] = "csv"): RawRow[] {
	const files = new MemoryFiles();
	files.set("in", content);
	return [...readTable(files, { name: "in", format, file: files.open("in", "r"), size: 0 })];
}

describe("a table", () => {
	it("gives rows by header name and knows each one's line", () => {
		const rows = table('id,prompt\n1,"two\nlines"\n\n2,plain\n3,"a ""quote"""\n');
		expect(rows).toEqual([
			{ line: 2, number: 1, value: { id: "1", prompt: "two\nlines" } },
			{ line: 5, number: 2, value: { id: "2", prompt: "plain" } },
			{ line: 6, number: 3, value: { id: "3", prompt: 'a "quote"' } },
		]);
	});

	it("may end its lines with CRLF and begin with a byte order mark, and keeps line ends inside cells", () => {
		const rows = table('\ufeffid,prompt\r\n1,"a\r\nb"\r\n2,"c\nd"\r\n3,e\r\n');
		expect(rows.map(({ value }) => value)).toEqual([
			{ id: "1", prompt: "a\r\nb" },
			{ id: "2", prompt: "c\nd" },
			{ id: "3", prompt: "e" },
		]);
		expect(rows.map(({ line }) => line)).toEqual([2, 4, 5]);
	});

	it.each([";", "\t", "|"])("finds out that cells are parted by %j", (delimiter) => {
		const [row] = table(
			`id${delimiter}"a,b"${delimiter}prompt\n1${delimiter}2${delimiter}x, y; z\n`.replace("; z", ""),
		);
		expect(row?.value).toEqual({ id: "1", "a,b": "2", prompt: "x, y" });
	});

	it("names a ragged row by its line", () => {
		const rows = table("a,b\n1,2\n1\n1,2,3\n");
		expect(rows.map(({ line, problem }) => [line, problem])).toEqual([
			[2, undefined],
			[3, "1 cell in a row, but the header has 2"],
			[4, "3 cells in a row, but the header has 2"],
		]);
	});

	it("names the row whose quote is never closed", () => {
		const rows = table('a,b\n1,2\n"1,2\n3,4\n');
		expect(rows.at(-1)).toMatchObject({ line: 3, problem: "a quote opened in this row is never closed" });
	});

	it("names the line that is not UTF-8", () => {
		const content = Buffer.concat([
			Buffer.from("a,b\nß,\ufffd\n1,caf"),
			Buffer.from([0xe9]),
			Buffer.from("\n"),
		]);
		const rows = table(content);
		expect(table(Buffer.from("a,b\n1,é").subarray(0, -1)).at(-1)?.problem).toMatch(/not valid UTF-8/);
		expect(rows.at(-1)).toMatchObject({ line: 3, problem: expect.stringMatching(/not valid UTF-8/) });
		expect(table("a,b\nß,\ufffd\n")[0]?.value).toEqual({ a: "ß", b: "\ufffd" });
	});

	it("holds cells of 144,000 characters and many chunks", () => {
		const cell = 'a "b", c\n'.repeat(16_000);
		const row = `x,"${cell.replaceAll('"', '""')}"\n`;
		const rows = table(`id,prompt\n${row.repeat(20)}`);
		expect(rows).toHaveLength(20);
		expect(rows.every(({ value }) => (value as { prompt: string }).prompt === cell)).toBe(true);
		expect(rows[19]?.line).toBe(2 + 19 * 16_001);
	});

	it("reads a row of many megabytes without reading it over and over", () => {
		const cell = "x,".repeat(5_000_000);
		expect(table(`prompt\n"${cell}"\n`)[0]?.value).toEqual({ prompt: cell });
	});

	it("keeps cells whose header comes twice, and ones called __proto__", () => {
		expect(uniqueNames(["a", "a", "a_1", "a", ""])).toEqual(["a", "a_2", "a_1", "a_3", ""]);
		const [row] = table("__proto__,a,a\n1,2,3\n");
		expect(Object.entries(row?.value as object)).toEqual([
			["__proto__", "1"],
			["a", "2"],
			["a_1", "3"],
		]);
	});

	it("says when line ends are mixed rather than join rows", () => {
		expect(table("prompt\r\none\ntwo\n").at(-1)?.problem).toMatch(/mixed/);
	});
});

describe("a CSV line", () => {
	const readBack = (text: string) => {
		const files = new MemoryFiles();
		files.set("in", text);
		return [...readCsv(files, files.open("in", "r"))].map(({ cells }) => cells);
	};

	it("comes back exactly, with every nasty string in it", () => {
		const nasty = [
			"=1+1",
			'"',
			"a\r\nb",
			",",
			"\u0000\u0007",
			"\u202eabc",
			" lead",
			"trail ",
			"",
			"é😀",
			"'",
		];
		const header = nasty.map((_, index) => `c${index}`);
		const text = formatCsvLine(header, [], ",") + formatCsvLine(nasty, [], ",");
		expect(readBack(text)[1]).toEqual(nasty);
	});

	it.each([
		"=1+1",
		"+1",
		"-1",
		"@x",
		"\t=1",
		"\r=1",
		"\n=1",
		"=a\nb",
		"＝1",
		"＋1",
		"－1",
		"＠x",
	])("keeps a spreadsheet from running the answer %j", (answer) => {
		const [cells] = readBack(formatCsvLine(["=mine"], [answer], ","));
		expect(cells).toEqual(["=mine", `'${answer}`]);
	});

	it("leaves other answers as they are", () => {
		expect(formatCsvLine(["1"], ["5 - 3 = 2", 'say "hi"'], ",")).toBe('1,5 - 3 = 2,"say ""hi"""\r\n');
	});
});
