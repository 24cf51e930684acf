import { describe, expect, it } from "vitest";
import { RatePacer } from "../../src/limits/rate-pacer.ts";
import { Stall } from "../../src/limits/stall.ts";

/** Decides about a request that arrives at `now`: 0 lets it through, else it may come again after so many ms. */
type Server = (now: number) => number;

const minuteMs = 60_000;

/** By the full minute, of a clock that is 20 s ahead. */
function fullMinutes(count: number): Server {
	let minute = 0;
	let used = 0;
	return (now) => {
		const current = Math.floor((now + 20_000) / minuteMs);
		if (current !== minute) used = 0;
		minute = current;
		return used++ < count ? 0 : minuteMs - ((now + 20_000) % minuteMs);
	};
}

/** No more in any minute. */
function anyMinute(count: number): Server {
	const taken: number[] = [];
	return (now) => {
		while (taken[0] !== undefined && taken[0] <= now - minuteMs) taken.shift();
		if (taken.length < count) taken.push(now);
		else return (taken[0] as number) + minuteMs - now;
		return 0;
	};
}

/** Saves up `most`, and gets one back every `everyMs`. */
function bucket(everyMs: number, most: number): Server {
	let level = most;
	let at = 0;
	return (now) => {
		level = Math.min(most, level + (now - at) / everyMs);
		at = now;
		if (level < 1) return (1 - level) * everyMs;
		level--;
		return 0;
	};
}

/** A pacer under full load, with pauses as the controller makes them. Refusals take 60 ms; hints are exact or not there. */
function setUp(server: Server, { hints }: { readonly hints: boolean }) {
	const pacer = new RatePacer(0, false);
	const stall = new Stall();
	let now = 0;
	let blockedUntil = 0;
	let pausedAt: number | undefined;
	let verdicts: { readonly at: number; readonly sequence: number; readonly hintMs: number }[] = [];
	const counts = { passed: 0, refused: 0 };
	const refuse = (sequence: number, hintMs: number): void => {
		pacer.refused(sequence, now, stall.believed(hintMs));
		const isRun = pacer.learners.isRun(sequence, now);
		if (!(isRun && !stall.isOn) && !stall.isProbe(sequence)) return;
		pausedAt ??= now;
		blockedUntil = now + stall.deepen(hints ? hintMs : undefined, now);
		pacer.silence(blockedUntil, false);
	};
	const mayGo = (): boolean => {
		if (now < Math.max(blockedUntil, stall.waitUntil)) return false;
		if (stall.waitUntil > 0) stall.end(now);
		if (pausedAt !== undefined && !stall.isOn) {
			if (pacer.isPeriodic || blockedUntil - pausedAt > 1_500) pacer.resumed(now, stall.isTrusted);
			pausedAt = undefined;
		}
		return pacer.waitMs(now) === 0;
	};
	/** Returns what was let through and refused in that time. */
	const run = (seconds: number): { readonly passed: number; readonly refused: number } => {
		const before = { ...counts };
		for (const end = now + seconds * 1000; now < end; now += 10) {
			for (const { sequence, hintMs } of verdicts.filter(({ at }) => at <= now)) refuse(sequence, hintMs);
			verdicts = verdicts.filter(({ at }) => at > now);
			while (mayGo()) {
				const sequence = pacer.sent(now);
				stall.sent(sequence, now, pacer.estimate.refusalDelayMs);
				const hintMs = server(now);
				if (hintMs > 0) verdicts.push({ at: now + 60, sequence, hintMs });
				else pacer.succeeded(300);
				counts[hintMs > 0 ? "refused" : "passed"]++;
			}
		}
		return { passed: counts.passed - before.passed, refused: counts.refused - before.refused };
	};
	return { pacer, run };
}

describe("a limit that comes back all at once", () => {
	it.each([
		["by the full minute, as hints say", fullMinutes(40), true],
		["by the full minute, without hints", fullMinutes(40), false],
		["counted over the last minute, as hints say", anyMinute(40), true],
		["counted over the last minute, without hints", anyMinute(40), false],
	])("is used at once: %s", (_, server, hints) => {
		const { pacer, run } = setUp(server, { hints });
		run(130);
		expect(pacer.isPeriodic).toBe(true);
		const { passed, refused } = run(600);
		expect(passed).toBeGreaterThanOrEqual(390);
		expect(refused).toBeLessThanOrEqual(20);
	});

	it("is met a few seconds after it is back, and not spread over its time", () => {
		const { run } = setUp(anyMinute(40), { hints: true });
		run(60);
		expect(run(5).passed).toBe(40);
	});

	it("may become another one", () => {
		let now = 0;
		const [before, after] = [anyMinute(40), anyMinute(25)];
		const { run } = setUp(
			(at) => {
				now = at;
				return now < 200_000 ? before(at) : after(at);
			},
			{ hints: false },
		);
		run(500);
		const { passed, refused } = run(600);
		expect(passed).toBeGreaterThanOrEqual(240);
		expect(refused).toBeLessThanOrEqual(40);
	});
});

describe("a limit that comes back bit by bit", () => {
	it.each([true, false])("is not taken for one that comes back all at once (hints: %s)", (hints) => {
		const { pacer, run } = setUp(bucket(6_000, 10), { hints });
		run(120);
		expect(pacer.isPeriodic).toBe(false);
		const { passed, refused } = run(600);
		expect(passed).toBeGreaterThanOrEqual(88);
		expect(refused).toBeLessThanOrEqual(12);
	});
});
