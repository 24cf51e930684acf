import { RequestError } from "../errors.ts";
import { costOfCall } from "../models/pricing.ts";
import type { ModelRoute } from "../models/router.ts";
import { estimateInputTokens, estimateTextTokens } from "../models/tokens.ts";
import type { Ledger, LedgerStatus } from "../state/ledger.ts";
import type { Cost, Usage } from "../types.ts";
import { addCost, addUsage, noCost, noUsage } from "../types.ts";
import type { Question } from "./question.ts";

export interface AccountingOptions {
	readonly model: string;
	readonly route: ModelRoute;
	readonly ledger: Ledger | undefined;
	/** Marks of the ledger rows. */
	readonly command: string;
	readonly session: string | undefined;
	readonly label: string | undefined;
}

/** One row of the ledger, before the marks that all rows of an LLM share. */
interface Entry {
	readonly usage: Usage | null;
	readonly costUsd: number | null;
	readonly cached?: boolean;
	readonly savedUsd?: number | null;
	readonly latencyMs?: number;
	readonly attempts?: number;
	readonly status?: LedgerStatus;
}

/** A sending that ended without an answer. */
export interface FailedSending {
	readonly question: Question;
	readonly error: unknown;
	/** Request bytes may have reached the server. */
	readonly sent: boolean;
	/** Text and reasoning that had come. */
	readonly received: string;
	readonly latencyMs: number;
}

/** What the calls of one LLM used and cost: the ledger's rows and the running totals. */
export class Accounting {
	readonly #options: AccountingOptions;
	#usage: Usage = noUsage;
	#cost = noCost;
	/** Failures that have their row. */
	readonly #noted = new WeakSet<Error>();

	constructor(options: AccountingOptions) {
		this.#options = options;
	}

	/** Tokens of all calls so far; calls without a usage are missing from it. */
	get usage(): Usage {
		return this.#usage;
	}

	get cost(): Cost {
		return this.#cost;
	}

	/** USD of a usage at today's price, or as the provider reports it; null when unknown. */
	price(usage: Usage | null, reportedCostUsd: number | null): number | null {
		const { provider, modelId } = this.#options.route;
		return costOfCall({ provider, modelId, usage, reportedCostUsd });
	}

	/** Notes an answer that came. */
	noteAnswer(usage: Usage | null, costUsd: number | null, latencyMs: number, attempts = 1): void {
		this.#note({ usage, costUsd, latencyMs, attempts });
	}

	/** Notes an answer that was there already, and what that saved. */
	noteReuse(usage: Usage | null, savedUsd: number | null): void {
		this.#note({ usage, costUsd: 0, cached: true, savedUsd, attempts: 0 });
	}

	/**
	 * Notes a sending that was or may have been billed: as reported, or with estimated tokens and an unknown cost,
	 * which is 0 where nothing is ever charged. Returns its USD: 0 when it was not billed, null when nobody knows.
	 */
	noteFailure({ question, error, sent, received, latencyMs }: FailedSending): number | null {
		if (error instanceof RequestError && error.usage) {
			this.#noted.add(error);
			const costUsd = this.price(error.usage, null);
			this.#note({ usage: error.usage, costUsd, latencyMs, status: "failed" });
			return costUsd;
		}
		if (!(error instanceof RequestError ? error.maybeBilled : sent)) return 0;
		if (error instanceof Error) this.#noted.add(error);
		const usage: Usage = {
			...noUsage,
			inputTokens: estimateInputTokens(question.messages),
			outputTokens: estimateTextTokens(received),
		};
		const costUsd = this.price(null, null);
		this.#note({ usage, costUsd, latencyMs, status: "maybe_billed" });
		return costUsd;
	}

	/** Notes a call that failed for good and left no row yet; it cost nothing. */
	noteFailedCall(error: unknown): void {
		if (!(error instanceof RequestError) || this.#noted.has(error)) return;
		this.#note({ usage: noUsage, costUsd: 0, status: "failed", attempts: error.attempts });
	}

	#note({
		usage,
		costUsd,
		cached = false,
		savedUsd,
		latencyMs = 0,
		attempts = 1,
		status = "ok",
	}: Entry): void {
		const { model, route, command, session, label, ledger } = this.#options;
		this.#cost = addCost(this.#cost, costUsd);
		// The tokens of a row that may have been billed are a guess, and totals hold none.
		if (usage && !cached && status !== "maybe_billed") this.#usage = addUsage(this.#usage, usage);
		ledger?.append({
			command,
			session,
			label,
			model,
			provider: route.provider.id,
			modelId: route.modelId,
			usage,
			costUsd,
			cached,
			savedUsd,
			status,
			attempts,
			latencyMs: Math.round(latencyMs),
		});
	}
}
