import { AbortedError } from "../errors.ts";

/** Time as traffic sees it; tests and rehearsals inject a virtual one. All figures are monotonic ms. */
export interface Clock {
	now(): number;
	/** Resolves after `ms`; rejects with AbortedError as soon as `signal` fires. */
	sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
	now: () => performance.now(),
	sleep: (ms, signal) =>
		new Promise((resolve, reject) => {
			if (signal?.aborted) {
				reject(new AbortedError(undefined, { cause: signal.reason }));
				return;
			}
			const onAbort = () => {
				clearTimeout(timer);
				reject(new AbortedError(undefined, { cause: signal?.reason }));
			};
			const timer = setTimeout(() => {
				signal?.removeEventListener("abort", onAbort);
				resolve();
			}, ms);
			signal?.addEventListener("abort", onAbort, { once: true });
		}),
};
