import type { StartupCache } from "../io.ts";

/** Beyond this V8's young generation saves a batch 5 % of its time and costs it 100 MB. */
const enoughBytes = 16 * 1024 * 1024;
const lookEveryMs = 20;
const lookEveryCalls = 1024;

/**
 * Keeps V8 from taking memory without need: a run over a million rows makes much garbage and keeps next to nothing.
 * Its old generation may grow to twice what is alive before it is cleaned, and the young one not beyond 16 MB.
 * Does nothing on a Node whose V8 is not known to have these flags.
 */
export class HeapLimit {
	readonly #timer: NodeJS.Timeout | undefined;
	#calls = 0;
	#isDone = !/^2[2-4]\./.test(process.versions.node);

	readonly #startupCache: StartupCache | undefined;

	constructor(startupCache: StartupCache | undefined) {
		this.#startupCache = startupCache;
		if (this.#isDone) return;
		this.#setFlag("--heap-growing-percent=100", "--heap-growing-percent=0");
		this.#timer = setInterval(() => this.#look(), lookEveryMs);
		this.#timer.unref();
	}

	/** For work that leaves timers no time; costs nothing mostly. */
	tick(): void {
		this.#calls += 1;
		if (this.#calls % lookEveryCalls === 0) this.#look();
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	#look(): void {
		if (this.#isDone) return;
		const v8 = process.getBuiltinModule("node:v8");
		const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
		if ((space?.space_size ?? 0) < enoughBytes) return;
		this.#setFlag("--semi-space-growth-factor=1", "--semi-space-growth-factor=2");
		this.#isDone = true;
		this.stop();
	}

	#setFlag(flag: string, usual: string): void {
		if (this.#startupCache !== undefined) this.#startupCache.setFlag(flag, usual);
		else process.getBuiltinModule("node:v8").setFlagsFromString(flag);
	}
}
