/** So many answers in a row with the word that nothing is left are looked into; after each trial that bore the word out, more. */
const firstPatience = 4;
const morePatience = 3;
/** So many are sent at once against the word. */
const atOnce = 3;
/** So many more answered than refused refute the word; so many more refused bear it out. */
const refuted = 3;
const borneOut = -2;

/**
 * Finds out whether an account that is said to be empty with each answer is. What headers say may be true, of an account
 * that saves up nothing; or a figure that is always 0. Obeyed, that one looks as if others took whatever we do not, and less
 * and less would be sent. A few requests that by the word cannot be answered tell: random refusals of others say nothing.
 */
export class EmptyTrial {
	#zeros = 0;
	#patience = firstPatience;
	/** So many may still be sent against the word. */
	#left = 0;
	#odds = 0;
	#isRefuted = false;

	/** What is said means nothing, until something else is said. */
	get isRefuted(): boolean {
		return this.#isRefuted;
	}

	/** One may be sent against the word. */
	get isOn(): boolean {
		return this.#left > 0 && !this.#isRefuted;
	}

	/** One was sent that by the word cannot be answered. */
	sent(): void {
		this.#left--;
	}

	/** A request was answered. `isAgainst`: by the word it could not be. */
	answered(isEmpty: boolean, isAgainst: boolean): void {
		if (!isEmpty) {
			this.#zeros = 0;
			this.#left = 0;
			this.#odds = 0;
			this.#isRefuted = false;
			return;
		}
		if (isAgainst) this.#weigh(1);
		if (++this.#zeros >= this.#patience) {
			this.#zeros = 0;
			this.#left = atOnce;
		}
	}

	/** What was sent against the word was refused. */
	refused(): void {
		this.#weigh(-1);
	}

	#weigh(by: number): void {
		this.#odds += by;
		this.#left++;
		if (this.#odds >= refuted) this.#isRefuted = true;
		if (this.#odds <= borneOut) {
			this.#left = 0;
			this.#odds = 0;
			this.#patience *= morePatience;
		}
	}
}
