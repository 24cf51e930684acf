import type { StartupCache } from "../io.ts";

/** Beyond this V8's young generation saves a batch 5 % of its time and costs it 100 MB. */
const enoughBytes = 16 * 1024 * 1024;
const lookEveryMs = 20;
const lookEveryCalls = 1024;

/** Calls after which V8's best compiler takes a function on, by version of Node. */
const usualCalls: Readonly<Record<string, number>> = { "22": 3_000, "24": 10_000 };
const callsFlag = (calls: number) => `--invocation-count-for-turbofan=${calls}`;

/**
 * Sets V8 for runs that make much garbage, keep next to nothing, and are over in seconds or go on for hours. The old
 * generation may grow to twice what is alive before it is cleaned, and the young one not beyond 16 MB; what little
 * survives in that is copied by one thread, since waking others takes as long. What was called ten thousand
 * times is not worth its best compiler, which takes a fifth of the CPU of a run over 20,000 rows: the second best will do
 * for so long. Does nothing on a Node whose V8 is not known to have these flags.
 */
export class V8Tuning {
	readonly #timer: NodeJS.Timeout | undefined;
	#calls = 0;
	#isDone = !/^2[2-4]\./.test(process.versions.node);
	readonly #startupCache: StartupCache | undefined;

	constructor(startupCache: StartupCache | undefined) {
		this.#startupCache = startupCache;
		if (this.#isDone) return;
		this.#setFlag("--heap-growing-percent=100", "--heap-growing-percent=0");
		this.#setFlag("--no-parallel-scavenge", "--parallel-scavenge");
		const usual = usualCalls[process.versions.node.split(".")[0] as string];
		if (usual !== undefined) this.#setFlag(callsFlag(50_000), callsFlag(usual));
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
