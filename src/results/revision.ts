import { parseJson } from "../prompts/json.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { RecordFormat, RowNotes } from "./records.ts";
import type { RowIndex } from "./row-index.ts";

/** A result as its row would have it now. Returns the very same text when that is what it says. */
export type Revise = (record: string, row: BatchRow) => string;

export interface RevisionOptions {
	readonly format: RecordFormat;
	/** Whether answers are as a row expects; undefined where it expects nothing. */
	readonly judge: ((row: BatchRow, answers: readonly string[]) => boolean | undefined) | undefined;
	/** JSON of a record as it is written. */
	readonly stringify: (record: unknown) => string;
}

/** Brings what records of earlier runs say of their rows up to date: metadata, and whether they are as expected. */
export function createRevision({ format, judge, stringify }: RevisionOptions): Revise {
	return (record, row) => {
		const { metadata } = row;
		if (judge === undefined && endsLike(record, { pass: undefined, metadata }, stringify)) return record;
		const fields = parseJson(record) as Readonly<Record<string, unknown>>;
		const notes = { pass: judge?.(row, format.answersOf(fields)), metadata };
		if (endsLike(record, notes, stringify)) return record;
		return stringify(format.withNotes(fields, notes));
	};
}

/** Notes are last in a record, behind its hash; most have not changed, and need not be parsed. */
function endsLike(
	record: string,
	{ pass, metadata }: RowNotes,
	stringify: (value: unknown) => string,
): boolean {
	const bare = record.replace(/\}+$/, "");
	const ownTail =
		(pass === undefined ? "" : `,"pass":${pass}`) +
		(metadata === undefined ? "" : `,"metadata":${stringify(metadata)}`);
	const tail = ownTail.replace(/\}+$/, "");
	if (!bare.endsWith(tail) || record.length - bare.length < ownTail.length - tail.length + 1) return false;
	return /"hash":"[0-9a-f]{32}"$/.test(
		bare.slice(Math.max(0, bare.length - tail.length - 45), bare.length - tail.length),
	);
}

/** The rows that have answers, in the order of the input, with the place of each. */
export function* answeredRows(
	prompts: PromptsFile,
	index: RowIndex,
): Generator<{ row: BatchRow; position: number }, void, undefined> {
	let position = 0;
	for (const { row } of prompts.rows(() => {})) {
		for (const _model of prompts.modelsOf(row)) {
			if (index.state(position) === "done") yield { row, position };
			position += 1;
		}
	}
}

/** Changes result lines, with their line ends, given in the order of the input; those behind them stay as they are. */
export type EditLines = () => (line: Buffer) => Uint8Array;

export function editLines(revise: Revise, prompts: PromptsFile, index: RowIndex): EditLines {
	return () => {
		const rows = answeredRows(prompts, index);
		return (line) => {
			const next = rows.next();
			if (next.done) return line;
			const record = line.toString("utf8", 0, line.length - 1);
			const revised = revise(record, next.value.row);
			return revised === record ? line : Buffer.from(`${revised}\n`);
		};
	};
}
