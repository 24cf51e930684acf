import { UsageError } from "../errors.ts";
import { PackedColumn } from "../prompts/columns.ts";
import { ProblemList } from "../prompts/problem-list.ts";
import type { Files } from "../state/file-system.ts";
import { removeLeftovers } from "../state/replace.ts";
import { NumberedIds } from "./numbered-ids.ts";
import type { RecordFormat, RecordKey } from "./records.ts";
import { LineAt, replaceOutput } from "./rewrite.ts";
import { RowIndex } from "./row-index.ts";
import { holdsLines } from "./same-lines.ts";
import { type JournalState, scanJournal } from "./scan.ts";

/** A file of records; `name` is what messages call it. */
export interface NamedFile {
	readonly path: string;
	readonly name: string;
}

/** The results of a run and its failures, if there are any. */
export interface ResultsFiles {
	readonly results: NamedFile;
	readonly failures: NamedFile;
}

export interface MergeOptions {
	readonly files: Files;
	readonly sources: readonly ResultsFiles[];
	readonly target: ResultsFiles;
	readonly format: RecordFormat;
	/** The ids of the prompts in their order; undefined when the prompts are not at hand. */
	readonly ids: Iterable<string> | undefined;
	/** Write what there is although rows are missing. */
	readonly allowMissing: boolean;
	/** Replace files that hold something else. */
	readonly overwrite: boolean;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

export interface MergeReport {
	readonly records: number;
	/** Rows that have an error record and no result. */
	readonly failed: number;
	readonly models: readonly string[];
	/** Missing (id, model): neither answered nor failed. */
	readonly missing: number;
	/** All of this was there before, and nothing was written. */
	readonly unchanged: boolean;
	/** By what completeness was judged; `nothing` when ids are texts and the prompts are not at hand. */
	readonly judgedBy: "prompts" | "numbers" | "nothing";
}

interface MergeOutput {
	readonly file: NamedFile;
	readonly count: number;
	readonly unchanged: boolean;
	readonly lines: () => Iterable<Uint8Array>;
}

const missingShown = 20;
/** What is read ahead of all files together, and at least of each, in bytes. */
const mostWindowBytes = 32 * 2 ** 20;
const leastWindowBytes = 8 * 1024;

/**
 * Puts results of several runs, such as shards, into one file, and their failures beside it: in the order of the prompts
 * when they are given, else by number when all ids are numbers, else as the files come. Holds no record in memory.
 * A merge that was killed may be repeated: files that hold what is to be written are left as they are.
 * @throws UsageError when an (id, model) comes twice, rows are missing, a file holds something else or is not whole, or
 * a target is there that holds something else
 */
export function mergeResults(options: MergeOptions): MergeReport {
	const merge = new Merge(options);
	try {
		return merge.run();
	} finally {
		merge.close();
	}
}

/** A file that holds something else than a merge comes to. */
export function standsInTheWay(name: string): UsageError {
	return new UsageError(`${name} already exists and is not what this merge makes`, {
		hint: "use --overwrite to replace it",
	});
}

class Merge {
	readonly #options: MergeOptions;
	readonly #index: RowIndex;
	readonly #results: RecordPlaces;
	readonly #failures: RecordPlaces;
	readonly #models = new Set<string>();
	readonly #numbers = new NumberedIds();

	constructor(options: MergeOptions) {
		const { files, sources, random } = options;
		this.#options = options;
		this.#index = new RowIndex(Math.floor(random() * 2 ** 32), "");
		const windowBytes = Math.floor(mostWindowBytes / Math.max(1, 2 * sources.length));
		const open = (file: NamedFile) => new Source(files, file, Math.max(leastWindowBytes, windowBytes));
		this.#results = new RecordPlaces(sources.map(({ results }) => open(results)));
		this.#failures = new RecordPlaces(sources.map(({ failures }) => open(failures)));
	}

	run(): MergeReport {
		const { files, target, ids, allowMissing } = this.#options;
		for (const source of this.#results.sources.keys()) this.#readResults(source);
		for (const source of this.#failures.sources.keys()) this.#readFailures(source);
		const wanted = ids ?? this.#numbers.all();
		const missing = this.#claimAll(wanted);
		if (missing.count > 0 && !allowMissing)
			throw new UsageError(`${missing.count} results are missing, nothing was written`, {
				hint: `${missing.shown.join(", ")}${missing.count > missing.shown.length ? ", …" : ""}\nuse --allow-missing to merge anyway`,
			});
		const failures = this.#output(target.failures, this.#failures, () => this.#index.failureOffsets());
		const results = this.#output(target.results, this.#results, () => this.#index.resultOffsets());
		// The results come last: once they are there, all is.
		for (const { file, count, unchanged, lines } of [failures, results]) {
			removeLeftovers(files, file.path);
			if (unchanged) continue;
			if (count === 0 && file === target.failures) files.remove(file.path);
			else
				replaceOutput(files, file.path, file.name, (write) => {
					for (const line of lines()) write(line);
				});
		}
		const unchanged = failures.unchanged && results.unchanged;
		const judgedBy = ids ? "prompts" : wanted ? "numbers" : "nothing";
		return {
			records: results.count,
			failed: failures.count,
			models: [...this.#models],
			missing: missing.count,
			unchanged,
			judgedBy,
		};
	}

	close(): void {
		this.#results.close();
		this.#failures.close();
	}

	/** What is to be in a file, and whether it is there. */
	#output(file: NamedFile, from: RecordPlaces, places: () => Iterable<number>): MergeOutput {
		const { files, overwrite } = this.#options;
		let count = 0;
		for (const _ of places()) count += 1;
		const lines = () => from.lines(places());
		const size = files.factsOf(file.path)?.size;
		const unchanged = size === undefined ? count === 0 : holdsLines(files, file.path, lines());
		if (!unchanged && size && !overwrite) throw standsInTheWay(file.name);
		return { file, count, unchanged, lines };
	}

	#readResults(source: number): void {
		const { format } = this.#options;
		const { file } = this.#results.sources[source] as Source;
		if (this.#options.files.factsOf(file.path) === undefined)
			throw new UsageError(`cannot read ${file.name}: no such file`);
		const duplicates = new ProblemList(file.name);
		let line = 0;
		this.#scan(file, format.readResultKey, ({ id, model, hash }, offset) => {
			line += 1;
			this.#models.add(model);
			this.#numbers.add(id);
			const before = this.#index.findResult(id, model);
			if (before === undefined) this.#index.noteResult(id, model, hash, this.#results.add(source, offset));
			else {
				const other = this.#results.sourceOf(before)?.file.name;
				duplicates.add({ line, text: `id ${JSON.stringify(id)} of ${model} is also in ${other}` });
			}
		});
		duplicates.throwIfAny("nothing was written");
	}

