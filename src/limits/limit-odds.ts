/** Limits that are told apart differ by this factor, from one in a quarter of an hour to a hundred thousand a second. */
const step = 2 ** 0.125;
const leastLimit = 2 ** -10;
const limitCount = 216;
/** Who is refused more often than this is refused by chance that rarely: others are there, or a limit is. */
export const mostChance = 1 / 3;
const beyondChance = 1e-3;
/**
 * Shares that may be refused whatever the load, from one in a thousand to a half, and how likely each is before anything
 * is known. Their roots are equally far apart, so that no share is between two of them that are both far from it: what
 * neither explains would look like a limit a little below the load, whatever the load.
 */
const chances = Array.from({ length: 18 }, (_, index) => (0.0316 + 0.04 * index) ** 2);
const likelihoods = normalized(
	chances.map((chance, index) => (index + 1) ** -1.5 * (chance > mostChance ? beyondChance : 1)),
);
/** One sending in so many, what holds so far is as good as forgotten: limits change, and so does chance. */
const hazard = 1 / 5_000;
/** Half of all servers limit something else, or nothing, before anything is known. */
const unlimited = 0.5;

/** A limit that is as likely as this is kept to; one that is less likely than the other is not there. */
export const likely = 0.7;
export const unlikely = 0.03;
/** A limit is where it is thought to be, or not so much higher. */
export const near = 1.1;

/** Nothing is more certain than this. */
const mostCertain = 0.999;

const limits = Float64Array.from({ length: limitCount + 1 }, (_, index) =>
	index === limitCount ? Number.POSITIVE_INFINITY : leastLimit * step ** index,
);
const passings = Float64Array.from(chances, (chance) => 1 - chance);
const renewed = new Float64Array(chances.length);

/** Every limit, none at all as the last, with every chance. */
const size = (limitCount + 1) * chances.length;
const priors = Float64Array.from(
	{ length: size },
	(_, cell) => (likelihoods[cell % chances.length] as number) * priorOf(Math.floor(cell / chances.length)),
);

/**
 * What is likely of a server, by what it refused under which load (a rate, or a number in flight): under a limit of L, a
 * share of 1 - L / load is refused above it and nothing below, and by chance the same share under any load. Each pair of a
 * limit and a chance is as likely as it foretold what came (Bayes' rule).
 */
export class LimitOdds {
	readonly #weights = new Float64Array(size);
	/** Sendings that passed before the first refusal. */
	#passed = 0;
	#isActive = false;
	/** Of all weights, and of those with each chance. */
	#sum = 1;
	readonly #ofChance = new Float64Array(chances.length);

	constructor() {
		this.forget();
	}

