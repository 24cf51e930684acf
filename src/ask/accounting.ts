import { RequestError } from "../errors.ts";
import { regionOfServer, tierWishes } from "../models/asked-charges.ts";
import { type CallCost, possibleUsage, priceCall } from "../models/cost.ts";
import type { ModelRoute } from "../models/router.ts";
import { estimateInputTokens, estimateTextTokens } from "../models/tokens.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Answer } from "../providers/adapter.ts";
import type { Ledger } from "../state/ledger.ts";
import type { LedgerStatus, UnknownCost } from "../state/ledger-row.ts";
import type { Charges, Cost, Usage } from "../types.ts";
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
	/** Why `costUsd` is null. */
	readonly unknown?: UnknownCost | undefined;
	/** The provider said what it costs. */
	readonly isReported?: boolean;
	readonly charges?: Charges | undefined;
	readonly cached?: boolean;
	readonly savedUsd?: number | null;
	readonly latencyMs?: number;
	readonly attempts?: number;
	readonly status?: LedgerStatus;
	readonly mark?: JobMark | undefined;
}

/** The row of a batch job that a ledger row is about: each is booked once. */
export interface JobMark {
	readonly job: string;
	readonly row: string;
}

/** What an answer used and cost, as far as that can be known. */
export interface PricedAnswer {
	/** null also when no request can have what was reported. */
	readonly usage: Usage | null;
	readonly charges: Charges;
	readonly cost: CallCost;
}

/** A sending that ended without an answer. */
export interface FailedSending {
	readonly question: Question;
	readonly error: unknown;
	/** The place of the server in the route. */
	readonly server: number;
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
	#savedUsd = 0;
	#promptCacheSavedUsd = 0;
	/** By server. */
	readonly #regions = new Map<number, string | undefined>();
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

	/** USD that answers from the cache cost when they were asked for, as far as that is known. */
	get savedUsd(): number {
		return this.#savedUsd;
	}

	/** USD that the provider's own cache of prompts saved, less what writing it cost, as far as that is known. */
	get promptCacheSavedUsd(): number {
		return this.#promptCacheSavedUsd;
	}

	/**
	 * What an answer of `n` choices from one of the route's servers cost at today's price, or as the provider reports it.
	 * `asked`: what it was asked with; an answer that is silent about a dearer tier is taken to have had it.
	 */
	price(
		{
			usage,
			charges,
			response,
		}: Pick<Answer, "usage" | "charges"> & { readonly response?: Answer["response"] },
		n = 1,
		server = 0,
		asked: Parameters = {},
	): PricedAnswer {
		const { provider, modelId, prices: own } = this.#options.route;
		const wishes = tierWishes(asked);
		const tier =
			(response?.speed === undefined ? wishes.speed : undefined) ??
			(response?.serviceTier === undefined ? wishes.tier : undefined);
		const region = this.#regionOf(server);
		const isPlain = region === undefined && (tier === undefined || tier === "flex");
		const all: Charges = isPlain
			? charges
			: {
					...(region !== undefined && { region }),
					...(tier !== undefined && tier !== "flex" && { tier }),
					...charges,
				};
		const possible = possibleUsage(usage, { provider: provider.id, modelId, n, charges: all, own });
		const cost = priceCall({ provider, modelId, usage: possible, charges: all, own });
		return { usage: possible, charges: all, cost };
	}

