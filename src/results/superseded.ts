import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import type { OutputFiles } from "./output-files.ts";
import type { RecordFormat, RecordKey } from "./records.ts";
import { replaceOutput } from "./rewrite.ts";
import { RowIndex } from "./row-index.ts";
import { scanJournal } from "./scan.ts";

/**
 * The records of requests that the input no longer makes: of earlier prompts, parameters and models. They were paid
 * for, so they are kept, beside the results rather than among them, and come back when the input asks for them again.
 */
export class SupersededRecords {
	readonly #index: RowIndex;
	#records = 0;
	#wanted = 0;

	/**
	 * Reads which records there are. `seed` is that of the row index.
	 * @throws UsageError when something in the file is not a result
	 */
	constructor(files: Files, output: OutputFiles | undefined, format: RecordFormat, seed: number) {
		this.#index = new RowIndex(seed, "");
		scanJournal(files, output?.superseded, {
			name: output?.supersededName ?? "",
			readKey: format.readResultKey,
			onRecord: (key, offset) => {
				this.#records += 1;
				this.#index.noteResult(key.id, requestOf(key), key.hash, offset);
			},
		});
	}

	get isEmpty(): boolean {
		return this.#records === 0;
	}

	/** How many records were asked for by `claim`. */
	get wanted(): number {
		return this.#wanted;
	}

	/** True when there is an answer to a request; it is then to be brought back. */
	claim(key: RecordKey): boolean {
		if (this.isEmpty || !this.has(key)) return false;
		this.#index.claim(key.id, requestOf(key));
		this.#wanted += 1;
		return true;
	}

	/** True for a record that was asked for. */
	isWanted(key: RecordKey): boolean {
		return this.#index.isClaimed(key.id, requestOf(key));
	}

	has(key: RecordKey): boolean {
		return this.#index.findResult(key.id, requestOf(key)) !== undefined;
	}
}

/** One id may have had many prompts and models. */
function requestOf({ model, hash }: RecordKey): string {
	return `${hash} ${model}`;
}

export interface ArrangeOptions {
	readonly files: Files;
	readonly output: OutputFiles;
	readonly format: RecordFormat;
	readonly prompts: PromptsFile;
	/** The input has claimed its rows in it. */
	readonly index: RowIndex;
}

/**
 * Moves the records that the input no longer asks for from the results to the superseded ones, and those that it asks
 * for again back. To be called while nothing else writes the files; everything is in one of the two files at any
 * moment, so a crash loses nothing. The check is to be done again afterwards.
 * @throws LlmxError when a file cannot be written
 */
export function arrangeSuperseded(options: ArrangeOptions, superseded: SupersededRecords): void {
	const { files, output, format } = options;
	const isStale = staleTest(options);
	const old = () => recordsOf(files, output.superseded, format);
	const current = () => recordsOf(files, output.results, format);
	const isWanted = (key: RecordKey) => superseded.isWanted(key);
	replaceOutput(files, output.superseded, output.supersededName, (write) => {
		for (const { line } of old()) write(line);
		for (const { key, offset, line } of current())
			if (isStale(key, offset) && !superseded.has(key)) write(line);
	});
	replaceOutput(files, output.results, output.resultsName, (write) => {
		for (const { key, offset, line } of current()) if (!isStale(key, offset)) write(line);
		for (const { key, line } of old()) if (isWanted(key)) write(line);
	});
	const left = { count: 0 };
	replaceOutput(files, output.superseded, output.supersededName, (write) => {
		for (const { key, line } of old()) {
			if (isWanted(key)) continue;
			left.count += 1;
			write(line);
		}
	});
	if (left.count === 0) files.remove(output.superseded);
}

/** How many of the results are superseded. */
export function countSuperseded(options: ArrangeOptions): number {
	const { files, output, format } = options;
	const isStale = staleTest(options);
	let count = 0;
	for (const { key, offset } of recordsOf(files, output.results, format))
		if (isStale(key, offset)) count += 1;
	return count;
}

/** A result that answers no row is superseded, unless its row may be one that the selection leaves out. */
function staleTest({ prompts, index }: ArrangeOptions): (key: RecordKey, offset: number) => boolean {
	return ({ id, model }, offset) =>
		!index.isAnsweredAt(id, model, offset) && (prompts.isWhole || index.isNamed(id));
}

function* recordsOf(files: Files, path: string, format: RecordFormat) {
	if (files.factsOf(path) === undefined) return;
	const file = files.open(path, "r");
	try {
		for (const { text, offset, problem } of readLines(files, file)) {
			const key = problem === undefined ? format.readResultKey(text) : undefined;
			// What is torn was cut off when it was scanned, and everything else is a record.
			if (key !== undefined) yield { key, offset, line: Buffer.from(`${text}\n`) };
		}
	} finally {
		files.close(file);
	}
}
