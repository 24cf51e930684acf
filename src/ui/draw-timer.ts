/** The screen is drawn at most this often while an answer streams, in ms. */
const frameInterval = 33;
/** While the terminal is behind it is looked at this often, in ms. */
const retryInterval = 4;

/** Says when an answer that streams is drawn: a while after text came, and once the terminal has taken the last frame. */
export class DrawTimer {
	readonly #draw: () => void;
	readonly #isBehind: () => boolean;
	#timer: NodeJS.Timeout | undefined;

	/** `isBehind` tells whether what was drawn is still on its way: the next frame would only wait behind it. */
	constructor(draw: () => void, isBehind: () => boolean) {
		this.#draw = draw;
		this.#isBehind = isBehind;
	}

	/** Draws soon, unless that is to be done already. */
	schedule(after = frameInterval): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			if (this.#isBehind()) this.schedule(retryInterval);
			else this.#draw();
		}, after);
	}

	cancel(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
	}

	/** Lets keys be handled, and the terminal take what was drawn. */
	async giveWay(): Promise<void> {
		do await new Promise((resolve) => setTimeout(resolve, 0));
		while (this.#isBehind());
	}
}
