import { expect, it } from "vitest";
import { RatePacer } from "../../src/limits/rate-pacer.ts";

/** A pacer under full load against a server that decides about each request at once; refusals take 50 ms. */
function setUp(admits: (now: number) => boolean, chance = () => false) {
	const pacer = new RatePacer(0, false);
	let now = 0;
	const counts = { sent: 0, refused: 0 };
	const verdicts: { readonly at: number; readonly sequence: number; readonly hintMs: number }[] = [];
	const run = (durationMs: number): { readonly sent: number; readonly refused: number } => {
		const before = { ...counts };
		for (const end = now + durationMs; now < end; now += 5) {
			while (verdicts[0] !== undefined && verdicts[0].at <= now) {
				const { sequence, hintMs } = verdicts.shift() as (typeof verdicts)[number];
				if (hintMs > 0) pacer.estimate.noteHinted(sequence);
				pacer.refused(sequence, now, hintMs);
			}
			for (let burst = 0; burst < 5 && pacer.waitMs(now) === 0; burst++) {
				const sequence = pacer.sent(now);
				counts.sent++;
				const isByChance = chance();
				if (!isByChance && admits(now)) {
					pacer.succeeded(300);
				} else {
					counts.refused++;
					verdicts.push({ at: now + 50, sequence, hintMs: isByChance ? 50 : 0 });
				}
			}
		}
		return { sent: counts.sent - before.sent, refused: counts.refused - before.refused };
	};
	return { pacer, run };
}

/** A bucket of `perSecond` that holds one second's worth, or what is given. */
function bucket(perSecond: number, capacity = perSecond): (now: number) => boolean {
	let level = capacity;
	let at = 0;
	return (now) => {
		level = Math.min(capacity, level + ((now - at) * perSecond) / 1000);
		at = now;
		if (level < 1) return false;
		level--;
		return true;
	};
}

it("finds a limit, and keeps it with hardly a refusal", () => {
	const { pacer, run } = setUp(bucket(40));
	run(20_000);
	const { sent, refused } = run(60_000);
	expect((sent - refused) / 60).toBeGreaterThan(38);
	expect(refused).toBeLessThan(0.02 * sent);
	expect(pacer.limit).toBeGreaterThan(36);
	expect(pacer.limit).toBeLessThan(44);
});

it("is done in few refusals with a limit far below what had been saved up", () => {
	const { pacer, run } = setUp(bucket(4, 40));
	expect(run(15_000).refused).toBeLessThan(100);
	expect(pacer.limit).toBeGreaterThan(3.5);
	expect(pacer.limit).toBeLessThan(5);
});

it.each([
	0.005, 0.01, 0.05, 0.2,
])("does not slow down for %d of refusals that come whatever the rate", (share) => {
	let drawn = 1;
	const chance = () => {
		drawn = (drawn * 16_807) % 2_147_483_647;
		return drawn / 2_147_483_647;
	};
	const { run } = setUp(() => chance() >= share);
	run(20_000);
	expect(run(4_000).sent).toBeGreaterThan(3_800);
});

it("keeps a limit that is refused for without a hint, whatever is refused with one", () => {
	let drawn = 1;
	const chance = () => {
		drawn = (drawn * 16_807) % 2_147_483_647;
		return drawn / 2_147_483_647 < 0.02;
	};
	const { run } = setUp(bucket(40, 1), chance);
	run(20_000);
	const { sent, refused } = run(60_000);
	expect((sent - refused) / 60).toBeGreaterThan(33);
	expect(refused).toBeLessThan(0.05 * sent);
});

it("draws no conclusion about a new limit from what an old one let through", () => {
	const pacer = new RatePacer(0, false);
	pacer.open(40);
	pacer.refused(pacer.sent(0), 100, 0);
	let now = 1_000;
	for (; now < 100_000; now += 50) pacer.sent(now);
	// Headers say that three times as much is allowed; for two seconds that is used, and then one is refused.
	pacer.release(100);
	for (; now < 102_000; now += 10) pacer.sent(now);
	pacer.refused(pacer.sent(now), now + 100, 0);
	expect(pacer.bound).toBeGreaterThan(60);
});

it("finds the way back to any rate when it was not the number in flight", () => {
	const { pacer, run } = setUp(() => true);
	run(1_000);
	expect(pacer.bound).toBeUndefined();
	pacer.suspend(20, 1_000);
	run(1_000);
	expect(pacer.bound).toBe(20);
	pacer.recall(2_000);
	run(30_000);
	expect(pacer.bound ?? Number.POSITIVE_INFINITY).toBeGreaterThan(500);
});

it.each([
	["holds nothing up when what was sent later is answered already", 260, true],
	["is looked into before more is sent when all that is answered was sent before or with it", 230, false],
])("the first refusal %s", (_, answeredAt, isFree) => {
	const pacer = new RatePacer(0, false);
	pacer.open(100_000);
	for (let now = 0; now < 300; now++) pacer.sent(now);
	pacer.estimate.noteAnswered(answeredAt);
	pacer.refused(210, 310, 0);
	expect(pacer.waitMs(310) === 0).toBe(isFree);
});
