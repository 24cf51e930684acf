import { UsageError } from "../errors.ts";
import { describeFileError, type Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import { type ReportRecord, readReportRecord } from "./records.ts";

/** A file of results or failures; `name` is what messages and column heads call it. */
export interface ReportSource {
	readonly path: string;
	readonly name: string;
}

/** Where a record is, and its figures without its texts. */
export interface CollectedRow extends Omit<ReportRecord, "text"> {
	/** Index into the sources. */
	readonly source: number;
	readonly offset: number;
	/** Characters of the answers. */
	readonly length: number;
	/** The head of its column in a comparison. */
	readonly column: string;
}

/**
 * The rows of results files, each (id, model) of a file once: the last record wins, and an answer over a failure. Of
 * texts nothing is kept.
 * @throws UsageError when a file cannot be read or holds no record
 */
export function collectRows(files: Files, sources: readonly ReportSource[]): readonly CollectedRow[] {
	const rows: CollectedRow[] = [];
	const places = new Map<string, number>();
	for (const [source, { path, name }] of sources.entries()) {
		const group = groupOf(name);
		let found = 0;
		let lines = 0;
		for (const { offset, text, problem } of linesOf(files, path, name)) {
			if (problem === undefined && text.trim() === "") continue;
			lines += 1;
			const record = problem === undefined ? readReportRecord(text) : undefined;
			if (record === undefined) continue;
			found += 1;
			const { text: texts, ...figures } = record;
			const length = texts.a.reduce((sum, answer) => sum + answer.length, 0);
			const row = { ...figures, source, offset, length, column: record.model };
			const key = JSON.stringify([group, record.id, record.model]);
			const before = places.get(key);
			if (before === undefined) {
				places.set(key, rows.length);
				rows.push(row);
			} else if (row.errorClass === undefined || rows[before]?.errorClass !== undefined) rows[before] = row;
		}
		if (lines > 0 && found === 0)
			throw new UsageError(`${name} contains no llmx results`, {
				hint: "name the .jsonl file that llmx batch wrote",
			});
	}
	return withColumns(rows, sources);
}

/** Results and the failures beside them belong together. */
function groupOf(name: string): string {
	return name.replace(/\.errors\.jsonl$/, ".jsonl");
}

function* linesOf(files: Files, path: string, name: string) {
	let file: number;
	try {
		file = files.open(path, "r");
	} catch (error) {
		throw new UsageError(`cannot read ${name}: ${describeFileError(error)}`, { cause: error });
	}
	try {
		yield* readLines(files, file);
	} finally {
		files.close(file);
	}
}

/** A model that comes from several files gets a column for each of them. */
function withColumns(
	rows: readonly CollectedRow[],
	sources: readonly ReportSource[],
): readonly CollectedRow[] {
	const groups = sources.map(({ name }) => groupOf(name));
	const groupsOf = new Map<string, Set<string>>();
	for (const { model, source } of rows) {
		const known = groupsOf.get(model) ?? new Set();
		groupsOf.set(model, known.add(groups[source] as string));
	}
	if ([...groupsOf.values()].every(({ size }) => size === 1)) return rows;
	return rows.map((row) =>
		(groupsOf.get(row.model)?.size ?? 0) > 1
			? { ...row, column: `${row.model} (${groups[row.source]})` }
			: row,
	);
}
