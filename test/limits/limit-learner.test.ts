import { describe, expect, it } from "vitest";
import { LimitLearners } from "../../src/limits/limit-learner.ts";
import { RateEstimate } from "../../src/limits/rate-estimate.ts";
import { seededRandom } from "../batch/helpers/random.ts";

/** 100 requests a second, 1,000 in all; from the 300th on one in so many had been refused before. */
function limitBelow100(refuses: (isAgain: boolean, random: () => number) => boolean, every = 2): number {
	const random = seededRandom(3);
	const estimate = new RateEstimate();
	const learners = new LimitLearners(estimate);
	for (let sending = 0; sending < 1_000; sending++) {
		const now = sending * 10;
		const isAgain = sending >= 300 && sending % every === 0;
		const endless = Number.POSITIVE_INFINITY;
		const sequence = estimate.sent(now, 0, endless, endless, isAgain ? 0 : undefined);
		if (refuses(isAgain, random)) {
			estimate.noteRefused(sequence, now + 1);
			estimate.noteUnexplained(sequence);
		}
		learners.learn(now, () => {});
	}
	return learners.ofLimit.odds.below(90);
}

describe("what is refused more and more", () => {
	it("is for the rows, if it is what had been refused before, and as much of the rest as ever", () => {
		expect(limitBelow100((isAgain, random) => isAgain || random() < 0.2)).toBeLessThan(0.3);
	});

	it("is for a limit, if nothing is sent for the first time any more", () => {
		let sent = 0;
		expect(limitBelow100((_, random) => random() < (++sent < 300 ? 0.2 : 0.6), 1)).toBeGreaterThan(0.7);
	});

	it("is for a limit, if it makes no difference whether it had been refused before", () => {
		let sent = 0;
		expect(limitBelow100((_, random) => random() < (++sent < 300 ? 0.2 : 0.6))).toBeGreaterThan(0.7);
	});
});

/** Ten requests a second, refused as `refused` says: `own` says which had been refused before, and how likely for themselves. */
function sendings(
	refused: (sending: number) => boolean,
	own: (sending: number) => number | undefined,
	count: number,
) {
	const estimate = new RateEstimate();
	const { ofLimit } = new LimitLearners(estimate);
	for (let sending = 0; sending < count; sending++) {
		const sequence = estimate.sent(100 * sending, 0, 10, 10, own(sending));
		if (!refused(sending)) continue;
		estimate.noteRefused(sequence, 100 * sending + 1);
		estimate.noteUnexplained(sequence);
	}
	return { estimate, ofLimit, now: 100 * count };
}

describe("refusals in a row", () => {
	const isLast = (sending: number) => sending >= 40;

	it("are no chance, but for rows that are likely refused for themselves", () => {
		const isRun = (own?: number) => {
			const { estimate, ofLimit, now } = sendings(
				isLast,
				(sending) => (isLast(sending) ? own : undefined),
				50,
			);
			ofLimit.learn(now - 600, () => {});
			return ofLimit.isRun(estimate.runOf(49), now);
		};
		expect([isRun(), isRun(0.1), isRun(0.99)]).toEqual([true, true, false]);
	});

	it("show a limit, until it is seen that so many of them come by chance", () => {
		const random = seededRandom(5);
		const learn = (share: number) => {
			const { estimate, ofLimit } = sendings(
				(sending) => sending < 3,
				() => undefined,
				3,
			);
			ofLimit.meet(estimate.runOf(2), 10, 300);
			const before = ofLimit.odds.below(10);
			let doubted = false;
			for (let sending = 3; sending < 300; sending++) {
				const load = 10 / 2 ** (sending % 4);
				const sequence = estimate.sent(100 * sending, 0, load, load);
				if (random() < share) {
					estimate.noteRefused(sequence, 100 * sending + 1);
					estimate.noteUnexplained(sequence);
				}
				ofLimit.learn(100 * sending, () => {});
				doubted ||= ofLimit.doubt();
			}
			return { isMet: before > 0.9, doubted };
		};
		expect(learn(0.25)).toEqual({ isMet: true, doubted: true });
		expect(learn(0)).toEqual({ isMet: true, doubted: false });
	});
});
