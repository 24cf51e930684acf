import { describe, expect, it } from "vitest";
import { type ErrorClass, RequestError } from "../../src/errors.ts";
import { KeyLanes } from "../../src/schedule/key-lanes.ts";
import { Keys } from "../../src/schedule/keys.ts";
import type { ScheduleOptions, SendContext } from "../../src/schedule/schedule-options.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { FixedLimiter } from "./fixed-limiter.ts";
import { oneServer } from "./one-server.ts";

function failure(errorClass: ErrorClass, retry: "always" | "once" | "never" = "always"): RequestError {
	return new RequestError(`a ${errorClass} failure`, {
		provider: "test",
		errorClass,
		advice: { retry, key: "keep" },
		maybeBilled: false,
	});
}

/** Sends `rows` rows with 64 in flight to a provider that `answer` stands for. */
async function send(
	rows: number,
	answer: (row: number, now: number, attempt: SendContext) => void,
	options: Partial<ScheduleOptions<number, void>> = {},
	window = 64,
) {
	const clock = new VirtualClock();
	const now = () => clock.now();
	const route = new KeyLanes(oneServer(new Keys("Test", [], now), now), () => new FixedLimiter(window, now));
	const sentAt: number[] = [];
	const pauses: number[] = [];
	const reasons: string[] = [];
	const answered = new Set<number>();
	let failed = 0;
	let error: unknown;
	const schedule = new Schedule(Array(rows).keys(), {
		route,
		clock,
		random: () => 0.5,
		onPause: (pauseMs, { message }) => {
			pauses.push(pauseMs);
			reasons.push(message);
		},
		attempt: async (row, attempt) => {
			sentAt.push(clock.now());
			await clock.sleep(100);
			answer(row, clock.now(), attempt);
		},
		onOutcome: (outcome) => {
			if (outcome.ok) answered.add(outcome.item);
			else failed++;
		},
		...options,
	});
	await clock.run(
		schedule.run().catch((thrown) => {
			error = thrown;
		}),
	);
	return { sentAt, pauses, reasons, answered, failed, error };
}

describe("an outage", () => {
	it("of 10,000 rows from the start costs at most 200 requests, and ends the run with exit 5", async () => {
		const run = await send(10_000, () => {
			throw failure("server");
		});
		expect(run.error).toMatchObject({
			exitCode: 5,
			message: "nothing was answered for 5 minutes: a server failure",
		});
		expect(run.sentAt.length).toBeLessThanOrEqual(200);
		// What was not answered is not held against the rows: they stay missing.
		expect(run.failed).toBe(0);
	});

	it("is waited out with single requests at growing distances, and no row is lost", async () => {
		const isDown = (now: number) => now > 2_000 && now < 92_000;
		const run = await send(5_000, (_row, now) => {
			if (isDown(now)) throw failure("network");
		});
		expect(run.error).toBeUndefined();
		expect(run.answered.size).toBe(5_000);
		expect(run.failed).toBe(0);
		const tried = run.sentAt.filter((at) => at > 10_000 && at < 91_900);
		expect(tried.length).toBeLessThan(18);
		const distances = tried.slice(1).map((at, index) => at - (tried[index] as number));
		expect(distances).toEqual(distances.toSorted((one, other) => one - other));
		expect(run.pauses[0]).toBe(1_000);
		expect(new Set(run.reasons)).toEqual(new Set(["a network failure"]));
	});

	it("is not seen in failures of a third of the requests", async () => {
		let count = 0;
		const run = await send(2_000, () => {
			if (++count % 3 === 0) throw failure("server");
		});
		expect(run.pauses).toEqual([]);
		expect(run.answered.size + run.failed).toBe(2_000);
	});

	it("is not seen in rows that fail again and again when the others are done", async () => {
		const run = await send(1_000, (row) => {
			if (row % 10 === 0) throw failure("server");
		});
		expect(run).toMatchObject({ failed: 100, pauses: [], error: undefined });
		expect(run.answered.size).toBe(900);
	});

	it("is over as soon as a row is answered that has not failed before", async () => {
		const run = await send(
			1_000,
			(row) => {
				if (row < 30) throw failure("server");
			},
			{},
			4,
		);
		expect(run.error).toBeUndefined();
		expect(run.failed).toBe(30);
		expect(run.answered.size).toBe(970);
	});

	it("is not seen in failures that are the rows' own fault", async () => {
		const run = await send(500, () => {
			throw failure("invalid_request", "never");
		});
		expect(run.error).toBeUndefined();
		expect(run).toMatchObject({ failed: 500, pauses: [] });
	});

	it("is what refusals without end come to", async () => {
		const run = await send(10_000, () => {
			throw failure("rate_limit");
		});
		expect(run.error).toMatchObject({ exitCode: 5 });
		expect(run.failed).toBe(0);
	});

	it("does not send more than once again what may have been billed", async () => {
		const attempts = new Map<number, number>();
		const run = await send(1_000, (row, _now, attempt) => {
			attempts.set(row, attempt.number);
			if (row % 3 === 0) throw failure("timeout", "once");
		});
		expect(Math.max(...attempts.values())).toBe(2);
		expect(run).toMatchObject({ failed: 334, error: undefined });
	});
});

it("ends a run at the first certificate that cannot be trusted", async () => {
	const run = await send(1_000, () => {
		throw failure("tls", "never");
	});
	expect(run.error).toMatchObject({ errorClass: "tls" });
	expect(run.sentAt.length).toBeLessThanOrEqual(64);
});

it("keeps to 64 in flight until something was answered", async () => {
	const clock = new VirtualClock();
	const now = () => clock.now();
	const route = new KeyLanes(oneServer(new Keys("Test", [], now), now), () => new FixedLimiter(500, now));
	const most = { before: 0, after: 0 };
	let inFlight = 0;
	const schedule = new Schedule(Array(2_000).keys(), {
		route,
		clock,
		attempt: async () => {
			inFlight++;
			const when = clock.now() < 100 ? "before" : "after";
			most[when] = Math.max(most[when], inFlight);
			await clock.sleep(100);
			inFlight--;
		},
		onOutcome: ({ ok }) => expect(ok).toBe(true),
	});
	await clock.run(schedule.run());
	expect(most).toEqual({ before: 64, after: 500 });
});

it("takes a shared slot for every sending and gives back what it does not need", async () => {
	const clock = new VirtualClock();
	const now = () => clock.now();
	const route = new KeyLanes(oneServer(new Keys("Test", [], now), now), () => new FixedLimiter(10, now));
	const slots = { free: 3, taken: 0, waiting: [] as (() => void)[] };
	const acquireSlot = async () => {
		while (slots.free === 0) await new Promise<void>((resolve) => slots.waiting.push(resolve));
		slots.free--;
		slots.taken++;
		return () => {
			slots.free++;
			slots.waiting.shift()?.();
		};
	};
	let inFlight = 0;
	let most = 0;
	const schedule = new Schedule(Array(50).keys(), {
		route,
		clock,
		acquireSlot,
		attempt: async () => {
			most = Math.max(most, ++inFlight);
			await clock.sleep(100);
			inFlight--;
		},
		onOutcome: ({ ok }) => expect(ok).toBe(true),
	});
	await clock.run(schedule.run());
	expect(most).toBe(3);
	expect(slots.taken).toBeGreaterThanOrEqual(50);
	expect(slots.free).toBe(3);
});
