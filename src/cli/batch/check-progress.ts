import { formatCount } from "../../terminal/formats.ts";
import type { Io } from "../io.ts";

/** Rows between two looks at the clock. */
const stride = 1024;
const redrawEveryMs = 200;
const lineEveryMs = 10_000;

/** Shows how far rows have been gone through before anything is sent, once that takes its time. */
export class CheckProgress {
	readonly #io: Io;
	readonly #now: () => number;
	readonly #isLive: boolean;
	#what = "";
	#rows = 0;
	#next: number;
	#isDrawn = false;

	/** `now` gives monotonic ms. Nothing is shown with `quiet`. */
	constructor(io: Io, now: () => number, quiet: boolean) {
		this.#io = io;
		this.#now = now;
		this.#isLive = io.stderr.isTTY && io.env.TERM !== "dumb";
		this.#next = quiet ? Number.POSITIVE_INFINITY : now() + this.#interval;
	}

	/** Begins to count again, for another way through the rows. */
	begin(what: string): void {
		this.#what = what;
		this.#rows = 0;
	}

	tick(): void {
		this.#rows += 1;
		if (this.#rows % stride !== 0) return;
		const now = this.#now();
		if (now < this.#next) return;
		this.#next = now + this.#interval;
		const text = `${this.#what}: ${formatCount(this.#rows)} rows`;
		if (this.#isLive) this.#io.stderr.write(`\r${text}\x1b[K`);
		else this.#io.stderr.write(`llmx: ${text}\n`);
		this.#isDrawn = true;
	}

	/** Takes the line away. */
	end(): void {
		if (this.#isLive && this.#isDrawn) this.#io.stderr.write("\r\x1b[K");
		this.#isDrawn = false;
	}

	get #interval(): number {
		return this.#isLive ? redrawEveryMs : lineEveryMs;
	}
}
