import { RequestError } from "../errors.ts";
import type { FailureClass } from "../results/records.ts";
import type { Result, Usage } from "../types.ts";

/** Buckets grow by 2 %, so a percentile is right to 1 %. */
const growth = Math.log(1.02);

/** Latencies of any number of requests in constant memory. */
export class LatencyHistogram {
	readonly #counts: number[] = [];
	#count = 0;

	get count(): number {
		return this.#count;
	}

	add(ms: number): void {
		const bucket = Math.max(0, Math.round(Math.log(Math.max(ms, 1)) / growth));
		this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
		this.#count += 1;
	}

	/** Ms under which a share (0 to 1) of them lies; null when there are none. */
	percentile(share: number): number | null {
		if (this.#count === 0) return null;
		let left = Math.ceil(this.#count * share);
		for (const [bucket, count] of this.#counts.entries()) {
			left -= count ?? 0;
			if (left <= 0) return Math.exp(bucket * growth);
		}
		return null;
	}

	addAll(other: LatencyHistogram): void {
		for (const [bucket, count] of other.#counts.entries())
			if (count) this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count;
		this.#count += other.#count;
	}
}

/** Hears of the requests of a run. */
export interface RequestWatch {
	/** It leaves. */
	sent(request: object): void;
	/** It was refused for rate. */
	refused(request: object): void;
}

/** What has happened in a run so far, for one model or for all. */
export class RunStats {
	/** Rows answered in this run, those of the cache included. */
	answered = 0;
	cached = 0;
	failed = 0;
	/** Rows that a stop broke off; they are missing and will be sent again. */
	interrupted = 0;
	/** Places of rows that a server has refused, and that have not ended yet. */
	readonly turnedAway = new Set<number>();
	/** Answers that reached the limit of their length. */
	truncated = 0;
	/** Rows that expect an answer, and those that got it. */
	expecting = 0;
	passed = 0;
	/** Requests sent, and those on their way. */
	requests = 0;
	inFlight = 0;
	/** Requests refused with 429. */
	refusals = 0;
	inputTokens = 0;
	cachedInputTokens = 0;
	outputTokens = 0;
	/** USD of the requests whose cost is known. */
	usd = 0;
	/** Requests whose cost is not known. */
	unknownCosts = 0;
	/** USD that answers of the cache would have cost, as far as known. */
	savedUsd = 0;
	/** USD that the provider's own cache of prompts saved, less what writing it cost. */
	promptCacheSavedUsd = 0;
	/** What the last request failed with, as long as none is answered after it. */
	trouble: string | null = null;
	readonly failures = new Map<FailureClass, number>();
	readonly latencies = new LatencyHistogram();

	/** Rows that have ended, one way or the other. */
	get finished(): number {
		return this.answered + this.failed;
	}

	/** A request about the row at a place has ended; with an error it was in vain. */
	noteSending(position: number, error: unknown): void {
		this.requests += 1;
		this.trouble = error instanceof Error ? error.message : null;
		if (error instanceof RequestError && error.status !== undefined) this.turnedAway.add(position);
	}

	noteAnswer(result: Result): void {
		this.answered += 1;
		if (result.finishReason === "length") this.truncated += 1;
		if (result.cached) {
			this.cached += 1;
			return;
		}
		this.latencies.add(result.latencyMs);
		this.#addTokens(result.usage);
	}

	noteFailure(errorClass: FailureClass, usage: Usage | null): void {
		this.failed += 1;
		this.failures.set(errorClass, (this.failures.get(errorClass) ?? 0) + 1);
		this.#addTokens(usage);
	}

	#addTokens(usage: Usage | null): void {
		if (usage === null) return;
		this.inputTokens += usage.inputTokens;
		this.cachedInputTokens += usage.cachedInputTokens;
		this.outputTokens += usage.outputTokens;
	}

	/** Notes whether an answer was as expected; undefined where nothing was. */
	notePass(pass: boolean | undefined): void {
		if (pass === undefined) return;
		this.expecting += 1;
		if (pass) this.passed += 1;
	}

	/** The sum over models. */
	static sum(parts: readonly RunStats[]): RunStats {
		const total = new RunStats();
		for (const part of parts) {
			for (const name of sums) total[name] += part[name];
			for (const [errorClass, count] of part.failures)
				total.failures.set(errorClass, (total.failures.get(errorClass) ?? 0) + count);
			total.latencies.addAll(part.latencies);
			for (const position of part.turnedAway) total.turnedAway.add(position);
			total.trouble ??= part.trouble;
		}
		return total;
	}
}

const sums = [
	"answered",
	"cached",
	"failed",
	"interrupted",
	"truncated",
	"expecting",
	"passed",
	"requests",
	"inFlight",
	"refusals",
	"inputTokens",
	"cachedInputTokens",
	"outputTokens",
	"usd",
	"unknownCosts",
	"savedUsd",
	"promptCacheSavedUsd",
] as const;
