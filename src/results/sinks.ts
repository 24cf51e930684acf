import type { Files } from "../state/file-system.ts";
import type { Checked, OutputFiles } from "./checked.ts";
import { Journal } from "./journal.ts";

/** Where a run's records go. `position` is the row's place in the index. */
export interface Sink {
	/** Takes an answer. Throws LlmxError when the record could not be kept. */
	result(position: number, record: string): void;
	/** Takes an error record; an interrupted row is missing rather than failed. Throws like `result`. */
	failure(position: number, record: string, interrupted: boolean): void;
	/** Undefined, or resolves when there is room for more. Rejects with LlmxError when nothing can be kept any more. */
	room(): Promise<void> | undefined;
	/** Brings what was written to where it is safe. Throws LlmxError when that fails. */
	close(): Promise<void>;
}

/** The results file, and beside it the one of the failures, which is made when there is one. */
export class FileSink implements Sink {
	readonly #files: Files;
	readonly #output: OutputFiles;
	readonly #checked: Checked;
	readonly #results: Journal;
	#failures: Journal | undefined;

	/** @throws LlmxError when a file cannot be written */
	constructor(files: Files, output: OutputFiles, checked: Checked) {
		this.#files = files;
		this.#output = output;
		this.#checked = checked;
		this.#results = new Journal(files, output.results, output.resultsName, checked.results);
		// What an earlier run left to be thrown away must not be there for the next one.
		if (checked.failures.tornBytes === 0) return;
		try {
			this.#openFailures();
		} catch (error) {
			this.#results.abandon();
			throw error;
		}
	}

	result(position: number, record: string): void {
		this.#checked.index.setDone(position, this.#results.append(record));
	}

	failure(position: number, record: string, interrupted: boolean): void {
		const offset = this.#openFailures().append(record);
		if (!interrupted) this.#checked.index.setFailed(position, offset);
	}

	room(): undefined {
		return undefined;
	}

	async close(): Promise<void> {
		await Promise.all([this.#results.close(), this.#failures?.close()]);
	}

	#openFailures(): Journal {
		const { failures, failuresName } = this.#output;
		this.#failures ??= new Journal(this.#files, failures, failuresName, this.#checked.failures);
		return this.#failures;
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
