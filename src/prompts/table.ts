import type { Files } from "../state/file-system.ts";
import { readCsv } from "./csv.ts";
import type { PromptsInput, RawRow } from "./input.ts";

/**
 * The rows of a CSV or TSV file as objects of text under the header's names. A name that comes twice gets `_1`, `_2`,
 * … behind it, so that no cell is lost.
 */
export function* readTable(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	const delimiter = input.format === "tsv" ? "\t" : undefined;
	let header: readonly string[] | undefined;
	let number = 0;
	for (const { line, cells, problem } of readCsv(files, input.file, delimiter)) {
		if (header === undefined) {
			if (problem !== undefined) {
				yield { line, number: 1, value: undefined, problem };
				return;
			}
			header = uniqueNames(cells);
			continue;
		}
		number += 1;
		if (problem !== undefined) yield { line, number, value: undefined, problem };
		else if (cells.length !== header.length) {
			const count = `${cells.length} ${cells.length === 1 ? "cell" : "cells"}`;
			yield {
				line,
				number,
				value: undefined,
				problem: `${count} in a row, but the header has ${header.length}`,
			};
		} else yield { line, number, value: toObject(header, cells) };
	}
}

/** Header names made unique. */
export function uniqueNames(names: readonly string[]): readonly string[] {
	const taken = new Set(names);
	const seen = new Set<string>();
	return names.map((name) => {
		if (!seen.has(name)) {
			seen.add(name);
			return name;
		}
		let count = 1;
		while (taken.has(`${name}_${count}`)) count++;
		taken.add(`${name}_${count}`);
		return `${name}_${count}`;
	});
}

function toObject(header: readonly string[], cells: readonly string[]): Record<string, string> {
	// Without a prototype, so that a column called __proto__ is one like any other.
	const fields = Object.create(null) as Record<string, string>;
	for (let index = 0; index < header.length; index++) {
		fields[header[index] as string] = cells[index] as string;
	}
	return fields;
}
