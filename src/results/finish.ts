import { LlmxError } from "../errors.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import { describeFileError, type Files } from "../state/file-system.ts";
import type { Checked, OutputFiles } from "./checked.ts";
import { writeCsv } from "./csv-output.ts";
import { reorderJournal } from "./rewrite.ts";

/** A table that is written beside the journal. */
export interface TableOutput {
	readonly path: string;
	readonly name: string;
	readonly delimiter: string;
	readonly severalModels: boolean;
}

export interface FinishOptions {
	readonly files: Files;
	readonly output: OutputFiles;
	readonly table: TableOutput | undefined;
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	/** No row is missing any more. */
	readonly isComplete: boolean;
}

/**
 * Puts the files of a closed run in order: writes the table, and once no row is missing brings the results into the
 * order of the input and drops failures that have been answered since. May be done again after a crash.
 * @throws LlmxError when a file cannot be written; every answer is then still in the results file
 */
export function finishFiles(options: FinishOptions): void {
	try {
		finish(options);
	} catch (error) {
		if (error instanceof LlmxError) throw error;
		throw new LlmxError(`cannot put ${options.output.resultsName} in order: ${describeFileError(error)}`, {
			hint: "every answer is kept in it; run the same command again",
			cause: error,
		});
	}
}

function finish(options: FinishOptions): void {
	const { files, output, table, prompts, checked, isComplete } = options;
	const { index } = checked;
	if (table !== undefined) {
		const { results, failures } = output;
		writeCsv({ ...table, files, prompts, index, results, failures });
	}
	if (!isComplete) return;
	reorder(files, output.results, output.resultsName, () => index.resultOffsets());
	if (files.factsOf(output.failures) === undefined) return;
	const noneLeft = index.failureOffsets().next().done === true;
	if (noneLeft) files.remove(output.failures);
	else reorder(files, output.failures, output.failuresName, () => index.failureOffsets());
}

function reorder(files: Files, path: string, name: string, offsets: () => Iterable<number>): void {
	const facts = files.factsOf(path);
	if (facts !== undefined) reorderJournal(files, path, name, facts.size, offsets);
}
