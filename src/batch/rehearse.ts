import type { Pacing } from "../ask/pacing.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import type { PromptsFile } from "../prompts/prompts-file.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { Checked } from "../results/checked.ts";
import { Schedule } from "../schedule/scheduler.ts";
import { VirtualClock } from "../schedule/virtual-clock.ts";
import type { TokenCounter } from "./input-tokens.ts";
import type { PricedModel } from "./priced-model.ts";
import { requestHash } from "./request-hash.ts";
import { type RowBounds, rowBounds } from "./row-bounds.ts";

/** How long answers take and get: log-normal, as real ones are. */
export interface AnswerProfile {
	/** To the whole answer of middle length, in ms. */
	readonly medianMs: number;
	/** Deviation of the logarithm of the time. */
	readonly timeSpread: number;
	/** Tokens of an answer of middle length; a row's own bound cuts off longer ones. */
	readonly medianTokens: number;
	readonly tokenSpread: number;
}

export const usualAnswers: AnswerProfile = {
	medianMs: 2_500,
	timeSpread: 0.5,
	medianTokens: 200,
	tokenSpread: 0.7,
};

/** A model as a rehearsal sees it. */
export interface RehearsedModel extends PricedModel {
	readonly model: string;
	/** The limiters of a real run, on the rehearsal's clock. */
	readonly startPacing: (now: () => number) => Pacing;
	readonly areCached: (rows: readonly BatchRow[]) => Promise<readonly boolean[]>;
}

export interface RehearseOptions {
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly models: readonly RehearsedModel[];
	readonly profile: AnswerProfile;
	/** Counts what the provider will say that a row has; the limiter has to guess it, as in a real run. */
	readonly countTokens: TokenCounter;
	/** Identical rows are sent once, and cached ones not at all. */
	readonly usesCache: boolean;
	/** 0 <= x < 1. */
	readonly random: () => number;
}

/** What a run of one model is going to be like. */
export interface Rehearsal {
	readonly model: string;
	readonly requests: number;
	/** Rows answered by the cache or by an identical row. */
	readonly cached: number;
	readonly durationMs: number;
	readonly inputTokens: number;
	readonly outputTokens: number;
	/** null when the price is unknown. */
	readonly usd: number | null;
	/** What held the run back for the longest time, in the limiter's words, and for which share of the time. */
	readonly heldBy: { readonly reason: string; readonly share: number };
}

/**
 * Runs what is missing of a checked batch through the reader, scheduler and limiter of a real run, against a provider
 * in memory and on a virtual clock. Nothing is sent. Models run side by side, so the longest one is the run's time.
 */
export async function rehearse(options: RehearseOptions): Promise<readonly Rehearsal[]> {
	const rehearsals: Rehearsal[] = [];
	for (const model of options.models) rehearsals.push(await new ModelRehearsal(model, options).run());
	return rehearsals;
}

interface RehearsedRow {
	readonly guessedTokens: number;
	/** Of all requests that the row takes. */
	readonly inputTokens: number;
	readonly maxTokens: number | undefined;
	readonly n: number;
	readonly usdOf: RowBounds["usdOf"];
}

class ModelRehearsal {
	readonly #model: RehearsedModel;
	readonly #options: RehearseOptions;
	readonly #clock = new VirtualClock();
	readonly #pacing: Pacing;
	/** Virtual ms by what held the next request back. */
	readonly #heldMs = new Map<string, number>();
	#lastSentAt = 0;
	#cached = 0;
	#requests = 0;
	#inputTokens = 0;
	#outputTokens = 0;
	#usd: number | null = 0;

	constructor(model: RehearsedModel, options: RehearseOptions) {
		this.#model = model;
		this.#options = options;
		this.#pacing = model.startPacing(() => this.#clock.now());
	}

	async run(): Promise<Rehearsal> {
		const { random } = this.#options;
		const run = new Schedule(this.#rows(), {
			route: this.#pacing.route,
			maxInFlight: () => this.#pacing.maxInFlight,
			clock: this.#clock,
			random,
			cost: ({ guessedTokens, maxTokens }: RehearsedRow) => ({
				inputTokens: guessedTokens,
				maxOutputTokens: maxTokens,
			}),
			attempt: async (row, attempt) => {
				this.#noteSending();
				const { medianMs, timeSpread } = this.#options.profile;
				await this.#clock.sleep(medianMs * Math.exp(timeSpread * gaussian(random)));
				attempt.inputTokens = row.inputTokens;
				attempt.outputTokens = this.#answer(row);
			},
			onOutcome: (outcome) => {
				if (!outcome.ok) run.stop(outcome.error);
			},
		});
		await this.#clock.run(run.run());
		return {
			model: this.#model.model,
			requests: this.#requests,
			cached: this.#cached,
			durationMs: this.#clock.now(),
			inputTokens: this.#inputTokens,
			outputTokens: this.#outputTokens,
			usd: this.#usd,
			heldBy: this.#heldBy(),
		};
	}

	/** What is to be sent. Looking into the cache takes real time, during which the virtual one stands still. */
	async *#rows(): AsyncGenerator<readonly RehearsedRow[], void> {
		const { prompts, checked, usesCache, countTokens } = this.#options;
		const { model, areCached } = this.#model;
		const seen = new Set<string>();
		let position = 0;
		for (const { row } of prompts.rows(() => {})) {
			for (const candidate of prompts.modelsOf(row)) {
				const state = checked.index.state(position);
				position += 1;
				if (candidate !== model || state !== "missing") continue;
				const isCached = async () => (await this.#clock.hold(areCached([row])))[0] === true;
				if (usesCache && (isTwin(seen, row) || (await isCached()))) {
					this.#cached += 1;
					continue;
				}
				const {
					inputTokens: input,
					isBounded,
					worstOutput,
					usdOf,
				} = rowBounds(row, this.#model, countTokens);
				yield [
					{
						guessedTokens: estimateInputTokens(row.messages),
						inputTokens: Math.round((input.low + input.high) / 2),
						maxTokens: isBounded ? worstOutput : undefined,
						n: row.n,
						usdOf,
					},
				];
			}
		}
	}

	#answer({ inputTokens, maxTokens = Number.POSITIVE_INFINITY, n, usdOf }: RehearsedRow): number {
		const { random, profile } = this.#options;
		let outputTokens = 0;
		for (let choice = 0; choice < n; choice++) {
			const drawn = profile.medianTokens * Math.exp(profile.tokenSpread * gaussian(random));
			outputTokens += Math.min(maxTokens, Math.max(1, Math.round(drawn)));
		}
		const usd = usdOf(outputTokens / n, inputTokens);
		this.#usd = usd === null || this.#usd === null ? null : this.#usd + usd;
		this.#inputTokens += inputTokens;
		this.#outputTokens += outputTokens;
		return outputTokens;
	}

	#noteSending(): void {
		const now = this.#clock.now();
		const { reason } = this.#pacing.pace;
		this.#heldMs.set(reason, (this.#heldMs.get(reason) ?? 0) + now - this.#lastSentAt);
		this.#lastSentAt = now;
		this.#requests += 1;
	}

	#heldBy(): Rehearsal["heldBy"] {
		let longest: readonly [string, number] = ["nothing", 0];
		for (const entry of this.#heldMs) if (entry[1] > longest[1]) longest = entry;
		return { reason: longest[0], share: longest[1] / Math.max(1, this.#lastSentAt) };
	}
}

function isTwin(seen: Set<string>, row: BatchRow): boolean {
	const hash = requestHash(row);
	if (seen.has(hash)) return true;
	seen.add(hash);
	return false;
}

function gaussian(random: () => number): number {
	return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