	/** Share of all sendings that is refused whatever the load, as far as is known. */
	get chance(): number {
		let sum = 0;
		let share = 0;
		for (const [index, chance] of chances.entries()) {
			const likelihood = this.#isActive
				? (this.#ofChance[index] as number)
				: (likelihoods[index] as number) * (1 - chance) ** this.#passed;
			sum += likelihood;
			share += likelihood * chance;
		}
		return share / sum;
	}

	/** A sending under this load was let through. `isSame`: nothing can have changed since what was learnt before. */
	passed(load: number, isSame = false): void {
		if (this.#isActive) this.#learn(load, false, isSame ? 0 : hazard);
		else this.#passed++;
	}

	/** A sending under this load was refused. `isSame` as in `passed`; `own`: how likely it was for itself, whatever the load. */
	refused(load: number, isSame = false, own = 0): void {
		if (!this.#isActive) {
			this.#isActive = true;
			for (let count = Math.min(this.#passed, 1 / hazard); count > 0; count--)
				this.#learn(load, false, hazard);
		}
		this.#learn(load, true, isSame ? 0 : hazard, own);
	}

	/** Nothing speaks for a limit below this load. */
	isFree(load: number): boolean {
		return !this.#isActive || this.below(load) < unlikely;
	}

	/** How likely there is a limit below this load. */
	below(load: number): number {
		let sum = 0;
		for (let cell = 0; cell < firstFrom(load) * chances.length; cell++) sum += this.#weights[cell] as number;
		return sum / this.#sum;
	}

	/** The limit, if there is one below this load: it is as likely below as above what this returns. */
	likely(load: number): number {
		const half = (this.below(load) * this.#sum) / 2;
		let sum = 0;
		for (let limit = 0; limit < limitCount; limit++) {
			for (let chance = 0; chance < chances.length; chance++)
				sum += this.#weights[limit * chances.length + chance] as number;
			if (sum >= half) return Math.min(load, limits[limit] as number);
		}
		return load;
	}

	/** Something else shows that there is a limit below this load. */
	assume(load: number): void {
		const first = firstFrom(load) * chances.length;
		const below = this.below(load);
		for (let cell = 0; cell < size; cell++) {
			const factor = cell < first ? mostCertain / below : (1 - mostCertain) / (1 - below);
			this.#weights[cell] = (this.#weights[cell] as number) * factor;
		}
		this.#add();
	}

	/**
	 * Something else shows that there is a limit below this load, and nothing is known of it: what was let through before had
	 * been saved up. Of chance it tells all the same.
	 */
	assumeUnknown(load: number): void {
		const first = firstFrom(load);
		const shares = likelihoods.map((likelihood, index) =>
			this.#isActive
				? (this.#ofChance[index] as number) / this.#sum
				: likelihood * (passings[index] as number) ** this.#passed,
		);
		for (let limit = 0, cell = 0; limit <= limitCount; limit++) {
			const isBelow = limit < first;
			const likelihood = isBelow ? mostCertain / first : (1 - mostCertain) / (limitCount + 1 - first);
			for (const share of shares) this.#weights[cell++] = likelihood * share;
		}
		this.#isActive = true;
		this.#add();
	}

	/** Of a limit nothing is known any more; of chance, what was. */
	doubt(): void {
		const shares = this.#ofChance.map((share) => share / this.#sum);
		for (let limit = 0, cell = 0; limit <= limitCount; limit++)
			for (const share of shares) this.#weights[cell++] = priorOf(limit) * share;
		this.#add();
	}

	/** What was known of another account, or another time, says nothing. */
	forget(): void {
		this.#weights.set(priors);
		this.#add();
		this.#passed = 0;
		this.#isActive = false;
	}

	#add(): void {
		this.#ofChance.fill(0);
		this.#sum = 0;
		for (let cell = 0; cell < size; ) {
			for (let chance = 0; chance < chances.length; chance++, cell++) {
				const weight = this.#weights[cell] as number;
				this.#sum += weight;
				this.#ofChance[chance] = (this.#ofChance[chance] as number) + weight;
			}
		}
	}

	/** One pass over all, for it is done with each sending: what is forgotten of the one before, and what this one shows. */
	#learn(load: number, isRefused: boolean, forgotten: number, own = 0): void {
		const weights = this.#weights;
		const ofChance = this.#ofChance;
		for (const [chance, likelihood] of likelihoods.entries())
			renewed[chance] =
				forgotten * ((1 - forgotten) * ((ofChance[chance] as number) / this.#sum) + forgotten * likelihood);
		ofChance.fill(0);
		const kept = (1 - forgotten) / this.#sum;
		let sum = 0;
		for (let limit = 0, cell = 0; limit <= limitCount; limit++) {
			const passing = Math.min(1, (limits[limit] as number) / load);
			const prior = priorOf(limit);
			for (let chance = 0; chance < chances.length; chance++, cell++) {
				const passes = (passings[chance] as number) * passing;
				const known = kept * (weights[cell] as number) + prior * (renewed[chance] as number);
				const weight = known * (isRefused ? own + (1 - own) * (1 - passes) : passes);
				weights[cell] = weight;
				ofChance[chance] = (ofChance[chance] as number) + weight;
				sum += weight;
			}
		}
		this.#sum = sum;
	}
}

/** How likely a limit is before anything is known; the last is none. */
function priorOf(limit: number): number {
	return limit === limitCount ? unlimited : (1 - unlimited) / limitCount;
}

/** The first of the limits told apart that is not below this load. */
function firstFrom(load: number): number {
	return Math.min(limitCount, Math.max(0, Math.ceil(Math.log(load / leastLimit) / Math.log(step) - 1e-9)));
}

function normalized(weights: readonly number[]): readonly number[] {
	const sum = weights.reduce((before, weight) => before + weight, 0);
	return weights.map((weight) => weight / sum);
}
