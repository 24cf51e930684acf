import type { Ceiling } from "./ceiling.ts";
import { ConcurrencyWindow, type WindowedRequest } from "./concurrency-window.ts";
import { HeaderLevels, type LevelMarks } from "./header-levels.ts";
import type { Limiter, LimiterState, RateRefusal, SentRequest, Success, TokenCost } from "./limiter.ts";
import type { RateSnapshot } from "./rate-headers.ts";
import { RatePacer } from "./rate-pacer.ts";
import { Stall } from "./stall.ts";
import { TokenEstimate } from "./token-estimate.ts";

export interface AdaptiveLimiterOptions {
	readonly now: () => number;
	/** Ceilings on what the controller finds; accounts that are used together share them. */
	readonly requestCeiling?: Ceiling | undefined;
	readonly tokenCeiling?: Ceiling | undefined;
	/** Most requests in flight; 512 unless given. */
	readonly concurrency?: number | undefined;
	/** Begin with all of `concurrency` in flight, because the user has chosen it, instead of slowly. */
	readonly eager?: boolean | undefined;
	/** The provider takes the request's own bound on its answer off the limit, not the answer. */
	readonly chargesMaxTokens?: boolean | undefined;
	/** The part of all that is sent to the account that is sent from here, 0 to 1; all of it unless given. */
	readonly part?: (() => number) | undefined;
}

export const mostConcurrent = 512;
/** With headers, a full account is used up at this multiple of its rate, and not all at once. */
const burstFactor = 2;
/** Where headers say what is left, a hint is not waited for longer than this. */
const longestBlockMs = 5_000;
/** When headers account for more refusals than this, what they say comes too late to steer by. */
const mostExplained = 0.003;
const shareWeight = 1 / 1000;
/** A pause of this length shows that a limit comes back all at once, and not bit by bit. */
const longPauseMs = 1_500;
/** So many refusals in a row, or a promise that was kept, show that it was not an accident. */
const provenRun = 5;
/** A limit that ends so late is better heard from the server, which may have an error code for it. */
const tooLongMs = 300_000;

interface SendingRecord extends SentRequest, WindowedRequest {
	readonly inputTokens: number;
	readonly levels: LevelMarks;
}

/**
 * The controller of one (provider, account, model): follows the levels that headers state, finds the rate by
 * refusals where there are none, and keeps the number in flight at what rate and latency need.
 * See docs/decisions/rate-control.md.
 */
export class AdaptiveLimiter implements Limiter {
	readonly #now: () => number;
	readonly #requestCeiling: Ceiling | undefined;
	readonly #tokenCeiling: Ceiling | undefined;
	readonly #pacer: RatePacer;
	readonly #window: ConcurrencyWindow;
	readonly #levels = new HeaderLevels();
	readonly #tokens: TokenEstimate;
	#blockedUntil = Number.NEGATIVE_INFINITY;
	#blockReason = "";
	/** Share of the sendings that were refused although the limits stood as headers had said, smoothed. */
	#refusedShare = 0;
	#limitsChangedAt = Number.POSITIVE_INFINITY;
	readonly #stall = new Stall();
	/** Since when nothing but single requests has been sent, because the server asked for that or let nothing through. */
	#pausedAt: number | undefined;
	/** Refused in a row by then. */
	#pauseRun = 0;
	/** The number in flight is held, and the rate left to that. */
	#isHeldInFlight = false;
	#reason = "starting slowly";
	#lastSignal: LimiterState["lastSignal"] = null;

	constructor(options: AdaptiveLimiterOptions) {
		this.#now = options.now;
		this.#requestCeiling = options.requestCeiling;
		this.#tokenCeiling = options.tokenCeiling;
		const { concurrency = mostConcurrent, eager = false, part } = options;
		this.#pacer = new RatePacer(this.#now(), eager);
		this.#window = new ConcurrencyWindow(concurrency, eager, part);
		this.#tokens = new TokenEstimate(options.chargesMaxTokens ?? false);
	}

