import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AbortedError, type FailureAdvice, RequestError } from "../../src/errors.ts";
import { Keys, KeysExhaustedError } from "../../src/schedule/keys.ts";
import { freshRetryState, nextRetry, type RetryAttempt, retry } from "../../src/schedule/retry.ts";
import type { RetryNotice } from "../../src/types.ts";
import { ManualClock } from "./manual-clock.ts";
import { oneServer } from "./one-server.ts";

const always: FailureAdvice = { retry: "always", key: "keep" };
const once: FailureAdvice = { retry: "once", key: "keep" };
const limited: FailureAdvice = { retry: "always", key: "next" };
const refused: FailureAdvice = { retry: "never", key: "drop" };
const spent: FailureAdvice = { retry: "never", key: "retire" };
const final: FailureAdvice = { retry: "never", key: "keep" };

function failed(advice: FailureAdvice, message = "it failed"): RequestError {
	return new RequestError(message, {
		provider: "sim",
		errorClass: "server",
		advice,
		maybeBilled: advice.retry === "once",
	});
}

/** Runs a call that fails in the given ways and then succeeds; returns what happened. */
async function run(
	advices: readonly FailureAdvice[],
	options: { keys?: string[]; maxRetries?: number; random?: () => number; signal?: AbortSignal } = {},
) {
	const clock = new ManualClock();
	const attempts: RetryAttempt[] = [];
	const notices: RetryNotice[] = [];
	const queue = [...advices];
	const pool = new Keys("sim", options.keys ?? ["a"], () => clock.now());
	const outcome = await retry(
		async (attempt) => {
			attempts.push(attempt);
			const advice = queue.shift();
			if (advice !== undefined) throw failed(advice);
			return "done";
		},
		{
			servers: oneServer(pool, () => clock.now()),
			clock,
			random: options.random ?? (() => 0),
			maxRetries: options.maxRetries,
			signal: options.signal,
			onRetry: (notice) => notices.push(notice),
		},
	).catch((error: unknown) => error);
	return {
		outcome,
		keys: attempts.map((attempt) => attempt.key),
		attempts,
		notices,
		sleeps: clock.sleeps,
		pool,
	};
}

describe("the next retry", () => {
	test("doubles its delay from 500 ms to 60 s, of which a random half", () => {
		let state = freshRetryState;
		const delays: number[] = [];
		for (let count = 0; count < 9; count++) {
			const decision = nextRetry(state, always, () => 1, 20);
			if (decision === undefined) throw new Error("stopped");
			delays.push(decision.delayMs);
			state = decision.state;
		}
		expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
		expect(nextRetry(freshRetryState, always, () => 0)).toMatchObject({ delayMs: 250 });
	});

	test("is never before the hint and at most 0.3 of it later than it must be", () => {
		fc.assert(
			fc.property(
				fc.double({ min: 0, max: 300_000, noNaN: true }),
				fc.double({ min: 0, max: 0.999, noNaN: true }),
				fc.integer({ min: 0, max: 4 }),
				(afterMs, random, retries) => {
					const decision = nextRetry({ retries, resends: 0 }, { ...limited, afterMs }, () => random);
					if (decision === undefined) throw new Error("stopped");
					expect(decision.delayMs).toBeGreaterThanOrEqual(afterMs);
					expect(decision.delayMs).toBeLessThanOrEqual(Math.max(afterMs * 1.3, 500 * 2 ** retries) + 1);
				},
			),
		);
	});

	test("stops where it cannot help, at the budget, and at a hint over 300 s", () => {
		expect(nextRetry(freshRetryState, final, () => 0)).toBeUndefined();
		expect(nextRetry({ retries: 5, resends: 0 }, always, () => 0)).toBeUndefined();
		expect(nextRetry(freshRetryState, { ...limited, afterMs: 300_001 }, () => 0)).toBeUndefined();
	});

	test("comes once in all where the request may have been billed", () => {
		const first = nextRetry(freshRetryState, once, () => 0);
		if (first === undefined) throw new Error("stopped");
		expect(first.state).toEqual({ retries: 1, resends: 1 });
		expect(nextRetry(first.state, once, () => 0)).toBeUndefined();
		expect(nextRetry(first.state, always, () => 0)).toBeDefined();
	});
});

