import { LlmxError } from "../errors.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import { describeFileError, remedyFor } from "../state/file-errors.ts";
import type { Files } from "../state/file-system.ts";
import type { Checked } from "./checked.ts";
import { type TableStyle, writeCsv } from "./csv-output.ts";
import type { Journal } from "./journal.ts";
import { writeList } from "./list-output.ts";
import { editLines, type Revise } from "./revision.ts";
import { putInOrder } from "./rewrite.ts";

/** What is written of the journal when a run ends, for those who want another form of it. */
export type RenderedOutput = { readonly path: string; readonly name: string } & (
	| { readonly kind: "table"; readonly style: TableStyle }
	| { readonly kind: "json" | "gzip" }
);

export interface FinishOptions {
	readonly rendered: RenderedOutput | undefined;
	readonly prompts: PromptsFile;
	/** Brings results of earlier runs up to date; undefined when there are none. */
	readonly revise?: Revise | undefined;
	/** No row is missing any more. */
	readonly isComplete: boolean;
	/** The process is to end at once: nothing is done that can wait. */
	readonly isHurried: boolean;
}

export interface FinishedFiles extends FinishOptions {
	readonly files: Files;
	readonly checked: Checked;
	/** Both with all their records on the disk; no failures when there never were any. */
	readonly results: Journal;
	readonly failures: Journal | undefined;
}

/**
 * Puts the files of a run in order: writes the form that was asked for, and once no row is missing brings the
 * results into the order of the input and drops failures that have been answered since. Files are compared with what
 * was written into them before they are replaced. May be done again after a crash.
 * @returns what was found in the files, for people
 * @throws LlmxError when a file cannot be written, or was left as it is
 */
export function finishFiles(options: FinishedFiles): string[] {
	try {
		return finish(options);
	} catch (error) {
		if (error instanceof LlmxError) throw error;
		throw new LlmxError(`cannot put ${options.results.name} in order: ${describeFileError(error)}`, {
			hint: `${remedyFor(error)}run the same command again: nothing is sent twice`,
			cause: error,
		});
	}
}

/** How often the files are looked at once more when others write to them at the very end. */
const rounds = 3;

function finish(options: FinishedFiles): string[] {
	const { files, rendered, prompts, checked, isComplete, isHurried, results, failures, revise } = options;
	const { index } = checked;
	if (isHurried && !results.hasGrown) return [];
	const edit = revise && editLines(revise, prompts, index);
	if (rendered !== undefined && !isHurried) {
		const sources = { results: results.source().file, failures: failures?.source().file };
		if (rendered.kind === "table") writeCsv({ ...rendered, ...sources, files, prompts, index, revise });
		else writeList({ ...rendered, files, index, results: sources.results, edit });
	}
	const notes = new Set<string | undefined>();
	// Others may have had their way with one file while the other was put in order.
	for (let attempt = 1; attempt <= rounds; attempt += 1) {
		if (failures !== undefined) {
			const isOver = isComplete && index.failureOffsets().next().done;
			if (isOver) files.remove(failures.path);
			else notes.add(putInOrder(files, failures, isComplete ? () => index.failureOffsets() : undefined));
		}
		notes.add(putInOrder(files, results, isComplete ? () => index.resultOffsets() : undefined, edit));
		if (results.trouble !== undefined || results.isInPlace()) break;
	}
	return [...notes].filter((note) => note !== undefined);
}
