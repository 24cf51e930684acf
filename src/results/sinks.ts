import { LlmxError } from "../errors.ts";
import type { Files } from "../state/file-system.ts";
import type { Checked } from "./checked.ts";
import { type FinishOptions, finishFiles } from "./finish.ts";
import { Journal } from "./journal.ts";
import type { OutputFiles } from "./output-files.ts";
import { Overflow } from "./overflow.ts";
import { cannotWrite } from "./record-file.ts";
import type { RecordFormat } from "./records.ts";
import { holdsRecords, LineAt, putInOrder } from "./rewrite.ts";

/** For two new files and their folder, with one to spare. */
const spareDescriptors = 4;

/** UTF-16 code units of records that are written at once. */
const mostTogether = 256 * 1024;

/** The record of an answer, and its row's place in the index. */
export interface AnswerRecord {
	readonly position: number;
	readonly record: string;
}

/** Where a run's records go. `position` is the row's place in the index. */
export interface Sink {
	/** Takes an answer. Throws LlmxError when the record could not be kept. */
	result(position: number, record: string): void;
	/** Takes answers that are known at one time, if it can take all of them in one write; otherwise none, and returns false. */
	results(answers: readonly AnswerRecord[]): boolean;
	/** Takes an error record; an interrupted row is missing rather than failed. Throws like `result`. */
	failure(position: number, record: string, interrupted: boolean): void;
	/** Undefined, or resolves when there is room for more. Rejects with LlmxError when nothing can be kept any more. */
	room(): Promise<void> | undefined;
	/** Brings what was written to where it is safe. Throws LlmxError when that fails. */
	close(): Promise<void>;
}

export interface FileSinkOptions {
	readonly files: Files;
	readonly output: OutputFiles;
	readonly checked: Checked;
	readonly format: RecordFormat;
	/** False once the files are another process's. */
	readonly isHeld?: (() => boolean) | undefined;
	/** Hears that nothing more should be sent, because a file is gone or not this run's alone. */
	readonly onTrouble: (error: LlmxError) => void;
	/** Brings to the disk what belongs to the records, whenever they go there. Never rejects. */
	readonly alsoSync?: (() => Promise<void>) | undefined;
}

/** The results file, and beside it the one of the failures, which is made when there is one. */
export class FileSink implements Sink {
	readonly #options: FileSinkOptions;
	readonly #results: Journal;
	#failures: Journal | undefined;
	readonly #overflow: Overflow;
	/** Sockets may take every descriptor that the system allows; these are for the files at the end. */
	readonly #spare: number[] = [];

	/** @throws LlmxError when a file cannot be written */
	constructor(options: FileSinkOptions) {
		const { files, output, checked } = options;
		this.#options = options;
		this.#overflow = new Overflow(files, output.resultsName, "results", output.rescueFolders);
		this.#results = this.#open("results");
		try {
			for (let count = 0; count < spareDescriptors; count += 1)
				this.#spare.push(files.open(output.results, "r"));
			// What an earlier run left to be thrown away must not be there for the next one.
			if (checked.failures.tornBytes > 0) this.#failures = this.#open("failures");
		} catch (error) {
			this.dispose();
			throw error instanceof LlmxError ? error : cannotWrite(output.resultsName, error);
		}
	}