describe("a call", () => {
	test("that succeeds is sent once", async () => {
		expect(await run([])).toMatchObject({ outcome: "done", keys: ["a"], sleeps: [], notices: [] });
	});

	test("is sent again until the budget is spent, and says how often", async () => {
		const { outcome, attempts, sleeps } = await run(Array(9).fill(always));
		expect(outcome).toBeInstanceOf(RequestError);
		expect((outcome as RequestError).attempts).toBe(6);
		expect(attempts).toHaveLength(6);
		expect(sleeps).toEqual([250, 500, 1_000, 2_000, 4_000]);
	});

	test("that may have been billed is sent again once", async () => {
		expect((await run([once])).outcome).toBe("done");
		const { outcome, attempts } = await run([once, always, once]);
		expect((outcome as RequestError).attempts).toBe(3);
		expect(attempts).toHaveLength(3);
	});

	test("that failed for good is not sent again", async () => {
		expect((await run([final])).attempts).toHaveLength(1);
	});

	test("with no retries allowed is sent once", async () => {
		expect((await run([always], { maxRetries: 0 })).attempts).toHaveLength(1);
	});

	test("raises what is no request error as it is", async () => {
		const clock = new ManualClock();
		const pool = new Keys("sim", [], () => clock.now());
		const options = { servers: oneServer(pool, () => clock.now()), clock, random: () => 0 };
		await expect(retry(() => Promise.reject(new AbortedError()), options)).rejects.toThrow(AbortedError);
	});

	test("tells before each wait what it waits for", async () => {
		const { notices } = await run([always, { ...limited, afterMs: 10_000 }]);
		expect(notices).toEqual([
			{ attempt: 2, delayMs: 250, reason: "it failed" },
			{ attempt: 3, delayMs: 10_000, reason: "it failed" },
		]);
	});
});

describe("keys", () => {
	test("rotate at once on 429, and the call waits only when each had its turn", async () => {
		const { keys, sleeps, notices } = await run([limited, limited, limited, limited], {
			keys: ["a", "b", "c"],
		});
		expect(keys).toEqual(["a", "b", "c", "a", "b"]);
		expect(sleeps).toEqual([250]);
		expect(notices.map((notice) => notice.delayMs)).toEqual([0, 0, 250, 0]);
	});

	test("wait for the one that is ready first", async () => {
		const { keys, sleeps } = await run(
			[
				{ ...limited, afterMs: 60_000 },
				{ ...limited, afterMs: 5_000 },
			],
			{ keys: ["a", "b"] },
		);
		expect(keys).toEqual(["a", "b", "b"]);
		expect(sleeps).toEqual([5_000]);
	});

	test("do not turn the budget into an endless one", async () => {
		const { attempts } = await run(Array(1_000).fill(limited), { keys: ["a", "b", "c"], maxRetries: 2 });
		expect(attempts).toHaveLength(9);
	});

	test("that are refused or spent are replaced without waiting and without using up retries", async () => {
		const { outcome, keys, sleeps } = await run([refused, spent], { keys: ["a", "b", "c"], maxRetries: 0 });
		expect(outcome).toBe("done");
		expect(keys).toEqual(["a", "b", "c"]);
		expect(sleeps).toEqual([]);
	});

	test("that are spent in the middle of an answer, which may be billed, are replaced once", async () => {
		const midway: FailureAdvice = { retry: "once", key: "retire" };
		const { outcome, attempts } = await run([midway, midway], { keys: ["a", "b", "c"] });
		expect(outcome).toBeInstanceOf(RequestError);
		expect(attempts.map(({ key, resend }) => [key, resend])).toEqual([
			["a", false],
			["b", true],
		]);
	});

	test("all refused raise the last refusal, and the next call says so without asking", async () => {
		const { outcome, keys, pool } = await run([refused, refused], { keys: ["a", "b"] });
		expect(outcome).toBeInstanceOf(RequestError);
		expect(keys).toEqual(["a", "b"]);
		const clock = new ManualClock();
		const again = retry(async () => "done", {
			servers: oneServer(pool, () => clock.now()),
			clock,
			random: () => 0,
		});
		await expect(again).rejects.toThrow(KeysExhaustedError);
	});

	test("parked by a hint over 300 s hand over to the next; with none left the call fails", async () => {
		const long = { ...limited, afterMs: 3_600_000 };
		expect(await run([long], { keys: ["a", "b"] })).toMatchObject({
			outcome: "done",
			keys: ["a", "b"],
			sleeps: [],
		});
		const { outcome, sleeps } = await run([long, long], { keys: ["a", "b"] });
		expect(outcome).toBeInstanceOf(RequestError);
		expect(sleeps).toEqual([]);
	});

	test("set to rest by another call are waited for", async () => {
		const clock = new ManualClock();
		const pool = new Keys("sim", ["a"], () => clock.now());
		const key = pool.acquire();
		if (key === undefined) throw new Error("no key");
		pool.rest(key, 3_000);
		const servers = oneServer(pool, () => clock.now());
		expect(await retry(async () => "done", { servers, clock, random: () => 0 })).toBe("done");
		expect(clock.sleeps).toEqual([3_000]);
	});
});

describe("an abort", () => {
	test("ends the wait", async () => {
		const controller = new AbortController();
		const clock = new ManualClock();
		clock.onSleep = () => controller.abort();
		let sent = 0;
		const call = retry(
			async () => {
				sent++;
				throw failed(always);
			},
			{
				servers: oneServer(new Keys("sim", [], () => clock.now()), () => clock.now()),
				clock,
				random: () => 0,
				signal: controller.signal,
			},
		);
		await expect(call).rejects.toThrow(AbortedError);
		expect(sent).toBe(1);
	});

	test("before the first sending sends nothing", async () => {
		const { outcome, attempts } = await run([], { signal: AbortSignal.abort() });
		expect(outcome).toBeInstanceOf(AbortedError);
		expect(attempts).toHaveLength(0);
	});
});
