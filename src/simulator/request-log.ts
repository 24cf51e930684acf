import type { LoggedRequest } from "./options.ts";
import type { SimulatedRequest } from "./request.ts";

/** The last requests, and what became of them. */
export class RequestLog {
	readonly #size: number;
	readonly #now: () => number;
	#entries: LoggedRequest[] = [];

	/** Keeps `size` requests; `now` is in epoch ms. */
	constructor(size: number, now: () => number) {
		this.#size = size;
		this.#now = now;
	}

	/** Oldest first. */
	get requests(): readonly LoggedRequest[] {
		return this.#entries.length > this.#size ? this.#entries.slice(-this.#size) : this.#entries;
	}

	note(request: SimulatedRequest, outcome: string): void {
		if (this.#size === 0) return;
		const { wire, path, model, key, stream, prompt, headers, body } = request;
		this.#entries.push({ wire, path, model, key, stream, prompt, headers, body, at: this.#now(), outcome });
		// Cut now and then, so that a long run pays for it once per `size` requests.
		if (this.#entries.length >= this.#size * 2) this.#entries = this.#entries.slice(-this.#size);
	}
}
