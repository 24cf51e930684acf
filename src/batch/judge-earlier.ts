import { parseJson } from "../prompts/json.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { Checked } from "../results/checked.ts";
import type { RecordFormat } from "../results/records.ts";
import type { Expectation } from "./expectation.ts";
import type { RunStats } from "./run-stats.ts";

export interface EarlierRows {
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly format: RecordFormat;
	readonly expectation: Expectation;
	/** The result at a position of the journal. */
	readonly resultAt: (offset: number) => string;
}

/** Notes of rows that ended in earlier runs whether they are as expected by now: expectations may have changed. */
export function judgeEarlierRows(rows: EarlierRows, stats: RunStats): void {
	const { prompts, checked, format, expectation, resultAt } = rows;
	const { index, results, failures } = checked;
	let position = 0;
	for (const { row } of prompts.rows(() => {})) {
		for (const _model of prompts.modelsOf(row)) {
			const state = index.state(position);
			const offset = state === "done" ? index.resultOffset(position) : index.failureOffset(position);
			if (row.expected !== undefined && state === "done" && offset < results.size) {
				const record = parseJson(resultAt(offset)) as Readonly<Record<string, unknown>>;
				stats.notePass(expectation.judge(row.expected, format.answersOf(record)));
			} else if (state === "failed" && offset < failures.size)
				stats.notePass(expectation.judge(row.expected, []));
			position += 1;
		}
	}
}
