import type { Files } from "../state/file-system.ts";
import { type CsvDialect, readCsv, readCsvHead } from "./csv.ts";
import type { PromptsInput, RawRow } from "./input.ts";

/** A table as it stands in its file. */
export interface TableShape {
	readonly dialect: CsvDialect;
	/** Column names as they are written: some may come twice, some may be empty. Without a header those of the rows. */
	readonly header: readonly string[];
	/** The same columns under the names by which rows know them. */
	readonly names: readonly string[];
}

/** The shape of an open CSV or TSV file. */
export function readTableShape(files: Files, input: PromptsInput): TableShape {
	const { dialect, header } = readCsvHead(files, input.file, delimiterOf(input));
	const cells = header?.cells ?? [];
	const names = namesOf(cells, input);
	return { dialect, header: input.header === false ? names : cells, names };
}

/** The names of columns, given the cells of the first line; they have none but their places where that is a row. */
function namesOf(cells: readonly string[], { header }: PromptsInput): readonly string[] {
	return uniqueNames(header === false ? cells.map(() => "") : cells);
}

function delimiterOf({ format }: PromptsInput): string | undefined {
	return format === "tsv" ? "\t" : undefined;
}

/**
 * The rows of a CSV or TSV file as objects of text under the header's names, made unique so that no cell is lost.
 * Rows of nothing but separators, as spreadsheets leave them, come as notes, and so do the header where files were put
 * together, and what is odd about it.
 */
export function* readTable(files: Files, input: PromptsInput): Generator<RawRow, void, undefined> {
	let head: readonly string[] = [];
	let header: readonly string[] | undefined;
	let number = 0;
	for (const { line, cells, problem } of readCsv(files, input.file, delimiterOf(input))) {
		if (header === undefined) {
			if (problem !== undefined) {
				yield { line, number: 1, value: undefined, problem };
				return;
			}
			header = namesOf(cells, input);
			if (input.header !== false) {
				head = cells;
				for (const note of headerNotes(cells, header)) yield { line, number: 0, value: undefined, note };
				continue;
			}
		}
		if (problem === undefined && cells.every((cell) => cell === "")) {
			yield { line, number, value: undefined, note: "row without any text, skipped" };
			continue;
		}
		if (problem === undefined && isHeadAgain(cells, head)) {
			yield { line, number, value: undefined, note: "row that is the header once more, skipped" };
			continue;
		}
		number += 1;
		if (problem !== undefined) yield { line, number, value: undefined, problem };
		else if (cells.length !== header.length)
			yield { line, number, value: undefined, problem: raggedText(cells.length, header.length, input) };
		else yield { line, number, value: toObject(header, cells) };
	}
}

/** Files that were put together bring their header, and its byte order mark, into the middle. */
function isHeadAgain(cells: readonly string[], head: readonly string[]): boolean {
	const [first = "", ...rest] = cells;
	const isMarked = first.startsWith("\ufeff");
	// A table of one column may have a row that reads like its name.
	if (cells.length !== head.length || (head.length < 2 && !isMarked)) return false;
	return [isMarked ? first.slice(1) : first, ...rest].every((cell, index) => cell === head[index]);
}

function raggedText(cells: number, columns: number, { header }: PromptsInput): string {
	const first = header === false ? "first row" : "header";
	const text = `${cells} ${cells === 1 ? "cell" : "cells"} in a row, but the ${first} has ${columns}`;
	const hint = columns === 1 ? "quote cells that hold a comma, or use --format text for a prompt a line" : "";
	return hint === "" ? text : `${text}; ${hint}`;
}

function headerNotes(cells: readonly string[], names: readonly string[]): string[] {
	const notes: string[] = [];
	const blank = names.filter((_, index) => cells[index]?.trim() === "");
	if (blank.length > 0) {
		const which = blank.length > 3 ? `${blank.slice(0, 3).join(", ")}, …` : blank.join(", ");
		notes.push(`${blank.length === 1 ? "a column has" : `${blank.length} columns have`} no name: ${which}`);
	}
	const repeated = names.filter((name, index) => name !== cells[index] && cells[index]?.trim() !== "");
	for (const name of new Set(repeated.map((unique) => cells[names.indexOf(unique)] as string))) {
		const others = names.filter((unique, index) => cells[index] === name && unique !== name);
		notes.push(
			`${others.length + 1} columns are called "${name}": the first keeps the name, then ${others.join(", ")}`,
		);
	}
	return notes;
}

/** Header names made unique: a name that comes twice gets `_1`, `_2`, … behind it, an empty one its place. */
export function uniqueNames(names: readonly string[]): readonly string[] {
	const wanted = names.map((name, index) => (name.trim() === "" ? `column_${index + 1}` : name));
	const taken = new Set(wanted);
	const seen = new Set<string>();
	return wanted.map((name) => {
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
	for (let index = 0; index < header.length; index++)
		fields[header[index] as string] = cells[index] as string;
	return fields;
}