	#regionOf(server: number): string | undefined {
		if (!this.#regions.has(server)) {
			const { servers, modelId } = this.#options.route;
			this.#regions.set(server, regionOfServer(servers[server]?.baseUrl ?? "", modelId));
		}
		return this.#regions.get(server);
	}

	/** Notes an answer that came. */
	noteAnswer(answer: PricedAnswer, latencyMs: number, attempts = 1, mark?: JobMark): void {
		this.#promptCacheSavedUsd += this.#promptCacheSaving(answer);
		this.#note({ ...entryOf(answer), latencyMs, attempts, mark });
	}

	/** USD: what the same answer would have cost with no cache of prompts, less what it cost; 0 when that is unknown. */
	#promptCacheSaving({ usage, charges, cost }: PricedAnswer): number {
		if (usage === null || usage.cachedInputTokens + usage.cacheWriteTokens === 0) return 0;
		if (cost.usd === null || cost.basis !== "computed") return 0;
		const { provider, modelId, prices: own } = this.#options.route;
		const { longCacheWriteTokens: _, ...others } = charges;
		const plain = { ...usage, cachedInputTokens: 0, cacheWriteTokens: 0 };
		const { usd } = priceCall({ provider, modelId, usage: plain, charges: others, own });
		return usd === null ? 0 : usd - cost.usd;
	}

	/** Notes a row of a batch job that was or may have been paid for, and brought no answer. */
	noteJobFailure(error: RequestError, bill: PricedAnswer, mark: JobMark): void {
		this.#note({ ...entryOf(bill), status: error.usage === null ? "maybe_billed" : "failed", mark });
	}

	/** Notes an answer that was there already, and what that saved. */
	noteReuse(usage: Usage | null, savedUsd: number | null): void {
		this.#savedUsd += savedUsd ?? 0;
		this.#note({ usage, costUsd: 0, cached: true, savedUsd, attempts: 0 });
	}

	/**
	 * Notes a sending that was or may have been billed: as reported, or with estimated tokens and an unknown cost,
	 * which is 0 where nothing is ever charged. Returns its USD: 0 when it was not billed, null when unknown.
	 */
	noteFailure({ question, error, server, sent, received, latencyMs }: FailedSending): number | null {
		if (error instanceof RequestError && (error.usage || error.charges?.reportedUsd !== undefined)) {
			this.#noted.add(error);
			const { usage, charges = {} } = error;
			const bill = this.price({ usage, charges }, question.n, server, question.parameters);
			this.#note({ ...entryOf(bill), latencyMs, status: "failed" });
			return bill.cost.usd;
		}
		if (!(error instanceof RequestError ? error.maybeBilled : sent)) return 0;
		if (error instanceof Error) this.#noted.add(error);
		const usage: Usage = {
			...noUsage,
			inputTokens: estimateInputTokens(question.messages),
			outputTokens: estimateTextTokens(received),
		};
		const { cost } = this.price({ usage: null, charges: {} });
		const costUsd = cost.usd;
		this.#note({ usage, costUsd, unknown: "interrupted", latencyMs, status: "maybe_billed" });
		return costUsd;
	}

	/** Notes a request that an earlier process had on its way when it was killed: it may have been billed. */
	noteLostRequest(question: Question): void {
		this.noteFailure({ question, error: undefined, server: 0, sent: true, received: "", latencyMs: 0 });
	}

	/** Notes a call that failed for good and left no row yet; it cost nothing. */
	noteFailedCall(error: unknown): void {
		if (!(error instanceof RequestError) || this.#noted.has(error)) return;
		this.#note({ usage: noUsage, costUsd: 0, status: "failed", attempts: error.attempts });
	}

	#note(entry: Entry): void {
		const { usage, costUsd, cached = false, latencyMs = 0, attempts = 1, status = "ok", mark } = entry;
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
			unknown: costUsd === null ? entry.unknown : undefined,
			isReported: entry.isReported,
			charges: entry.charges,
			cached,
			savedUsd: entry.savedUsd,
			status,
			attempts,
			latencyMs: Math.round(latencyMs),
			job: mark?.job,
			row: mark?.row,
		});
	}
}

function entryOf({ usage, charges, cost }: PricedAnswer): Entry {
	if (cost.usd === null) return { usage, charges, costUsd: null, unknown: cost.reason };
	return { usage, charges, costUsd: cost.usd, isReported: cost.basis === "reported" };
}
