import type { FieldUse } from "./field-use.ts";
import { shardOf } from "./hash.ts";
import type { InputFormat, PromptsInput, RawRow } from "./input.ts";
import { RowProblem } from "./parameters.ts";
import type { Problem } from "./problem-list.ts";
import type { BatchRow, RowBuilder } from "./row-builder.ts";
import type { TableShape } from "./table.ts";

/** Which rows of a file a run takes. */
export interface Selection {
	/** `index` counts from 1. */
	readonly shard: { readonly index: number; readonly count: number } | undefined;
	/** At most so many rows, after sharding. */
	readonly limit: number | undefined;
}

export interface PromptsFileOptions {
	readonly input: PromptsInput;
	readonly read: () => Iterable<RawRow>;
	readonly builder: RowBuilder;
	readonly selection: Selection;
	/** The models of `-m`, for rows that name none. */
	readonly models: readonly string[];
	/** Of a CSV or TSV file. */
	readonly table?: TableShape | undefined;
}

const noModel =
	'no model: choose one with -m, or give the row a "model" (no provider has a key, see llmx doctor)';

function ignore(): void {
	// What there is to say was said on the first way through.
}

/** A prompts file as a sequence of requests that can be gone through again and again in the same order. */
export class PromptsFile {
	readonly #options: PromptsFileOptions;
	#hasRows = false;

	constructor(options: PromptsFileOptions) {
		this.#options = options;
	}

	get name(): string {
		return this.#options.input.name;
	}

	get format(): InputFormat {
		return this.#options.input.format;
	}

	/** What its rows have been made of so far. */
	get use(): FieldUse {
		return this.#options.builder.use;
	}

	get table(): TableShape | undefined {
		return this.#options.table;
	}

	/** There was a row when the file was last gone through, be it one of another shard. */
	get hasRows(): boolean {
		return this.#hasRows;
	}

	/** Every row of the file is taken. */
	get isWhole(): boolean {
		const { shard, limit } = this.#options.selection;
		return shard === undefined && limit === undefined;
	}

	/**
	 * The rows of the selection with the raw row each comes from. A row that cannot be sent goes to `onProblem`, and
	 * what else there is to say about the file to `onNote`.
	 */
	*rows(
		onProblem: (problem: Problem) => void,
		onNote: (note: string) => void = ignore,
	): Generator<{ row: BatchRow; raw: RawRow }, void, undefined> {
		const { read, builder, selection } = this.#options;
		let left = selection.limit ?? Number.POSITIVE_INFINITY;
		let saidNoModel = false;
		for (const raw of read()) {
			if (left <= 0) return;
			if (raw.note !== undefined) {
				onNote(raw.note);
				continue;
			}
			let row: BatchRow;
			try {
				if (raw.problem !== undefined) throw new RowProblem(raw.problem);
				row = builder.build(raw);
			} catch (error) {
				if (!(error instanceof RowProblem)) throw error;
				onProblem({ line: raw.line, text: error.message });
				continue;
			}
			if (this.modelsOf(row).length === 0) {
				// The one thing that is mostly wrong with all rows at once.
				if (!saidNoModel) onProblem({ line: raw.line, text: noModel });
				saidNoModel = true;
				continue;
			}
			this.#hasRows = true;
			const { shard } = selection;
			if (shard !== undefined && shardOf(row.id, shard.count) !== shard.index) continue;
			left -= 1;
			yield { row, raw };
		}
	}

	/** The models that a row is sent to. */
	modelsOf(row: BatchRow): readonly string[] {
		return row.model === undefined ? this.#options.models : [row.model];
	}
}
