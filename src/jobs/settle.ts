import { AbortedError } from "../errors.ts";
import type { JobCandidate } from "./contract.ts";

export interface SettleOptions {
	/** The list is believed to be complete after so many more ms. */
	readonly listedAfterMs: number;
	readonly sleep: (ms: number) => Promise<void>;
	/** Jobs that may be the one, without those that are known to be others. */
	readonly find: () => Promise<readonly JobCandidate[]>;
}

/** What is known of a job whose creation was not answered. */
export type SettleVerdict =
	| { readonly kind: "found"; readonly rawId: string; readonly sure: boolean }
	/** The list is complete, and it is not in it. */
	| { readonly kind: "none" }
	| { readonly kind: "several"; readonly count: number }
	/** Only the times of jobs speak against them, and clocks are wrong at times. */
	| { readonly kind: "elsewhen"; readonly count: number }
	| { readonly kind: "unreachable"; readonly reason: string };

/** Shares of the time after which a list is believed, at which it is asked for. */
const looks = [0, 0.1, 0.4, 1];

/**
 * Looks for a job in the provider's list until it is there, or the list can be believed not to have it: lists lag
 * behind what was created. A job that carries our tag or file is the one; one that only fits must be the only one.
 */
export async function settle({ listedAfterMs, sleep, find }: SettleOptions): Promise<SettleVerdict> {
	let verdict: SettleVerdict = { kind: "none" };
	let waited = 0;
	for (const share of listedAfterMs === 0 ? [0] : looks) {
		await sleep(share * listedAfterMs - waited);
		waited = share * listedAfterMs;
		let candidates: readonly JobCandidate[];
		try {
			candidates = await find();
		} catch (error) {
			if (error instanceof AbortedError) throw error;
			verdict = { kind: "unreachable", reason: error instanceof Error ? error.message : String(error) };
			continue;
		}
		const sure = candidates.find((candidate) => candidate.sure);
		if (sure !== undefined) return { kind: "found", rawId: sure.rawId, sure: true };
		const [only, ...others] = candidates.filter(({ isNear }) => isNear);
		// One that only fits may still be joined by another that fits better, until the list is complete.
		if (only === undefined)
			verdict = candidates.length === 0 ? { kind: "none" } : { kind: "elsewhen", count: candidates.length };
		else if (others.length > 0) verdict = { kind: "several", count: others.length + 1 };
		else verdict = { kind: "found", rawId: only.rawId, sure: false };
	}
	return verdict;
}
