import { UsageError } from "../errors.ts";
import { shardOf } from "./hash.ts";
import type { PromptsInput, RawRow } from "./input.ts";
import { RowProblem } from "./parameters.ts";
import type { BatchRow, RowBuilder } from "./row-builder.ts";

/** Which rows of a file a run takes. */
export interface Selection {
	/** `index` counts from 1. */
	readonly shard: { readonly index: number; readonly count: number } | undefined;
	/** At most so many rows, after sharding. */
	readonly limit: number | undefined;
}

/** Something in a prompts file that has to be mended before anything is sent. */
export interface Problem {
	readonly line: number;
	readonly text: string;
}

export interface PromptsFileOptions {
	readonly input: PromptsInput;
	readonly read: () => Iterable<RawRow>;
	readonly builder: RowBuilder;
	readonly selection: Selection;
	/** The models of `-m`, for rows that name none. */
	readonly models: readonly string[];
}

/** A prompts file as a sequence of requests that can be gone through again and again in the same order. */
export class PromptsFile {
	readonly #options: PromptsFileOptions;

	constructor(options: PromptsFileOptions) {
		this.#options = options;
	}

	get name(): string {
		return this.#options.input.name;
	}

	/** The rows of the selection with the raw row each comes from. A row that cannot be sent goes to `onProblem`. */
	*rows(onProblem: (problem: Problem) => void): Generator<{ row: BatchRow; raw: RawRow }, void, undefined> {
		const { read, builder, selection } = this.#options;
		let left = selection.limit ?? Number.POSITIVE_INFINITY;
		let saidNoModel = false;
		for (const raw of read()) {
			if (left <= 0) return;
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
				if (!saidNoModel)
					onProblem({ line: raw.line, text: 'no model: give one with -m, or the row a "model"' });
				saidNoModel = true;
				continue;
			}
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

const problemsShown = 20;

/** Collects the problems of a file: the first ones word by word, of the rest the count. */
export class ProblemList {
	readonly #name: string;
	readonly #shown: Problem[] = [];
	#count = 0;

	constructor(name: string) {
		this.#name = name;
	}

	get count(): number {
		return this.#count;
	}

	/** `prompts.jsonl:17: the prompt is empty`, one a line, in the order of the file. */
	get lines(): readonly string[] {
		const lines = this.#shown
			.toSorted((one, other) => one.line - other.line)
			.map(({ line, text }) => `${this.#name}:${line}: ${text}`);
		const hidden = this.#count - this.#shown.length;
		return hidden > 0 ? [...lines, `and ${hidden} more`] : lines;
	}

	add(problem: Problem): void {
		this.#count += 1;
		if (this.#shown.length < problemsShown) this.#shown.push(problem);
	}

	/** @throws UsageError when there is any problem; `consequence` says what was not done because of it */
	throwIfAny(consequence = "nothing was sent"): void {
		const [first] = this.lines;
		if (first === undefined) return;
		if (this.#count === 1) throw new UsageError(first, { hint: consequence });
		throw new UsageError(`${this.#count} problems in ${this.#name}, ${consequence}`, {
			hint: this.lines.join("\n"),
		});
	}
}