	/** The last word on a row is that of its last record; what was interrupted is missing rather than failed. */
	#readFailures(source: number): void {
		const { file } = this.#failures.sources[source] as Source;
		this.#scan(file, this.#options.format.readFailureKey, ({ id, model, hash, interrupted }, offset) => {
			if (interrupted || this.#index.findResult(id, model) !== undefined) return;
			this.#models.add(model);
			this.#numbers.add(id);
			this.#index.noteFailure(id, model, hash, this.#failures.add(source, offset));
		});
	}

	#scan(
		{ path, name }: NamedFile,
		readKey: (line: string) => RecordKey | undefined,
		onRecord: (key: RecordKey, offset: number) => void,
	): void {
		const { files, allowMissing } = this.#options;
		let last: { readonly key: RecordKey; readonly offset: number } | undefined;
		const state: JournalState = scanJournal(files, path, {
			name,
			readKey,
			onRecord: (key, offset) => {
				if (last !== undefined) onRecord(last.key, last.offset);
				last = { key, offset };
			},
		});
		const isTorn = state.tornBytes > 0 || state.unended;
		if (isTorn && !allowMissing)
			throw new UsageError(`${name} ends in the middle of a record, nothing was written`, {
				hint: "run the command that writes it again: it sends what is missing",
			});
		// A record without its line end cannot be copied as it is.
		if (last !== undefined && !state.unended) onRecord(last.key, last.offset);
	}

	/** Brings what was found into the wanted order, and lists what is not there. */
	#claimAll(wanted: Iterable<string> | undefined) {
		const shown: string[] = [];
		let count = 0;
		for (const id of wanted ?? []) {
			for (const model of this.#models) {
				const result = this.#index.findResult(id, model);
				const failure = result === undefined ? this.#index.findFailure(id, model) : undefined;
				if (result !== undefined) this.#index.setDone(this.#index.claim(id, model), result);
				else if (failure !== undefined) this.#index.setFailed(this.#index.claim(id, model), failure);
				else {
					count += 1;
					if (shown.length < missingShown) shown.push(this.#models.size > 1 ? `${id} (${model})` : id);
				}
			}
		}
		return { count, shown };
	}
}

/** A file that records are copied from, opened when the first is. */
class Source {
	readonly file: NamedFile;
	readonly #files: Files;
	readonly #windowBytes: number;
	#handle: number | undefined;
	#lines: LineAt | undefined;

	constructor(files: Files, file: NamedFile, windowBytes: number) {
		this.#files = files;
		this.file = file;
		this.#windowBytes = windowBytes;
	}

	bytes(offset: number): Buffer {
		if (this.#lines === undefined) {
			this.#handle = this.#files.open(this.file.path, "r");
			this.#lines = new LineAt(this.#files, this.#handle, this.#windowBytes);
		}
		return this.#lines.bytes(offset);
	}

	close(): void {
		if (this.#handle !== undefined) this.#files.close(this.#handle);
	}
}

/** Where each record is: in which file, at which position. A place is a number. */
class RecordPlaces {
	readonly sources: readonly Source[];
	readonly #sources = PackedColumn.ofWords();
	readonly #offsets = PackedColumn.ofNumbers();
	#count = 0;

	constructor(sources: readonly Source[]) {
		this.sources = sources;
	}

	add(source: number, offset: number): number {
		this.#sources.set(this.#count, source);
		this.#offsets.set(this.#count, offset);
		this.#count += 1;
		return this.#count - 1;
	}

	sourceOf(place: number): Source | undefined {
		return this.sources[this.#sources.get(place)];
	}

	/** The lines of records, each valid until the next. */
	*lines(places: Iterable<number>): Generator<Uint8Array> {
		for (const place of places) yield this.sourceOf(place)?.bytes(this.#offsets.get(place)) as Buffer;
	}

	close(): void {
		for (const source of this.sources) source.close();
	}
}