	result(position: number, record: string): void {
		const { index } = this.#options.checked;
		try {
			this.#mustBeHeld();
			index.setDone(position, this.#results.append(record));
		} catch (error) {
			// It was paid for, and is not to be lost with the process.
			this.#overflow.add(record);
			throw error;
		}
	}

	results(answers: readonly AnswerRecord[]): boolean {
		let units = 0;
		for (const { record } of answers) units += record.length;
		if (units > mostTogether || !this.#isHeld) return false;
		const offsets = this.#results.appendTogether(answers.map(({ record }) => record));
		if (offsets === undefined) return false;
		const { index } = this.#options.checked;
		for (const [at, { position }] of answers.entries()) index.setDone(position, offsets[at] as number);
		return true;
	}

	failure(position: number, record: string, interrupted: boolean): void {
		this.#mustBeHeld();
		if (this.#failures === undefined) {
			this.#closeSpare(2);
			this.#failures = this.#open("failures");
		}
		const offset = this.#failures.append(record);
		if (!interrupted) this.#options.checked.index.setFailed(position, offset);
	}

	/** Answers that are in other files, since theirs could not be written. */
	get overflowed(): number {
		return this.#overflow.records;
	}

	room(): undefined {
		return undefined;
	}

	async close(): Promise<void> {
		const endings = await Promise.allSettled([this.#results.settle(), this.#failures?.settle()]);
		for (const ending of endings) if (ending.status === "rejected") throw ending.reason;
	}

	/**
	 * Puts the files in order once they are closed for records; those that others have taken are left alone.
	 * @returns what people should know of the files
	 * @throws LlmxError when a file cannot be written, or was left as it is
	 */
	finish(options: FinishOptions): string[] {
		this.#closeSpare();
		const overflow = this.#overflow.notes;
		if (!this.#isHeld) return overflow;
		try {
			const notes = this.#arrange(options);
			// What another run writes to stays as it is, as long as it has these records too.
			for (const journal of this.#journals())
				if (journal.trouble !== undefined && journal.rescueNote === undefined)
					if (!holdsRecords(this.#options.files, journal)) journal.saveElsewhere("damaged");
			return [...notes, ...this.#rescueNotes(), ...overflow];
		} catch (error) {
			this.#secure();
			const notes = [...this.#rescueNotes(), ...overflow];
			if (notes.length === 0) throw error;
			return notes;
		}
	}

	#arrange(options: FinishOptions): string[] {
		const { files, checked } = this.#options;
		if (this.#journals().some(({ trouble }) => trouble !== undefined))
			return this.#journals().flatMap((journal) => putInOrder(files, journal, undefined) ?? []);
		if (checked.failures.exists) this.#failures ??= this.#open("failures");
		const journalsOf = { results: this.#results, failures: this.#failures };
		return finishFiles({ ...options, ...journalsOf, files, checked });
	}

	/** What others have damaged since it was last looked at is saved elsewhere. */
	#secure(): void {
		for (const journal of this.#journals()) {
			journal.check();
			if (journal.trouble === undefined && !journal.isInPlace()) journal.saveElsewhere("written to");
		}
	}

	#rescueNotes(): string[] {
		return this.#journals().flatMap(({ rescueNote }) => rescueNote ?? []);
	}

	#journals(): Journal[] {
		return [this.#results, this.#failures].filter((journal) => journal !== undefined);
	}

	/** Reads results by their positions; to be called once the sink is closed for records. */
	resultsAt(): (offset: number) => string {
		const lines = new LineAt(this.#options.files, this.#results.source().file);
		return (offset) => lines.text(offset);
	}

	/** Closes the files; what was written stays. */
	dispose(): void {
		this.#closeSpare();
		this.#overflow.close();
		this.#results.dispose();
		this.#failures?.dispose();
	}

	#closeSpare(count = spareDescriptors): void {
		for (const file of this.#spare.splice(0, count)) this.#options.files.close(file);
	}

	get #isHeld(): boolean {
		return this.#options.isHeld?.() !== false;
	}

	#mustBeHeld(): void {
		if (this.#isHeld) return;
		throw new LlmxError(`another process is using ${this.#options.output.resultsName}`);
	}

	#open(kind: "results" | "failures"): Journal {
		const { files, output, checked, format, isHeld, onTrouble, alsoSync } = this.#options;
		return new Journal({
			files,
			path: output[kind],
			name: output[`${kind}Name`],
			noun: kind,
			state: checked[kind],
			readKey: kind === "results" ? format.readResultKey : format.readFailureKey,
			keepsCopy: checked.missing > 0,
			rescueFolders: output.rescueFolders,
			isHeld,
			onTrouble,
			alsoSync: kind === "results" ? alsoSync : undefined,
		});
	}
}

/** A stream that fails says so only when it is flushed, and until then every answer is lost. */
const recordsPerFlush = 64;

/** A stream, such as stdout, for answers; failures go to whoever wants to tell of them. */
export class StreamSink implements Sink {
	readonly #stream: { write(text: string): boolean; flush(): Promise<void> };
	readonly #onFailure: (record: string) => void;
	#isFull = false;
	#unflushed = 0;

	constructor(
		stream: { write(text: string): boolean; flush(): Promise<void> },
		onFailure: (record: string) => void,
	) {
		this.#stream = stream;
		this.#onFailure = onFailure;
	}

	result(_position: number, record: string): void {
		this.#isFull = !this.#stream.write(`${record}\n`);
		this.#unflushed += 1;
	}

	results(answers: readonly AnswerRecord[]): boolean {
		for (const { position, record } of answers) this.result(position, record);
		return true;
	}

	failure(_position: number, record: string): void {
		this.#onFailure(record);
	}

	room(): Promise<void> | undefined {
		if (!this.#isFull && this.#unflushed < recordsPerFlush) return undefined;
		this.#unflushed = 0;
		return this.#stream.flush();
	}

	close(): Promise<void> {
		return this.#stream.flush();
	}
}
