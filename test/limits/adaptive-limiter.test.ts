import { describe, expect, it } from "vitest";
import { AdaptiveLimiter, type AdaptiveLimiterOptions } from "../../src/limits/adaptive-limiter.ts";
import { Ceiling } from "../../src/limits/ceiling.ts";
import { type AnsweredRequest, GrowingWindow } from "../../src/limits/growing-window.ts";
import type { SentRequest, TokenCost } from "../../src/limits/limiter.ts";
import type { RateSnapshot } from "../../src/limits/rate-headers.ts";

const cost: TokenCost = { inputTokens: 100 };

/** A limiter on a clock that is set by hand. */
function setUp(options: Partial<AdaptiveLimiterOptions> = {}) {
	const time = { now: 0 };
	const limiter = new AdaptiveLimiter({ now: () => time.now, ...options });
	/** Sends all that may be sent now. */
	const sendAll = (of: TokenCost = cost): SentRequest[] => {
		const sendings: SentRequest[] = [];
		while (limiter.waitMs(of) === 0 && sendings.length < 10_000) sendings.push(limiter.sent(of));
		return sendings;
	};
	/** Lets time pass in steps of `stepMs`, sends what may be sent and answers everything after `latencyMs`. */
	const run = (durationMs: number, latencyMs: number, snapshot?: () => RateSnapshot, stepMs = 10): number => {
		const end = time.now + durationMs;
		const inFlight: SentRequest[] = [];
		let sent = 0;
		for (; time.now < end; time.now += stepMs) {
			while (inFlight[0] !== undefined && inFlight[0].sentAt + latencyMs <= time.now) {
				limiter.succeeded(inFlight.shift() as SentRequest, { snapshot: snapshot?.() });
			}
			const sendings = sendAll();
			inFlight.push(...sendings);
			sent += sendings.length;
		}
		for (const sending of inFlight) limiter.succeeded(sending, {});
		return sent;
	};
	/** Sends what may be sent for a while; every request is answered at once, with no word about limits. */
	const pour = (durationMs: number): number => {
		const end = time.now + durationMs;
		let sent = 0;
		for (; time.now < end; time.now += 10) {
			for (const sending of sendAll()) {
				limiter.succeeded(sending, {});
				sent++;
			}
		}
		return sent;
	};
	return { time, limiter, sendAll, run, pour };
}

function requests(limit: number, remaining: number, resetMs?: number): RateSnapshot {
	return { requests: { limit, remaining, resetMs, windowMs: 60_000 } };
}

