import fc from "fast-check";
import Papa from "papaparse";
import { describe, expect, it } from "vitest";
import { type CsvDialect, readCsv, readCsvHead } from "../../src/prompts/csv.ts";
import { escapeFormula, formatCsvLine, plainDialect } from "../../src/prompts/csv-line.ts";
import type { PromptsInput, RawRow } from "../../src/prompts/input.ts";
import { readTable, uniqueNames } from "../../src/prompts/table.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";

function table(
	content: string | Uint8Array,
	format: PromptsInput["format"] = "csv",
	header?: boolean,
): RawRow[] {
	const files = new MemoryFiles();
	files.set("in", content);
	return [...readTable(files, { name: "in", format, file: files.open("in", "r"), size: 0, header })];
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
		expect(rows.map(({ line }) => line)).toEqual([2, 4, 6]);
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
		expect(uniqueNames(["a", "a", "a_1", "a", ""])).toEqual(["a", "a_2", "a_1", "a_3", "column_5"]);
		const [note, row] = table("__proto__,a,a\n1,2,3\n");
		expect(note?.note).toBe('2 columns are called "a": the first keeps the name, then a_1');
		expect(Object.entries(row?.value as object)).toEqual([
			["__proto__", "1"],
			["a", "2"],
			["a_1", "3"],
		]);
	});

	it.each([
		["CRLF and LF", "prompt\r\none\ntwo\r\n", ["one", "two"]],
		["LF and CRLF", "prompt\none\r\ntwo\n", ["one", "two"]],
		["CR alone", "prompt\rone\rtwo\r", ["one", "two"]],
		["CR CR LF, written twice over", "prompt\r\r\none\r\r\ntwo", ["one", "two"]],
	])("ends its rows with %s", (_, text, prompts) => {
		expect(table(text).map(({ value }) => (value as { prompt: string }).prompt)).toEqual(prompts);
	});

	it("may have line breaks in its header, of another kind than those between its rows", () => {
		const rows = table('prompt,"First\nname",city\r\nhi,Ann,Rome\r\n');
		expect(rows).toEqual([
			{ line: 3, number: 1, value: { prompt: "hi", "First\nname": "Ann", city: "Rome" } },
		]);
	});

	it("lets no carriage return outside quotes into a cell", () => {
		expect(table("id,prompt\n1,he\rllo\n2,hi\n").map(({ line, problem }) => [line, problem])).toEqual([
			[2, "a carriage return outside quotes; quote the cell, or make all line ends one kind"],
			[4, undefined],
		]);
	});

	it.each([
		"",
		"sep=;\r\n",
		"\ufeff",
	])("without a header names its columns by their places (begins with %j)", (start) => {
		const delimiter = start.startsWith("sep") ? ";" : ",";
		const rows = ["hi", '"two\nlines"', "hi", "a,b".replace(",", delimiter === "," ? "." : ",")].map(
			(cell, index) => [`id${index}`, cell, cell].join(delimiter),
		);
		const text = `${rows.join("\r\n")}\r\n`;
		const header = `${["column_1", "column_2", "column_3"].join(delimiter)}\r\n`;
		expect(table(start + text, "csv", false)).toEqual(
			table(start + header + text).map((row) => ({ ...row, line: row.line - 1 })),
		);
		expect(table(`${start}a${delimiter}b\nc\n`, "csv", false).at(-1)?.problem).toBe(
			"1 cell in a row, but the first row has 2",
		);
	});

	it("obeys Excel's line above the header that says what parts the cells", () => {
		expect(table("sep=;\r\nid;prompt\r\n1;a, b\r\n")).toEqual([
			{ line: 3, number: 1, value: { id: "1", prompt: "a, b" } },
		]);
	});

	it("skips rows of nothing but separators, and says so", () => {
		const rows = table("id,prompt\n1,hi\n,,\n,\n2,ho\n");
		expect(rows.filter(({ note }) => note === "row without any text, skipped")).toHaveLength(2);
		expect(rows.filter(({ note }) => note === undefined).map(({ number }) => number)).toEqual([1, 2]);
	});

	it("says which quote is wrong", () => {
		const rows = table('id,prompt\n1,"he said \\"hi\\""\n2,"a"b\n3,"a" ,\n');
		expect(rows.map(({ line, problem }) => [line, problem])).toEqual([
			[2, 'a quote after a backslash (\\"); inside a quoted cell a quote is written twice ("")'],
			[3, "text after a closing quote; a quote inside a quoted cell is written twice"],
			[4, "3 cells in a row, but the header has 2"],
		]);
	});

	const anyText = fc.string({
		unit: fc.constantFrom("a", " ", '"', ",", ";", "\t", "|", "\n", "\r", "é", "😀"),
	});
	const anyTable = fc
		.integer({ min: 1, max: 4 })
		.chain((width) =>
			fc.array(fc.array(anyText, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 8 }),
		);
	const anyDialect = fc.record<CsvDialect>({
		delimiter: fc.constantFrom(",", ";", "\t", "|"),
		lineEnd: fc.constantFrom("\n", "\r\n", "\r"),
		hasMark: fc.boolean(),
	});

	it("is read as it was written, in every dialect and however it comes in pieces", () => {
		fc.assert(
			fc.property(anyTable, anyDialect, fc.integer({ min: 1, max: 9 }), (rows, dialect, chunk) => {
				// A header that has no delimiter in it says nothing about the dialect.
				const header = ["h1", "h2", "h3", "h4"].slice(0, rows[0]?.length);
				const text = [header, ...rows].map((cells) => formatCsvLine(cells, dialect)).join("");
				const files = new MemoryFiles();
				files.readLimit = chunk;
				files.set("in", (dialect.hasMark ? "\ufeff" : "") + text);
				const delimiter = header.length === 1 ? dialect.delimiter : undefined;
				const file = files.open("in", "r");
				const read = [...readCsv(files, file, delimiter)];
				expect(read.slice(1).map(({ cells }) => cells)).toEqual(rows);
				expect(read.every(({ problem }) => problem === undefined)).toBe(true);
				if (chunk > 8) expect(readCsvHead(files, file, delimiter).dialect).toEqual(dialect);
			}),
			{ numRuns: 300 },
		);
	});

	it("is what papaparse makes of it, wherever that reads one line end", () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "b"), maxLength: 24 }), (body) => {
				const text = `x,y\n${body}\n`;
				const files = new MemoryFiles();
				files.set("in", text);
				const ours = [...readCsv(files, files.open("in", "r"), ",")];
				const theirs = Papa.parse<string[]>(text, { delimiter: ",", newline: "\n" });
				// What is malformed may be reported in other places.
				if (theirs.errors.length > 0 || ours.some(({ problem }) => problem !== undefined)) return;
				const filled = theirs.data.filter((cells) => cells.length > 1 || cells[0] !== "");
				expect(ours.map(({ cells }) => cells).filter((cells) => cells.length > 1 || cells[0] !== "")).toEqual(
					filled,
				);
			}),
			{ numRuns: 500 },
		);
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
		const text = formatCsvLine(header, plainDialect) + formatCsvLine(nasty, plainDialect);
		expect(readBack(text)[1]).toEqual(nasty);
	});

	it.each([
		"=1+1",
		"+1 (555)",
		"-a",
		"-1-1",
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
		const [cells] = readBack(formatCsvLine(["=mine", escapeFormula(answer)], plainDialect));
		expect(cells).toEqual(["=mine", `'${answer}`]);
	});

	it.each([
		"5 - 3 = 2",
		"-5",
		"+3.25",
		"-1,000.5",
		"-1e-7",
		"-.5",
		"-3 %",
		"",
	])("leaves the answer %j as it is", (answer) => expect(escapeFormula(answer)).toBe(answer));

	it("quotes what needs it, and nothing else", () => {
		const line = formatCsvLine(["1", "5 - 3 = 2", 'say "hi"', "a;b"], plainDialect);
		expect(line).toBe('1,5 - 3 = 2,"say ""hi""",a;b\r\n');
		expect(formatCsvLine([""], plainDialect)).toBe('""\r\n');
	});
});
