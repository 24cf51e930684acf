import type { Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import type { PromptsInput, RawRow } from "./input.ts";
import { describeJsonError, parseJson } from "./json.ts";

/** The reader of an input: loads what its format needs, then reads rows synchronously and in flat memory. */
export async function createReader(files: Files, input: PromptsInput): Promise<() => Iterable<RawRow>> {
	switch (input.format) {
		case "jsonl":
			return () => readJsonl(files, input);
		case "text":
			return () => readText(files, input);
		default: {
			const { readTable } = await import("./table.ts");
			return () => readTable(files, input);
		}
	}
}

function* readJsonl(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	let number = 0;
	for (const { number: line, text, problem } of readLines(files, input.file)) {
		if (problem === undefined && text.trim() === "") continue;
		number += 1;
		if (problem !== undefined) {
			yield { line, number, value: undefined, problem };
			continue;
		}
		let value: unknown;
		try {
			value = parseJson(text);
		} catch (error) {
			yield { line, number, value: undefined, problem: describeJsonError(error) };
			continue;
		}
		yield { line, number, value };
	}
}

function* readText(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	let number = 0;
	for (const { number: line, text, problem } of readLines(files, input.file)) {
		if (problem === undefined && text.trim() === "") continue;
		number += 1;
		yield problem === undefined ? { line, number, value: text } : { line, number, value: undefined, problem };
	}
}