describe("the controller", () => {
	it("starts with a few requests and sends no flood before the first answer", () => {
		const { limiter, sendAll, time } = setUp();
		// It is looked at long before the first prompt has been read and checked.
		limiter.state();
		time.now = 2_000;
		expect(sendAll()).toHaveLength(5);
		let sent = 0;
		for (; time.now < 60_000; time.now += 10) sent += sendAll().length;
		expect(sent).toBeLessThanOrEqual(64);
	});

	it("starts with as many as the user has chosen", () => {
		const { sendAll, limiter } = setUp({ concurrency: 100, eager: true });
		expect(sendAll()).toHaveLength(100);
		expect(limiter.waitMs(cost)).toBe(Number.POSITIVE_INFINITY);
	});

	it("sends what headers say is left, and then as much as comes back", () => {
		const { limiter, time, sendAll, pour } = setUp();
		const [first, ...others] = sendAll();
		time.now = 500;
		// 40 are left after the first; seven of them are on their way.
		limiter.succeeded(first as SentRequest, { snapshot: requests(600, 40) });
		for (const sending of others) limiter.succeeded(sending, {});
		const sent = pour(10_000);
		// 33 of them, and ten a second.
		expect(sent).toBeGreaterThan(125);
		expect(sent).toBeLessThan(145);
		limiter.waitMs(cost);
		expect(limiter.state().reason).toBe("held by the request limit");
	});

	it.each([
		["keeps to a limit that it has found when headers come late and say ten times as much", 6_000, false],
		["keeps to headers that come late and agree with the limit that it has found", 660, true],
	])("%s", (_, stated, isFollowed) => {
		const { time, limiter, sendAll, run } = setUp();
		// A bucket of ten a second, which saves up nothing.
		let level = 1;
		for (; time.now < 30_000; time.now += 10) {
			level = Math.min(1, level + 0.1);
			for (const sending of sendAll()) {
				if (level >= 1) limiter.succeeded(sending, {});
				else limiter.refused(sending, {});
				level = Math.max(0, level - 1);
			}
		}
		const found = limiter.state().requestsPerMinute ?? 0;
		expect(found).toBeGreaterThan(400);
		expect(found).toBeLessThan(800);
		const sent = run(2_000, 50, () => requests(stated, stated - 10, 50));
		if (isFollowed) expect(sent).toBeGreaterThan(100);
		else expect(sent).toBeLessThan(40);
	});

	it("makes room for others who use the same account", () => {
		const { time, limiter, sendAll } = setUp();
		let remaining = 300;
		let sent = 0;
		let counted = 0;
		// 600 a minute come back; others take six a second, whoever they are.
		for (; time.now < 120_000; time.now += 100) {
			remaining = Math.min(600, remaining + 1 - 0.6);
			for (const sending of sendAll()) {
				remaining--;
				sent++;
				limiter.succeeded(sending, { snapshot: requests(600, Math.floor(remaining)) });
			}
			if (time.now === 60_000) counted = sent;
		}
		expect(remaining).toBeGreaterThan(0);
		expect(sent - counted).toBeGreaterThan(4 * 60 * 0.93);
		expect(sent - counted).toBeLessThan(4 * 60 * 1.05);
	});

	it("waits for the end of a window that comes back all at once", () => {
		const { time, limiter, sendAll } = setUp({ concurrency: 50, eager: true });
		const sentBySecond: number[] = [];
		let used = 0;
		let refused = 0;
		for (; time.now < 180_000; time.now += 50) {
			if (time.now % 60_000 === 0) used = 0;
			for (const sending of sendAll()) {
				if (used === 300) {
					refused++;
					const empty = requests(300, 0, 60_000 - (time.now % 60_000));
					limiter.refused(sending, { snapshot: empty });
					continue;
				}
				used++;
				const second = Math.floor(time.now / 1000);
				sentBySecond[second] = (sentBySecond[second] ?? 0) + 1;
				const snapshot = requests(300, 300 - used, 60_000 - (time.now % 60_000));
				limiter.succeeded(sending, { snapshot });
			}
		}
		const inWindow = (from: number) =>
			sentBySecond.slice(from, from + 60).reduce((sum, n) => sum + (n ?? 0), 0);
		expect(inWindow(60)).toBeGreaterThan(290);
		expect(inWindow(120)).toBeGreaterThan(290);
		// Nothing of a window is kept back, so its end may be met: once in each.
		expect(refused).toBeLessThanOrEqual(3);
	});

	it("knows of no limit before something is refused for it", () => {
		const { limiter, run } = setUp();
		run(5_000, 200);
		expect(limiter.state().requestsPerMinute).toBeNull();
	});

	it("lets a hint hold all requests from the second refusal in a row on, when it is found to be true", () => {
		const { time, limiter, run, sendAll } = setUp();
		run(5_000, 100);
		const refuse = (hintMs: number) => {
			const [sending, ...others] = sendAll();
			time.now += 50;
			limiter.refused(sending as SentRequest, { hintMs });
			for (const other of others) limiter.succeeded(other, {});
		};
		refuse(30_000);
		expect(limiter.waitMs(cost)).toBeLessThan(1_000);
		const [first, second, third, ...rest] = run(1_000, 100) > 0 ? sendAll() : [];
		for (const sending of rest) limiter.succeeded(sending, {});
		for (const sending of [first, second, third]) limiter.refused(sending as SentRequest, { hintMs: 30_000 });
		// It is tried out once, and then believed.
		expect(limiter.state().pausedMs).toBe(1_000);
		time.now += 1_000;
		const [probe] = sendAll();
		time.now += 50;
		limiter.refused(probe as SentRequest, { hintMs: 28_950 });
		expect(limiter.waitMs(cost)).toBeGreaterThan(28_000);
		expect(limiter.state().pausedMs).toBeGreaterThan(28_000);
		limiter.waitMs(cost);
		expect(limiter.state().reason).toBe("waiting as long as the server asked");
	});

	it("tries single requests while nothing is let through, and goes on when one is", () => {
		const { time, limiter, sendAll } = setUp();
		let tried = 0;
		for (; time.now < 60_000; time.now += 10) {
			for (const sending of sendAll()) {
				tried++;
				limiter.refused(sending, {});
			}
		}
		expect(tried).toBeLessThan(40);
		let answered = 0;
		for (; time.now < 90_000; time.now += 10) {
			for (const sending of sendAll()) {
				answered++;
				limiter.succeeded(sending, {});
			}
		}
		expect(answered).toBeGreaterThan(300);
	});

	it("goes on nearly as before when one of a few requests meets an overload", () => {
		const { limiter, time } = setUp({ concurrency: 100, eager: true });
		limiter.overloaded(limiter.sent(cost));
		time.now += 1_000;
		expect(limiter.state().window).toBeGreaterThanOrEqual(85);
	});

	it("has fewer in flight when the server is overloaded, once for what was sent before", () => {
		const { time, limiter, sendAll } = setUp({ concurrency: 100, eager: true });
		const sendings = sendAll();
		time.now = 1_000;
		for (const sending of sendings.slice(0, 50)) limiter.overloaded(sending);
		expect(limiter.state().window).toBeGreaterThanOrEqual(84);
		expect(limiter.state().window).toBeLessThanOrEqual(85);
		for (const sending of sendings.slice(50)) limiter.succeeded(sending, {});
		expect(sendAll().length).toBeGreaterThanOrEqual(84);
		expect(limiter.state().reason).toBe("held back because the server is overloaded");
		time.now += 20_000;
		expect(limiter.state().window).toBe(100);
	});

	it("learns what the provider counts as tokens", () => {
		const { time, limiter, sendAll, run, pour } = setUp();
		run(2_000, 100);
		time.now += 1_000;
		const sendings = sendAll();
		time.now += 100;
		for (const sending of sendings) {
			limiter.succeeded(sending, {
				inputTokens: 150,
				outputTokens: 850,
				snapshot: { tokens: { limit: 60_000, remaining: 10_000, resetMs: undefined, windowMs: 60_000 } },
			});
		}
		const sent = pour(40_000);
		// 10,000 are left and 40,000 come back: at 1,000 each.
		expect(sent).toBeGreaterThanOrEqual(38);
		expect(sent).toBeLessThanOrEqual(52);
		limiter.waitMs(cost);
		expect(limiter.state().reason).toBe("held by the token limit");
	});

	it.each([
		[true, 3, 5],
		[false, 15, 43],
	])("counts the bound of an answer where the provider charges that: %s", (chargesMaxTokens, least, most) => {
		const { time, limiter, sendAll } = setUp({ chargesMaxTokens, concurrency: 100, eager: true });
		const bounded: TokenCost = { inputTokens: 100, maxOutputTokens: 2_900 };
		const first = limiter.sent(bounded);
		time.now += 100;
		limiter.succeeded(first, {
			inputTokens: 100,
			outputTokens: 200,
			snapshot: { tokens: { limit: 10_000, remaining: 9_700, resetMs: undefined, windowMs: 60_000 } },
		});
		let sent = 0;
		for (; time.now < 20_000; time.now += 10) {
			for (const sending of sendAll(bounded)) {
				limiter.succeeded(sending, {});
				sent++;
			}
		}
		// 9,700 are left and 3,300 come back.
		expect(sent).toBeGreaterThanOrEqual(least);
		expect(sent).toBeLessThanOrEqual(most);
	});

	it("keeps to the user's ceilings, over all keys that share them", () => {
		const time = { now: 0 };
		const now = () => time.now;
		const requestCeiling = new Ceiling(600, 0);
		const limiters = [1, 2].map(
			() => new AdaptiveLimiter({ now, requestCeiling, concurrency: 512, eager: true }),
		);
		let sent = 0;
		for (; time.now < 60_000; time.now += 10) {
			for (const limiter of limiters) {
				while (limiter.waitMs(cost) === 0) {
					limiter.succeeded(limiter.sent(cost), {});
					sent++;
				}
			}
		}
		expect(sent).toBeGreaterThan(595);
		expect(sent).toBeLessThanOrEqual(611);
		expect(limiters[0]?.state()).toMatchObject({ reason: "held by --rpm", requestsPerMinute: 600 });
	});

	it("asks the server once when a day's requests are said to be spent", () => {
		const { limiter, sendAll, time } = setUp({ concurrency: 8, eager: true });
		const [first, ...others] = sendAll();
		const snapshot = {
			requestsPerDay: { limit: 1000, remaining: 0, resetMs: 40_000_000, windowMs: 86_400_000 },
		};
		limiter.succeeded(first as SentRequest, { snapshot });
		for (const sending of others) limiter.succeeded(sending, {});
		time.now += 5_000;
		expect(sendAll()).toHaveLength(1);
	});
});