	waitMs(cost: TokenCost): number {
		const now = this.#now();
		const window = this.#window.at(this.#pacer.kept, now);
		if (this.#window.inFlight >= window.size) {
			this.#reason = window.reason;
			this.#window.heldBack(now);
			return this.#window.growsInMs(now);
		}
		const blockedUntil = Math.max(this.#blockedUntil, this.#stall.waitUntil);
		if (now < blockedUntil) {
			this.#reason = this.#blockReason;
			return blockedUntil - now;
		}
		if (this.#stall.waitUntil > Number.NEGATIVE_INFINITY) this.#stall.end(now);
		if (this.#pausedAt !== undefined && !this.#stall.isOn) this.#endPause(this.#pausedAt, now);
		const tokens = this.#tokens.of(cost);
		let longest = this.#pacer.waitMs(now, this.#levels.areLeft(tokens));
		if (longest > 0) this.#reason = this.#pacer.reason;
		const longer = (waitMs: number, reason: string) => {
			if (waitMs > longest) {
				longest = waitMs;
				this.#reason = reason;
			}
		};
		const levelMs = this.#levels.waitMs(tokens, now);
		if (levelMs <= tooLongMs || this.#window.inFlight > 0) longer(levelMs, this.#levels.reason);
		longer(this.#requestCeiling?.waitMs(1, now) ?? 0, this.#requestCeiling?.reason ?? "");
		longer(this.#tokenCeiling?.waitMs(tokens.input + tokens.output, now) ?? 0, "held by --tpm");
		return longest;
	}

	sent(cost: TokenCost, own?: number): SentRequest {
		const now = this.#now();
		const tokens = this.#tokens.of(cost);
		this.#requestCeiling?.take(1);
		this.#tokenCeiling?.take(tokens.input + tokens.output);
		const sequence = this.#pacer.sent(now, own);
		const record: SendingRecord = {
			...this.#window.sent(sequence, now, own),
			inputTokens: cost.inputTokens,
			levels: this.#levels.sent(tokens, now),
		};
		this.#learnInFlight(now);
		this.#stall.sent(record.sequence, now, this.#pacer.estimate.refusalDelayMs);
		if (this.#window.isStopped && this.#pacer.isFree(now)) this.#window.goOn();
		this.#window.judge(this.#pacer.estimate.decidedAt(now), now);
		return record;
	}

	succeeded(sending: SentRequest, success: Success): void {
		const record = sending as SendingRecord;
		const now = this.#now();
		this.#window.ended(record, "passed", now);
		const { inputTokens } = record;
		this.#window.succeeded(record, now);
		this.#pacer.estimate.noteAnswered(record.sentAt);
		this.#pacer.succeeded(this.#window.meanLatencyMs);
		this.#refusedShare -= shareWeight * this.#refusedShare;
		this.#tokens.learn(inputTokens, success);
		if (success.snapshot !== undefined) {
			this.#levels.answered(success.snapshot, record.levels);
			this.#read(record, success.snapshot, now);
		}
		if (this.#stall.isProbe(record.sequence)) this.#stall.end(now);
		this.#learnInFlight(now);
	}

	refused(sending: SentRequest, { hintMs, snapshot, isOfRow }: RateRefusal): void {
		const record = sending as SendingRecord;
		const now = this.#now();
		this.#window.ended(record, isOfRow || this.#pacer.isPeriodic ? "unknown" : "refused", now);
		this.#lastSignal = { at: now, text: describeRefusal(hintMs) };
		if (hintMs !== undefined) this.#pacer.estimate.noteHinted(record.sequence);
		if (snapshot !== undefined) this.#read(record, snapshot, now);
		this.#levels.refused(record.levels, { snapshot, hintMs });
		if (isOfRow) {
			this.#pacer.noteRefused(record.sequence, now);
			this.#pacer.estimate.noteOwn(record.sequence);
			this.#stall.saidNothing(record.sequence);
			return;
		}
		const isInFlight = this.#window.refused(record);
		const isSpent = this.#levels.accountFor(record.levels, snapshot, this.#tokens.most, now);
		if (isSpent && this.#isPredicted(record)) this.#refusedShare += shareWeight * (1 - this.#refusedShare);
		// In a stall nothing is let through at any rate, so the rate has nothing to learn from it.
		if (isInFlight || this.#stall.isOn || (isSpent && this.#refusedShare <= mostExplained))
			this.#pacer.noteRefused(record.sequence, now);
		else this.#blameRate(record, hintMs, now);
		const run = this.#pacer.estimate.runOf(record.sequence);
		const isRun = isInFlight ? run.count >= provenRun : this.#pacer.learners.isRun(record.sequence, now);
		if (isRun && !this.#stall.isOn && !isInFlight) this.#pacer.ruleOutChance(record.sequence, now);
		this.#handleStall(record, hintMs, isRun, now);
	}

	overloaded(sending: SentRequest): void {
		const now = this.#now();
		this.#window.ended(sending as SendingRecord, "unknown", now);
		this.#window.overloaded(sending as SendingRecord, this.#pacer.kept, now);
		this.#lastSignal = { at: now, text: "the server said it is overloaded" };
	}

	failed(sending: SentRequest): void {
		this.#window.ended(sending as SendingRecord, "unknown", this.#now());
	}

	revived(): void {
		this.#window.revived();
	}

	state(): LimiterState {
		const pace = Math.min(
			this.#pacer.limit ?? Number.POSITIVE_INFINITY,
			this.#levels.allowedRate(this.#tokens.mean),
			this.#requestCeiling?.perSecond ?? Number.POSITIVE_INFINITY,
		);
		return {
			inFlight: this.#window.inFlight,
			window: this.#window.at(this.#pacer.kept, this.#now()).size,
			requestsPerMinute: Number.isFinite(pace) ? Math.round(pace * 60) : null,
			pausedMs: Math.max(0, this.#blockedUntil - this.#now()),
			reason: this.#reason,
			lastSignal: this.#lastSignal,
		};
	}

	#read(record: SendingRecord, snapshot: RateSnapshot, now: number): void {
		const wasKnown = this.#levels.isKnown;
		const changed = this.#levels.read(snapshot, record.levels, now);
		if (changed) {
			this.#limitsChangedAt = now;
			this.#refusedShare = 0;
		}
		const allowed = this.#levels.allowedRate(this.#tokens.mean);
		const rate = Math.max(1, burstFactor * allowed);
		// What was found by refusals is better known than a first word that has it much higher.
		const isDoubtful = !wasKnown && rate > burstFactor ** 2 * (this.#pacer.limit ?? rate);
		if (changed && Number.isFinite(allowed) && !isDoubtful) this.#pacer.release(rate);
		else this.#pacer.open(Math.min(rate, this.#window.heldRate ?? rate));
	}

	/** By what headers said there should have been enough for it. */
	#isPredicted({ sentAt, levels }: SendingRecord): boolean {
		return sentAt > this.#limitsChangedAt && !this.#levels.isWindowed && !levels.isAgainst;
	}

	/** Headers do not account for the refusal: too many in flight, or too fast, or chance. */
	#blameRate(record: SendingRecord, hintMs: number | undefined, now: number): void {
		if (this.#pacer.bound === undefined) this.#window.shrink();
		this.#pacer.refused(record.sequence, now, this.#stall.believed(hintMs));
	}

	/** While the number in flight is likely limited, it sets the rate, too. */
	#learnInFlight(now: number): void {
		this.#window.learn(this.#pacer.estimate.refusalDelayMs, now);
		const rate = this.#window.heldRate;
		if (rate === undefined) {
			if (this.#isHeldInFlight) this.#pacer.recall(now);
			this.#isHeldInFlight = false;
		} else if (this.#isHeldInFlight) this.#pacer.open(rate);
		else this.#holdInFlight(rate, now);
	}

	#holdInFlight(rate: number, now: number): void {
		this.#isHeldInFlight = true;
		this.#pacer.suspend(rate, now);
		this.#stall.cancel();
		this.#blockedUntil = now;
		this.#pausedAt = undefined;
	}

	#handleStall(record: SendingRecord, hintMs: number | undefined, isRun: boolean, now: number): void {
		const begins = !this.#stall.isOn && isRun;
		if (begins || this.#stall.isProbe(record.sequence)) {
			const believed =
				this.#levels.isKnown && hintMs !== undefined ? Math.min(hintMs, longestBlockMs) : hintMs;
			const waitMs = this.#stall.deepen(believed, now);
			// Nobody knows when others will be answered.
			if (this.#stall.isTrusted) this.#window.dismissLimit();
			const reason =
				this.#stall.believed(hintMs) > 0 ? "waiting as long as the server asked" : nothingLetThrough;
			this.#pauseRun = this.#pacer.estimate.runOf(record.sequence).count;
			this.#block(now, waitMs, reason, !begins);
		}
	}

	#endPause(from: number, now: number): void {
		this.#pausedAt = undefined;
		const isProven = this.#stall.isTrusted || this.#pauseRun >= provenRun;
		this.#pauseRun = 0;
		// It may have ended long ago, with nothing to send since.
		const pauseMs = this.#blockedUntil - from;
		if (this.#isHeldInFlight) return;
		if (this.#pacer.isPeriodic || (pauseMs >= longPauseMs && isProven))
			this.#pacer.resumed(now, this.#stall.isTrusted);
	}

	/** `isIdle` as in RatePacer: that it is refused again has nothing to do with the rate any more. */
	#block(now: number, waitMs: number, reason: string, isIdle: boolean): void {
		this.#pausedAt ??= now;
		if (now + waitMs > this.#blockedUntil) {
			this.#blockedUntil = now + waitMs;
			this.#pacer.silence(this.#blockedUntil, isIdle);
			this.#blockReason = reason;
		}
	}
}

const nothingLetThrough = "waiting, because nothing was let through";

function describeRefusal(hintMs: number | undefined): string {
	return hintMs === undefined ? "429" : `429, again in ${(hintMs / 1000).toFixed(1)} s`;
}
