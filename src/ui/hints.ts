import type { ScreenStore } from "./state.ts";

/** How long a word to the user stands in the status line, in ms. */
const hintTime = 3000;
/** What takes longer than this, in ms, is said to be under way. */
const patience = 100;
const stopping = "stopping …";

/** Short-lived words to the user, in the place of the status. */
export class Hints {
	readonly #store: ScreenStore;
	#timer: NodeJS.Timeout | undefined;

	constructor(store: ScreenStore) {
		this.#store = store;
	}

	say(hint: string): void {
		clearTimeout(this.#timer);
		this.#store.update({ hint });
		this.#timer = setTimeout(() => this.clear(), hintTime);
	}

	/** An answer is being stopped. What came of it is still shown, which may take a while: then that is said. */
	sayStopping(isStopping: () => boolean): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => isStopping() && this.say(stopping), patience);
	}

	/** The answer has been stopped. */
	endStopping(): void {
		if (this.#store.snapshot().hint === stopping) this.clear();
	}

	clear(): void {
		if (this.#store.snapshot().hint !== undefined) this.#store.update({ hint: undefined });
	}

	/** The screen is about to go. */
	end(): void {
		clearTimeout(this.#timer);
	}
}
