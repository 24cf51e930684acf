import { LlmxError, UsageError } from "../errors.ts";
import { RowProblem } from "../prompts/parameters.ts";
import { ProblemList } from "../prompts/problem-list.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { Checked } from "../results/checked.ts";
import type { OutputFiles } from "../results/output-files.ts";
import type { RecordFormat } from "../results/records.ts";
import { RowIndex, type RowState } from "../results/row-index.ts";
import { scanJournal } from "../results/scan.ts";
import { countSuperseded, SupersededRecords } from "../results/superseded.ts";
import type { Files } from "../state/file-system.ts";
import { requestHash } from "./request-hash.ts";

export interface CheckOptions {
	readonly files: Files;
	readonly prompts: PromptsFile;
	/** The model of most rows. */
	readonly primaryModel: string;
	/** Undefined when results go to stdout. */
	readonly output: OutputFiles | undefined;
	readonly format: RecordFormat;
	/** Failed rows are sent again. */
	readonly retryFailed: boolean;
	/** What was answered before does not count. */
	readonly overwrite: boolean;
	/** Sees every row with each of its models; a LlmxError that it throws is a problem of the row. */
	readonly onRow?: ((row: BatchRow, model: string, state: RowState) => void) | undefined;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

/** Two ids of one hash that are not the same id: about once in thirty million runs over a million rows. */
class HashClash extends Error {}

/**
 * Goes through the whole prompts file before anything is sent: finds every problem, and what is answered already.
 * Keeps no text of any row.
 * @throws UsageError when a results file holds something that is not a result
 */
export function checkPrompts(options: CheckOptions): Checked {
	for (let attempt = 0; attempt < 5; attempt++) {
		try {
			return checkOnce(options, Math.floor(options.random() * 2 ** 32));
		} catch (error) {
			if (!(error instanceof HashClash)) throw error;
		}
	}
	throw new UsageError(`the ids of ${options.prompts.name} are too similar to hash`);
}

function checkOnce(options: CheckOptions, seed: number): Checked {
	const { files, prompts, output, format, overwrite, retryFailed } = options;
	const index = new RowIndex(seed, options.primaryModel);
	const scan = (
		path: string | undefined,
		name: string,
		readKey: RecordFormat["readResultKey"],
		note: RowIndex["noteResult"],
	) =>
		scanJournal(files, path, {
			name,
			overwrite,
			readKey,
			onRecord: ({ id, model, hash, interrupted }, offset) => {
				if (!interrupted) note.call(index, id, model, hash, offset);
			},
		});
	const results = scan(output?.results, output?.resultsName ?? "", format.readResultKey, index.noteResult);
	const failures = scan(
		output?.failures,
		output?.failuresName ?? "",
		format.readFailureKey,
		index.noteFailure,
	);
	const superseded = new SupersededRecords(files, overwrite ? undefined : output, format, seed);
	const problems = new ProblemList(prompts.name);
	const suspects = new Map<string, number>();
	const models = new Set<string>();
	const counts = { done: 0, failed: 0, missing: 0 };
	let rows = 0;
	/** Rows that a record of the results answers. */
	let answered = 0;
	const notes = new Map<string, number>();
	const noteDown = (note: string) => void notes.set(note, (notes.get(note) ?? 0) + 1);
	for (const { row } of prompts.rows((problem) => problems.add(problem), noteDown)) {
		rows += 1;
		if (!index.claimId(row.id) && suspects.size < 1000) suspects.set(row.id, row.line);
		let hash: string | undefined;
		for (const model of prompts.modelsOf(row)) {
			models.add(model);
			const position = index.claim(row.id, model);
			let state: RowState = "missing";
			if (index.hasRecord(position) || !superseded.isEmpty) {
				hash ??= requestHash(row);
				state = index.settle(position, hash);
				if (state === "done") answered += 1;
				else if (superseded.claim({ id: row.id, model, hash })) {
					index.setRestored(position);
					state = "done";
				} else if (state === "failed" && retryFailed) {
					index.reopen(position);
					state = "missing";
				}
			}
			counts[state] += 1;
			try {
				options.onRow?.(row, model, state);
			} catch (error) {
				if (!(error instanceof LlmxError || error instanceof RowProblem)) throw error;
				problems.add({ line: row.line, text: describe(error) });
			}
		}
	}
	if (suspects.size > 0) findDuplicates(prompts, suspects, problems);
	if (rows === 0 && !prompts.hasRows && problems.count === 0)
		problems.add({ line: 1, text: "the file contains no prompts" });
	index.forgetHashes();
	const checked = { index, problems, rows, ...counts, models: [...models], notes, results, failures };
	const hasOthers = output !== undefined && results.records > answered;
	const staleResults = hasOthers
		? prompts.isWhole
			? results.records - answered
			: countSuperseded({ files, output, format, prompts, index })
		: 0;
	return { ...checked, superseded, staleResults };
}

/** The message, and the hint unless it is a long list. */
function describe(error: LlmxError | RowProblem): string {
	const hint = "hint" in error ? error.hint : undefined;
	return hint !== undefined && hint.length <= 80 ? `${error.message}; ${hint}` : error.message;
}

/** Reads the file once more to compare the ids themselves. */
function findDuplicates(
	prompts: PromptsFile,
	suspects: ReadonlyMap<string, number>,
	problems: ProblemList,
): void {
	const firstLines = new Map<string, number>();
	let found = 0;
	for (const { row } of prompts.rows(() => {})) {
		if (!suspects.has(row.id)) continue;
		const first = firstLines.get(row.id);
		if (first === undefined) {
			firstLines.set(row.id, row.line);
			continue;
		}
		found += 1;
		const text = `the id ${JSON.stringify(row.id)} is already used in line ${first} (--id COLUMN names another, --no-id numbers the rows)`;
		problems.add({ line: row.line, text });
	}
	if (found === 0) throw new HashClash();
}
