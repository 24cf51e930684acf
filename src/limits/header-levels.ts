import { EmptyTrial } from "./empty-trial.ts";
import { HeaderLevel, type LevelMark } from "./header-level.ts";
import type { RateRefusal } from "./limiter.ts";
import type { RateSnapshot } from "./rate-headers.ts";

const dimensions = ["requests", "tokens", "inputTokens", "outputTokens", "requestsPerDay"] as const;

const reasons = [
	"held by the request limit",
	"held by the token limit",
	"held by the input token limit",
	"held by the output token limit",
	"held by the daily request limit",
] as const;

/** Less than this share of a limit counts as nothing left when a request is refused. */
const nothingLeft = 0.02;
/** Requests overtake each other: what comes back in this time may be there sooner or later than is known. */
const jitterMs = 100;

export interface Tokens {
	readonly input: number;
	readonly output: number;
}

/** What a sending remembers of all levels. */
export interface LevelMarks {
	readonly sentAt: number;
	readonly marks: readonly LevelMark[];
	/** It was sent although nothing was said to be left. */
	readonly isAgainst: boolean;
}

/** All limits that headers state for one account. */
export class HeaderLevels {
	readonly #levels: readonly HeaderLevel[] = dimensions.map(() => new HeaderLevel());
	#reason = "";
	readonly #empty = new EmptyTrial();

	/** Some response has stated a limit, and nothing contradicts it. */
	get isKnown(): boolean {
		return !this.#empty.isRefuted && this.#levels.some((level) => level.isKnown);
	}

	/** Some limit comes back all at once, so that refusals at the turn of a window are nothing unusual. */
	get isWindowed(): boolean {
		return this.#levels.some((level) => level.isWindowed);
	}

	/** In words, which limit the last `waitMs` was for. */
	get reason(): string {
		return this.#reason;
	}

	/** Ms until a request of so many tokens should fit all limits. */
	waitMs(tokens: Tokens, now: number): number {
		let longest = 0;
		if (!this.isKnown || this.#empty.isOn) return longest;
		for (const [index, level] of this.#levels.entries()) {
			const waitMs = level.isKnown ? level.waitMs(costIn(index, tokens), now) : 0;
			if (waitMs > longest) {
				longest = waitMs;
				this.#reason = reasons[index] ?? "";
			}
		}
		return longest;
	}

	/** By the last word on each limit, so much is left; a limit is stated. */
	areLeft(tokens: Tokens): boolean {
		return (
			this.isKnown &&
			this.#levels.every((level, index) => !level.isKnown || level.isLeft(costIn(index, tokens)))
		);
	}

	sent(tokens: Tokens, now: number): LevelMarks {
		const marks = this.#levels.map((level, index) => level.sent(costIn(index, tokens), now));
		const isAgainst = this.#empty.isOn && this.#levels.some((level) => level.isEmptyFor(jitterMs, now));
		if (isAgainst) this.#empty.sent();
		return { sentAt: now, marks, isAgainst };
	}

	/** A refused request used up nothing. `snapshot` and `hintMs` are what its response said. */
	refused(
		{ marks, isAgainst }: LevelMarks,
		{ snapshot, hintMs }: Pick<RateRefusal, "snapshot" | "hintMs">,
	): void {
		for (const [index, level] of this.#levels.entries()) {
			const mark = marks[index];
			if (mark !== undefined) level.givenBack(mark, stated(snapshot, index)?.remaining, hintMs);
		}
		if (isAgainst) this.#empty.refused();
	}

	/** A request was answered, with this word on what is left. */
	answered(snapshot: RateSnapshot, { isAgainst }: LevelMarks): void {
		this.#empty.answered(
			dimensions.some((_, index) => stated(snapshot, index)?.remaining === 0),
			isAgainst,
		);
	}

	/** Takes what a response said. True when a limit is not what it was. */
	read(snapshot: RateSnapshot, { marks, sentAt }: LevelMarks, now: number): boolean {
		let changed = false;
		for (const [index, level] of this.#levels.entries()) {
			const statement = stated(snapshot, index);
			const mark = marks[index];
			if (statement !== undefined && mark !== undefined) {
				const before = level.limit;
				level.read(statement, mark, sentAt, now);
				changed ||= level.limit !== before;
			}
		}
		return changed;
	}

	/** Requests per second that the stated limits allow in the long run, at so many tokens each. */
	allowedRate(mean: Tokens): number {
		let rate = Number.POSITIVE_INFINITY;
		if (!this.isKnown) return rate;
		for (const [index, level] of this.#levels.entries()) {
			// A day's allowance may be used up in an hour; what is left of it says enough.
			const cost = dimensions[index] === "requestsPerDay" || !level.isKnown ? 0 : costIn(index, mean);
			if (cost > 0) rate = Math.min(rate, (level.limit / level.windowMs / cost) * 1000);
		}
		return rate;
	}

	/** So little was left when a request was refused that this accounts for it. `mostTokens` is the most that one request has used. */
	accountFor(
		sending: LevelMarks,
		snapshot: RateSnapshot | undefined,
		mostTokens: number,
		now: number,
	): boolean {
		if (!this.isKnown) return false;
		for (const [index, level] of this.#levels.entries()) {
			const mark = sending.marks[index];
			if (!level.isKnown || mark === undefined) continue;
			const isOfRequests = dimensions[index] === "requests" || dimensions[index] === "requestsPerDay";
			const need = isOfRequests ? 1 : Math.max(mark.cost, mostTokens);
			const little = nothingLeft * level.limit;
			const remaining = stated(snapshot, index)?.remaining;
			if (remaining !== undefined) {
				if (remaining < need || remaining < little) return true;
			} else if (snapshot === undefined && level.at(now) < 2 * need + little) {
				level.exhausted(mark, sending.sentAt);
				return true;
			}
		}
		return false;
	}
}

function stated(snapshot: RateSnapshot | undefined, index: number) {
	const dimension = dimensions[index];
	return dimension && snapshot?.[dimension];
}

function costIn(index: number, { input, output }: Tokens): number {
	switch (dimensions[index]) {
		case "tokens":
			return input + output;
		case "inputTokens":
			return input;
		case "outputTokens":
			return output;
		default:
			return 1;
	}
}
