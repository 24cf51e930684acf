import { UsageError } from "../errors.ts";
import { PackedColumn } from "../prompts/columns.ts";
import { ProblemList } from "../prompts/problem-list.ts";
import type { Files } from "../state/file-system.ts";
import type { RecordFormat } from "./records.ts";
import { LineAt, replaceOutput } from "./rewrite.ts";
import { RowIndex } from "./row-index.ts";
import { scanJournal } from "./scan.ts";

/** A results file; `name` is what messages call it. */
export interface NamedFile {
	readonly path: string;
	readonly name: string;
}

export interface MergeOptions {
	readonly files: Files;
	readonly sources: readonly NamedFile[];
	readonly target: NamedFile;
	readonly format: RecordFormat;
	/** The ids of the prompts in their order; undefined when the prompts are not at hand. */
	readonly ids: Iterable<string> | undefined;
	/** Write what there is although rows are missing. */
	readonly allowMissing: boolean;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

export interface MergeReport {
	readonly records: number;
	readonly models: readonly string[];
	/** Missing (id, model). */
	readonly missing: number;
	/** By what completeness was judged; `nothing` when ids are texts and the prompts are not at hand. */
	readonly judgedBy: "prompts" | "numbers" | "nothing";
}

const missingShown = 20;

/**
 * Puts results of several runs, such as shards, into one file: in the order of the prompts when they are given, else
 * by number when all ids are numbers, else as the files come. Holds no record in memory.
 * @throws UsageError when an (id, model) comes twice, rows are missing, or a file holds something else
 */
export function mergeResults(options: MergeOptions): MergeReport {
	const { files, sources, target, format, allowMissing } = options;
	const handles = sources.map(({ path, name }) => {
		if (files.factsOf(path) === undefined) throw new UsageError(`cannot read ${name}: no such file`);
		const file = files.open(path, "r");
		return { name, file, lines: new LineAt(files, file) };
	});
	try {
		const index = new RowIndex(Math.floor(options.random() * 2 ** 32), "");
		const places = new RecordPlaces();
		const models = new Set<string>();
		for (const [source, { path, name }] of sources.entries()) {
			const duplicates = new ProblemList(name);
			let line = 0;
			scanJournal(files, path, {
				name,
				readKey: format.readResultKey,
				onRecord: ({ id, model, hash }, offset) => {
					line += 1;
					models.add(model);
					const before = index.findResult(id, model);
					if (before === undefined) index.noteResult(id, model, hash, places.add(source, offset, id));
					else {
						const other = sources[places.source(before)]?.name;
						duplicates.add({ line, text: `id ${JSON.stringify(id)} of ${model} is also in ${other}` });
					}
				},
			});
			duplicates.throwIfAny("nothing was written");
		}
		const wanted = options.ids ?? places.numbers();
		const missing = claimAll(index, wanted, [...models]);
		if (missing.count > 0 && !allowMissing)
			throw new UsageError(`${missing.count} results are missing, nothing was written`, {
				hint: `${missing.shown.join(", ")}${missing.count > missing.shown.length ? ", …" : ""}\nuse --allow-missing to merge anyway`,
			});
		replaceOutput(files, target.path, target.name, (write) => {
			for (const place of index.resultOffsets())
				write(handles[places.source(place)]?.lines.bytes(places.offset(place)) as Buffer);
		});
		const judgedBy = options.ids ? "prompts" : wanted ? "numbers" : "nothing";
		return { records: places.size, models: [...models], missing: missing.count, judgedBy };
	} finally {
		for (const { file } of handles) files.close(file);
	}
}

/** Brings what was found into the wanted order, and lists what is not there. */
function claimAll(index: RowIndex, wanted: Iterable<string> | undefined, models: readonly string[]) {
	const shown: string[] = [];
	let count = 0;
	for (const id of wanted ?? []) {
		for (const model of models) {
			const place = index.findResult(id, model);
			if (place !== undefined) {
				index.setDone(index.claim(id, model), place);
				continue;
			}
			count += 1;
			if (shown.length < missingShown) shown.push(models.length > 1 ? `${id} (${model})` : id);
		}
	}
	return { count, shown };
}

/** Where each record is: in which file, at which position. A place is a number. */
class RecordPlaces {
	readonly #sources = PackedColumn.ofWords();
	readonly #offsets = PackedColumn.ofNumbers();
	#count = 0;
	#largest = 0;
	#areNumbers = true;

	get size(): number {
		return this.#count;
	}

	add(source: number, offset: number, id: string): number {
		this.#sources.set(this.#count, source);
		this.#offsets.set(this.#count, offset);
		this.#areNumbers &&= /^[1-9]\d{0,9}$/.test(id);
		if (this.#areNumbers) this.#largest = Math.max(this.#largest, Number(id));
		this.#count += 1;
		return this.#count - 1;
	}

	source(place: number): number {
		return this.#sources.get(place);
	}

	offset(place: number): number {
		return this.#offsets.get(place);
	}

	/** The numbers from 1 to the largest id, when every id is one. */
	numbers(): Iterable<string> | undefined {
		if (!this.#areNumbers || this.#count === 0) return undefined;
		const largest = this.#largest;
		return (function* () {
			for (let number = 1; number <= largest; number++) yield String(number);
		})();
	}
}