describe("the number in flight at a server of which no limit is known", () => {
	/** The size after so many answers of a server that works on `capacity` at a time, `ms` each. */
	function sizeAt(capacity: number, answers: number, ms = (_answer: number) => 100): number {
		const window = new GrowingWindow(512, false);
		let now = 0;
		let sequence = 0;
		const sent: (AnsweredRequest & { readonly due: number })[] = [];
		for (let answer = 0; answer < answers; answer++) {
			while (sent.length < window.size) {
				const inFlight = sent.length + 1;
				const due = now + ms(answer) * Math.max(1, inFlight / capacity);
				const place = sent.findLastIndex((other) => other.due <= due) + 1;
				window.sent(sequence);
				sent.splice(place, 0, { sequence: sequence++, sentAt: now, inFlight, due });
			}
			window.heldBack(now);
			const next = sent.shift() as (typeof sent)[number];
			now = Math.max(now, next.due);
			window.answered(next, now);
		}
		return window.size;
	}

	it("doubles with each answer time", () => {
		expect(sizeAt(10_000, 1_000)).toBe(512);
	});

	it("settles at about what a server can do at once that queues the rest", () => {
		const size = sizeAt(32, 20_000);
		expect(size).toBeGreaterThan(25);
		expect(size).toBeLessThan(80);
	});

	it("is not cut for long when answers become longer, which is no queue", () => {
		expect(sizeAt(10_000, 30_000, (answer) => (answer < 5_000 ? 100 : 1_000))).toBe(512);
	});
});
