import type { ReleaseSlot } from "./slots.ts";

/** Gets the slots that a run needs, one ahead of each sending, and gives back one that turns out not to be needed. */
export class SlotSupply {
	readonly #acquire: () => Promise<ReleaseSlot>;
	readonly #onSlot: () => void;
	readonly #onError: (error: unknown) => void;
	#slot: ReleaseSlot | undefined;
	#acquiring = false;

	/** `onSlot` is called when `request` would say yes; a slot that is not taken in it is given back. */
	constructor(acquire: () => Promise<ReleaseSlot>, onSlot: () => void, onError: (error: unknown) => void) {
		this.#acquire = acquire;
		this.#onSlot = onSlot;
		this.#onError = onError;
	}

	/** True when a slot is at hand; else one is on its way. */
	request(): boolean {
		if (this.#slot !== undefined) return true;
		if (!this.#acquiring) {
			this.#acquiring = true;
			this.#acquire().then(
				(release) => {
					this.#acquiring = false;
					this.#slot = release;
					this.#onSlot();
					this.take()?.();
				},
				(error) => {
					this.#acquiring = false;
					this.#onError(error);
				},
			);
		}
		return false;
	}

	/** The slot at hand, for one sending. */
	take(): ReleaseSlot | undefined {
		const slot = this.#slot;
		this.#slot = undefined;
		return slot;
	}
}
