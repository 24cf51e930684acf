import { LlmxError } from "../errors.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";
import { KeptFile } from "./kept-file.ts";
import { LineSet } from "./line-set.ts";
import type { OutputFiles } from "./output-files.ts";
import type { RecordFormat, RecordKey } from "./records.ts";
import { openRescueFile } from "./rescue.ts";
import { RowIndex } from "./row-index.ts";
import { type JournalState, scanJournal } from "./scan.ts";

/**
 * The records of requests that the input no longer makes: of earlier prompts, parameters and models. They were paid
 * for, so they are kept, beside the results rather than among them, and come back when the input asks for them again.
 */
export class SupersededRecords {
	/** What was found in their file. */
	readonly state: JournalState;
	readonly #index: RowIndex;
	#records = 0;
	#wanted = 0;

	/**
	 * Reads which records there are. `seed` is that of the row index.
	 * @throws UsageError when something in the file is not a result
	 */
	constructor(files: Files, output: OutputFiles | undefined, format: RecordFormat, seed: number) {
		this.#index = new RowIndex(seed, "");
		this.state = scanJournal(files, output?.superseded, {
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
 * for again back. Files that are no longer what the scans have found are left as they are. Everything is in one of the
 * two at any moment, so a crash loses nothing; and what other programs destroy meanwhile is saved in a third. The
 * check is to be done again afterwards.
 * @param results what the scan has found in the results file
 * @throws LlmxError when a file cannot be written, or another program has changed one
 */
export function arrangeSuperseded(
	options: ArrangeOptions,
	results: JournalState,
	superseded: SupersededRecords,
): void {
	const { files, output } = options;
	const current = new KeptFile(files, output.results, output.resultsName, results);
	let old: KeptFile | undefined;
	try {
		old = new KeptFile(files, output.superseded, output.supersededName, superseded.state);
		try {
			arrange(options, superseded, current, old);
		} finally {
			// Told of rather than why it could not be done.
			saveWhatIsGone(options, [current, old]);
		}
	} finally {
		current.close();
		old?.close();
	}
}

function arrange(
	options: ArrangeOptions,
	superseded: SupersededRecords,
	current: KeptFile,
	old: KeptFile,
): void {
	const { files, format } = options;
	const isStale = staleTest(options);
	const records = (file: KeptFile) => recordsOf(files, file.records, format);
	const known = knownLines(
		function* () {
			for (const { key, offset, line } of records(current))
				if (isStale(key, offset) && superseded.has(key)) yield line;
		},
		() => records(old),
	);
	const stale = function* () {
		for (const { key, offset, line } of records(current))
			if (isStale(key, offset) && !known.has(textOf(line))) yield line;
	};
	if (stale().next().done === false)
		old.replace((write) => {
			for (const { line } of records(old)) write(line);
			for (const line of stale()) write(line);
		});
	current.replace((write) => {
		for (const { key, offset, line } of records(current)) if (!isStale(key, offset)) write(line);
		for (const { key, line } of records(old)) if (superseded.isWanted(key)) write(line);
	}, old);
	if (superseded.wanted === 0) return;
	let left = 0;
	old.replace((write) => {
		const keep = (line: Buffer) => {
			left += 1;
			write(line);
		};
		for (const { key, line } of records(old)) if (!superseded.isWanted(key)) keep(line);
		for (const line of stale()) keep(line);
	}, current);
	if (left === 0) old.remove(current);
}

/**
 * Sees to it that every record is in one of the two files still.
 * @throws LlmxError naming the file that has them all, when others have destroyed some
 */
function saveWhatIsGone({ files, output, format }: ArrangeOptions, kept: readonly KeptFile[]): void {
	if (kept.every((file) => file.isInPlace())) return;
	const records = function* () {
		for (const file of kept) yield* recordsOf(files, file.records, format);
	};
	const found = new LineSet();
	for (const path of [output.results, output.superseded]) found.addAll(files, path);
	if (records().every(({ line }) => found.has(textOf(line)))) return;
	const { name, file } = openRescueFile(files, {
		path: output.results,
		name: output.resultsName,
		rescueFolders: output.rescueFolders,
		produce: (write) => {
			for (const { line } of records()) write(line);
		},
	});
	files.close(file);
	const meddled = `another program changed ${output.resultsName} or ${output.supersededName} while they were put in order`;
	throw new LlmxError(`${meddled}; all results of both are in ${name}`, {
		hint: `move it to ${output.resultsName} before you run the command again`,
	});
}

/** Those lines, as a run that was killed here has copied them, that the other file has to the letter. */
function knownLines(
	lines: () => Iterable<Buffer>,
	others: () => Iterable<{ readonly line: Buffer }>,
): LineSet {
	const perhaps = new LineSet();
	for (const line of lines()) perhaps.add(textOf(line));
	const known = new LineSet();
	if (perhaps.isEmpty) return known;
	for (const { line } of others()) if (perhaps.has(textOf(line))) known.add(textOf(line));
	return known;
}

function textOf(line: Buffer): string {
	return line.toString("utf8", 0, line.length - 1);
}

/** How many of the results are superseded. */
export function countSuperseded(options: ArrangeOptions): number {
	const { files, output, format } = options;
	if (files.factsOf(output.results) === undefined) return 0;
	const isStale = staleTest(options);
	const file = files.open(output.results, "r");
	try {
		let count = 0;
		for (const { key, offset } of recordsOf(files, file, format)) if (isStale(key, offset)) count += 1;
		return count;
	} finally {
		files.close(file);
	}
}

/** A result that answers no row is superseded, unless its row may be one that the selection leaves out. */
function staleTest({ prompts, index }: ArrangeOptions): (key: RecordKey, offset: number) => boolean {
	return ({ id, model }, offset) =>
		!index.isAnsweredAt(id, model, offset) && (prompts.isWhole || index.isNamed(id));
}

/** The records in an open file, if there is one. */
function* recordsOf(files: Files, file: number | undefined, format: RecordFormat) {
	if (file === undefined) return;
	for (const { text, offset, problem } of readLines(files, file)) {
		const key = problem === undefined ? format.readResultKey(text) : undefined;
		if (key !== undefined) yield { key, offset, line: Buffer.from(`${text}\n`) };
	}
}
