import { mostChance } from "./limit-odds.ts";

/** A limit in flight that is as likely as this is kept to, until there being none is as likely as there being one. */
const likely = 0.99;
const unlikely = 0.5;
/** So rarely one is let through although as many others were there as the limit lets in: what is seen here may mislead. */
const mistaken = 0.005;
/** Chance below this is not told from none. */
const leastChance = 0.01;
/** What share is refused before anything is known, as if so many sendings had told it. */
const priorChance = 0.1;
const priorSendings = 5;
/** So much does each sending count in what share is refused just now, and what that is before anything is known. */
const recentWeight = 0.3;
const priorAfterPassed = 0.1;
const priorAfterRefused = 0.5;
/** One sending in so many, what holds so far is as good as forgotten: limits change, and so does chance. */
const hazard = 1 / 1_000;
/** No limit is ever less likely than this, for it may have changed. */
const leastLikely = 1e-6;
/** Requests that are sent within this share of the time there and back may arrive in any order. */
const disorder = 0.5;
/** An answer was given up to so many times that long before it came. */
const earliest = 2;
/** What is not known of who was there may be wrong for so large a share of all in the same way. */
const bias = 0.5;

/** A request on its way to the server and back. */
export interface Flight {
	readonly sentAt: number;
	/** How likely it is refused for itself, whoever is there; 0 when it is sent for the first time. */
	readonly own: number;
	endedAt: number;
	/** `unknown`: it says nothing of a limit. */
	end: "none" | "passed" | "refused" | "unknown";
}

/**
 * How many others there were at the server when a request arrived there: so many at least, and at most; and what is to be
 * expected, with its variance, where some may have come later or ended before.
 */
export interface Others {
	readonly least: number;
	readonly most: number;
	readonly mean: number;
	readonly variance: number;
}

/**
 * Whether a server limits requests in flight, and to how many, by what it refused while how many others were there. Under
 * such a limit everything is refused while so many are there, and below it the same share by chance. Of each number, and
 * of there being none, it is known how likely it is: the likelier, the better it foretold what came (Bayes' rule). Where
 * there is none, the same share is refused always, or refusals come in bursts, as they do where the rate is limited.
 */
export class InFlightOdds {
	/** What has not been learnt from, and what was and may have been there when one of those arrived. */
	readonly #undecided: Flight[] = [];
	#decided: Flight[] = [];
	/** How likely each limit is; the first is none. */
	readonly #weights: Float64Array;
	readonly #priors: Float64Array;
	/** What share is refused below each limit, told by how many; the first is all. */
	readonly #chances: Float64Array;
	readonly #counts: Float64Array;
	/**
	 * What share is refused just now after one that was let through, and after one that was refused; and how likely that
	 * tells what comes if there is no such limit.
	 */
	readonly #after = { passed: priorAfterPassed, refused: priorAfterRefused };
	#last: "passed" | "refused" = "passed";
	#bursts = 0.5;
	#isLikely = false;
	/** Who was there when the last one was refused, if nothing was let through since. */
	#before: Others | undefined;

	constructor(most: number) {
		const inverse = Float64Array.from({ length: most + 1 }, (_, limit) => (limit === 0 ? 0 : 1 / limit));
		const sum = inverse.reduce((before, each) => before + each, 0);
		this.#priors = inverse.map((each, limit) => (limit === 0 ? 0.5 : each / sum / 2));
		this.#weights = Float64Array.from(this.#priors);
		this.#chances = new Float64Array(most + 1).fill(priorChance);
		this.#counts = new Float64Array(most + 1).fill(priorSendings);
	}

	/** The limit, if there likely is one: it is as likely lower as higher. */
	get limit(): number | undefined {
		const none = this.#weights[0] as number;
		this.#isLikely = 1 - none >= (this.#isLikely ? unlikely : likely);
		return this.#isLikely ? this.#quantile(0.5) : undefined;
	}

	/** If there is a limit, it is hardly lower. */
	get least(): number {
		return this.#quantile(1 - likely);
	}

