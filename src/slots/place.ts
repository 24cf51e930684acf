/** One of the numbered places that all processes of a user share, held by this one. */
export interface Place {
	readonly number: number;
	/** Another process waits for it, as far as that can be known. */
	readonly wanted: boolean;
	/** Called when another process begins to wait for it. */
	onWanted: (() => void) | undefined;
	/** Leaves it to whoever has waited longest. */
	free(): Promise<void>;
}

/** Where places are taken; the kernel or the file system sees to it that a place has one holder. */
export interface Places {
	/** How long an unused place may be kept for the next request of this process. */
	readonly keepMs: number;
	/** Whether another process waits for any of them still, once one was left to it; false where it is told at once. */
	areWanted(): boolean;
	/** Takes a place, or gives undefined when another holds it. */
	take(number: number): Promise<Place | undefined>;
	/** Calls `onFreed` once the place may be free again; returns what ends the watch. */
	watch(number: number, onFreed: () => void): () => void;
}
