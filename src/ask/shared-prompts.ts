import { canonicalJson } from "../cache/key.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Question } from "./question.ts";

/** A system prompt that several rows share, and that the provider is asked to keep. */
export class SharedPrompt {
	readonly #filled = Promise.withResolvers<void>();
	#isFilled = false;
	#filler: number | undefined;

	/** Resolves when the provider has it, or the row that was to bring it there has failed. */
	get filled(): Promise<void> {
		return this.#filled.promise;
	}

	/** Whether a row is the one that brings it there: the first that is asked about. */
	isFilledBy(index: number): boolean {
		this.#filler ??= index;
		return !this.#isFilled && this.#filler === index;
	}

	fill(): void {
		this.#isFilled = true;
		this.#filled.resolve();
	}
}

/** A row as far as its prompt is concerned. */
interface PromptedRow {
	readonly index: number;
	readonly pending: { readonly question: Question };
}

/** System prompts that are remembered at once, so that a run in which every row has its own stays in flat memory. */
const mostPrompts = 64;

/**
 * Finds out which rows share a long system prompt. One that only one row has is not kept: writing it costs more than
 * sending it, and nobody would read it.
 */
export class SharedPrompts {
	/** In tokens; undefined where the provider is not asked to keep anything. */
	readonly #minimum: number | undefined;
	/** By what has to be alike. Null: one row has it so far. */
	readonly #known = new Map<string, SharedPrompt | null>();

	readonly #ended = Promise.withResolvers<void>();
	/** Those of rows on their way. */
	readonly #keys = new WeakMap<Question, string | undefined>();

	constructor(minimum: number | undefined) {
		this.#minimum = minimum;
	}

	/** False where the provider is not asked to keep anything: rows need not be told of then. */
	get areWatched(): boolean {
		return this.#minimum !== undefined;
	}

	/** Hears of rows that will be sent, in their order. */
	expect(rows: readonly PromptedRow[]): void {
		for (const row of rows) {
			const key = this.#keyOf(row.pending.question);
			if (key === undefined) continue;
			const known = this.#known.get(key);
			this.#known.delete(key);
			this.#known.set(key, known === undefined ? null : (known ?? new SharedPrompt()));
			const [oldest] = this.#known.keys();
			if (this.#known.size > mostPrompts && oldest !== undefined) this.#known.delete(oldest);
		}
	}

	/** The row with what it shares with others: one of them fills the provider's cache, and those behind it wait for that. */
	async join<Row extends PromptedRow>(row: Row): Promise<Row & { readonly shared?: SharedPrompt }> {
		const key = this.#keyOf(row.pending.question);
		const shared = key === undefined ? undefined : this.#known.get(key);
		if (shared == null) return row;
		if (!shared.isFilledBy(row.index)) await Promise.race([shared.filled, this.#ended.promise]);
		return { ...row, shared };
	}

	/** Nobody waits any more. */
	end(): void {
		this.#ended.resolve();
	}

	#keyOf(question: Question): string | undefined {
		if (!this.#keys.has(question)) this.#keys.set(question, this.#newKey(question));
		return this.#keys.get(question);
	}

	/** What must be alike for one row to read what another has written: the system prompt, and what stands before it. */
	#newKey({ messages, parameters }: Question): string | undefined {
		const system = messages.filter(({ role }) => role === "system");
		if (system.length === 0 || estimateInputTokens(system) < (this.#minimum ?? Infinity)) return undefined;
		if (asksForCache(parameters)) return undefined;
		const { responseFormat, reasoningEffort, thinkingBudget, extra } = parameters;
		const alike = { system, responseFormat, reasoningEffort, thinkingBudget, extra };
		return process.getBuiltinModule("node:crypto").hash("sha256", canonicalJson(alike));
	}
}

/** Whether raw parameters say what is to be kept: then nothing is added to it. */
export function asksForCache({ extra }: Parameters): boolean {
	return extra !== undefined && JSON.stringify(extra).includes("cache_control");
}
