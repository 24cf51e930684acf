import type { Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import type { PromptsInput, RawRow } from "./input.ts";
import { describeJsonError, parseJson } from "./json.ts";
import { findJsonLayout, isLaidOut, type JsonLayout, readJsonPieces } from "./json-values.ts";

/** The reader of an input: loads what its format needs, then reads rows synchronously and in flat memory. */
export async function createReader(files: Files, input: PromptsInput): Promise<() => Iterable<RawRow>> {
	switch (input.format) {
		case "jsonl":
			if (!isLaidOut(files, input.file)) return () => readJsonl(files, input);
			return jsonReader(files, input);
		case "json":
			return jsonReader(files, input);
		case "text":
			return () => readText(files, input);
		default: {
			const { readTable } = await import("./table.ts");
			return () => withName(readTable(files, input), input);
		}
	}
}

function jsonReader(files: Files, input: PromptsInput): () => Iterable<RawRow> {
	const layout = findJsonLayout(files, input.file);
	return () => withName(readJson(files, input, layout), input);
}

/** Problems of encodings end with a command, which gets the names of the file and of what it makes. */
function* withName(rows: Iterable<RawRow>, { name }: PromptsInput): Generator<RawRow, void, undefined> {
	for (const row of rows)
		yield row.problem === undefined ? row : { ...row, problem: named(row.problem, name) };
}

function named(problem: string, name: string): string {
	return problem.replace(/\bFILE$/, () => `${name} > ${name.replace(/(\.[^./\\]*)?$/, ".utf8$1")}`);
}

function* readJsonl(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	let number = 0;
	for (const { number: line, text, problem } of readLines(files, input.file)) {
		if (problem === undefined && text.trim() === "") continue;
		number += 1;
		if (problem !== undefined) yield { line, number, value: undefined, problem: named(problem, input.name) };
		else yield toRow(line, number, text);
	}
}

function* readJson(
	files: Files,
	input: PromptsInput,
	layout: JsonLayout,
): Generator<RawRow, void, undefined> {
	let number = 0;
	for (const { line, text, problem } of readJsonPieces(files, input.file, layout)) {
		number += 1;
		if (problem !== undefined) yield { line, number, value: undefined, problem };
		else yield toRow(line, number, text);
	}
}

function toRow(line: number, number: number, text: string): RawRow {
	try {
		return { line, number, value: parseJson(text) };
	} catch {
		const error = describeJsonError(text);
		return { line: line + error.line, number, value: undefined, problem: error.problem };
	}
}

function* readText(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	let number = 0;
	for (const { number: line, text, problem } of readLines(files, input.file)) {
		if (problem === undefined && text.trim() === "") continue;
		number += 1;
		if (problem === undefined) yield { line, number, value: text };
		else yield { line, number, value: undefined, problem: named(problem, input.name) };
	}
}