	#quantile(share: number): number {
		const most = share * (1 - (this.#weights[0] as number));
		let limit = 0;
		for (let sum = 0; sum < most && limit + 1 < this.#weights.length; )
			sum += this.#weights[++limit] as number;
		return limit;
	}

	/** Whether as many as a likely limit lets in account for a refusal, and not chance. `tripMs` as in `othersWith`. */
	accountsFor(flight: Flight, tripMs: number): boolean {
		const { least } = this;
		const met = chanceOf(least, this.othersWith(flight, tripMs));
		return met >= (1 - met) * this.#chanceBelow(least);
	}

	/** Something else shows that there is none. */
	dismiss(): void {
		for (const [limit, prior] of this.#priors.entries())
			this.#weights[limit] = limit === 0 ? 1 - hazard : 2 * hazard * prior;
	}

	/** `own` as in Flight. */
	sent(now: number, own = 0): Flight {
		const flight: Flight = { sentAt: now, own, endedAt: Number.POSITIVE_INFINITY, end: "none" };
		this.#undecided.push(flight);
		return flight;
	}

	/** `tripMs`: the way there and back takes so long. */
	othersWith(flight: Flight, tripMs: number): Others {
		let least = 0;
		let most = 0;
		let mean = 0;
		let variance = 0;
		let isBefore = true;
		for (const flights of [this.#decided, this.#undecided]) {
			for (const other of flights) {
				const aheadMs = flight.sentAt - other.sentAt;
				if (aheadMs < -disorder * tripMs) break;
				if (other === flight) isBefore = false;
				if (other === flight || other.end === "refused" || other.endedAt <= flight.sentAt) continue;
				const order = Math.min(1, (1 + aheadMs / (disorder * tripMs)) / 2);
				// All that were let in were there together in the end, whichever came first.
				const came = flight.end === "refused" ? order : isBefore ? 1 : 0;
				const stayed = Math.min(1, (other.endedAt - flight.sentAt) / (earliest * tripMs));
				const share = came * stayed * (other.end === "unknown" ? 0.5 : 1);
				if (share > 0) most++;
				if (share >= 1) least++;
				mean += share;
				variance += share * (1 - share);
			}
		}
		return { least, most, mean, variance: variance + (bias * variance) ** 2 };
	}

	/** What became of all that was sent by then is known. `tripMs` as in `othersWith`. */
	learn(until: number, tripMs: number): void {
		for (
			let next = this.#undecided[0];
			next !== undefined && next.sentAt <= until;
			next = this.#undecided[0]
		) {
			if (next.end !== "unknown") this.#consider(next, this.othersWith(next, tripMs));
			this.#undecided.shift();
			this.#decided.push(next);
			const from = this.#undecided[0]?.sentAt ?? until;
			this.#decided = this.#decided.filter(({ endedAt }) => endedAt >= from);
		}
	}

	/** Of several that are refused while the same others are there, only the first may speak for a limit. */
	#consider({ end, own }: Flight, others: Others): void {
		const isRefused = end === "refused";
		const before = isRefused ? this.#before : undefined;
		const isSame = others.least === before?.least && others.most === before.most;
		this.#weigh(isRefused, others, isSame ? 1 : Number.POSITIVE_INFINITY, own);
		this.#before = isRefused ? others : undefined;
	}

	/** A limit becomes at most so many times as likely. `own` as in Flight. */
	#weigh(isRefused: boolean, others: Others, mostTimes: number, own: number): void {
		const weights = this.#weights;
		const expected = this.#expect(isRefused);
		let sum = weights[0] as number;
		for (let limit = 1; limit < weights.length; limit++) {
			const refused = this.#refusedAt(limit, (1 - mistaken) * chanceOf(limit, others), isRefused);
			const foretold = isRefused
				? (own + (1 - own) * refused) / (own + (1 - own) * expected)
				: (1 - refused) / expected;
			const times = Math.min(mostTimes, foretold);
			weights[limit] = times * (weights[limit] as number);
			sum += weights[limit] as number;
		}
		const none = Math.min(1 - hazard, Math.max(hazard, (weights[0] as number) / sum));
		const kept = (1 - none) / Math.max(Number.MIN_VALUE, sum - (weights[0] as number));
		weights[0] = none;
		for (let limit = 1; limit < weights.length; limit++)
			weights[limit] = Math.max(
				leastLikely * (this.#priors[limit] as number),
				kept * (weights[limit] as number),
			);
	}

	/** How likely what came was if there is no limit in flight. */
	#expect(isRefused: boolean): number {
		const after = this.#after[this.#last];
		const recent = likelihood(after, isRefused);
		const always = likelihood(this.#refusedAt(0, 0, isRefused), isRefused);
		const expected = this.#bursts * recent + (1 - this.#bursts) * always;
		this.#bursts = ((1 - hazard) * this.#bursts * recent) / expected + hazard / 2;
		this.#after[this.#last] = after + recentWeight * ((isRefused ? 1 : 0) - after);
		this.#last = isRefused ? "refused" : "passed";
		return expected;
	}

	/** How likely one is refused under that limit if so likely as many were there; learns from what came. */
	#refusedAt(limit: number, met: number, isRefused: boolean): number {
		const below = (1 - met) * this.#chanceBelow(limit);
		// What is refused because as many were there says nothing of chance.
		const weight = isRefused ? below / (met + below) : 1;
		const count = Math.min(1 / hazard, (this.#counts[limit] as number) + weight);
		const chance = this.#chances[limit] as number;
		this.#counts[limit] = count;
		this.#chances[limit] = chance + (weight * ((isRefused ? 1 : 0) - chance)) / count;
		return met + below;
	}

	/** By chance this share is refused if that is the limit. */
	#chanceBelow(limit: number): number {
		return Math.min(mostChance, Math.max(leastChance, this.#chances[limit] as number));
	}
}

/** How likely so many others or more were there. */
function chanceOf(count: number, { least, most, mean, variance }: Others): number {
	if (count <= least) return 1;
	if (count > most) return 0;
	return 1 / (1 + Math.exp((1.702 * (count - 0.5 - mean)) / Math.sqrt(variance)));
}

function likelihood(refused: number, isRefused: boolean): number {
	const share = Math.min(1 - leastChance, Math.max(leastChance, refused));
	return isRefused ? share : 1 - share;
}
