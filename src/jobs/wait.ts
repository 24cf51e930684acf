import { AbortedError, RequestError } from "../errors.ts";
import { isFinal, type JobStatus } from "./contract.ts";

export interface WaitOptions {
	readonly look: () => Promise<JobStatus>;
	/** Usual ms between two looks. */
	readonly pollMs: number;
	/** Ms since 1970 when the job was submitted: an old job is looked at less often. */
	readonly submittedAt: number;
	readonly now: () => number;
	readonly sleep: (ms: number) => Promise<void>;
	/** 0 <= x < 1. */
	readonly random: () => number;
	/** Called with every status, and with every look that failed and is tried again. */
	readonly onStatus: (status: JobStatus | undefined, nextInMs: number, trouble: Error | undefined) => void;
}

/** Looks in a row that may find nothing of a job that is known to exist, before it counts as gone. */
const missesAllowed = 10;
const hourMs = 3_600_000;

/**
 * Looks at a job until it has ended. A look that fails in the network, or finds nothing, is repeated: lists and
 * servers lag, networks change, laptops sleep.
 * @throws RequestError when the key is refused, or the job is not there time and again; AbortedError
 */
export async function waitForEnd(options: WaitOptions): Promise<JobStatus> {
	const { look, now, sleep, onStatus, submittedAt } = options;
	let misses = 0;
	for (;;) {
		const waitMs = nextLook(options, now() - submittedAt);
		try {
			const status = await look();
			misses = 0;
			onStatus(status, isFinal(status.state) ? 0 : waitMs, undefined);
			if (isFinal(status.state)) return status;
		} catch (error) {
			if (error instanceof AbortedError || !(error instanceof RequestError)) throw error;
			misses = error.errorClass === "not_found" ? misses + 1 : misses;
			const isOver = ["auth", "forbidden"].includes(error.errorClass) || misses > missesAllowed;
			if (isOver) throw error;
			onStatus(undefined, waitMs, error);
		}
		await sleep(waitMs);
	}
}

/** A young job is looked at soon, an old one more and more rarely: most end within minutes, the others within hours. */
export function nextLook({ pollMs, random }: Pick<WaitOptions, "pollMs" | "random">, ageMs: number): number {
	const young = Math.max(pollMs / 12, ageMs / 4);
	const old = ageMs > hourMs ? pollMs * Math.min(5, ageMs / hourMs) : pollMs;
	return Math.min(young, old) * (0.9 + 0.2 * random());
}
