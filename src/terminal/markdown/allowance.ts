/** What may be spent at once, in pieces: a long answer of ordinary text never comes near it. */
const most = 2_000;

/**
 * How much of a text may be taken apart: some at once, and a share of every character. Text that consists of marks
 * alone would otherwise take many times as long as prose; where nothing is left it is shown as it was written. What is
 * earned and spent depends on the text alone, so that it looks the same however it came.
 */
export class Allowance {
	readonly #share: number;
	#left = most;

	/** `share` is how many pieces each character may have. */
	constructor(share: number) {
		this.#share = share;
	}

	get isSpent(): boolean {
		return this.#left <= 0;
	}

	earn(characters: number): void {
		this.#left = Math.min(most, this.#left + characters * this.#share);
	}

	spend(pieces: number): void {
		this.#left -= pieces;
	}
}
