import { describe, expect, it } from "vitest";
import { type ErrorClass, type FailureAdvice, RequestError } from "../../src/errors.ts";
import { AdaptiveLimiter } from "../../src/limits/adaptive-limiter.ts";
import { Ceiling } from "../../src/limits/ceiling.ts";
import { KeyLanes } from "../../src/schedule/key-lanes.ts";
import { Keys } from "../../src/schedule/keys.ts";
import type { ItemOutcome, Items, ScheduleOptions } from "../../src/schedule/schedule-options.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { FixedLimiter } from "./fixed-limiter.ts";
import { oneServer } from "./one-server.ts";

function failure(errorClass: ErrorClass, advice: Partial<FailureAdvice> = {}): RequestError {
	return new RequestError(`a ${errorClass} failure`, {
		provider: "test",
		errorClass,
		advice: { retry: "always", key: "keep", ...advice },
		maybeBilled: false,
	});
}

function setUp(window = 4, keys: readonly string[] = []) {
	const clock = new VirtualClock();
	const now = () => clock.now();
	const limiter = new FixedLimiter(window, now);
	const route = new KeyLanes(oneServer(new Keys("Test", keys, now), now), () => limiter);
	const run = <Item, Value>(
		items: Items<Item>,
		options: Pick<ScheduleOptions<Item, Value>, "attempt"> & Partial<ScheduleOptions<Item, Value>>,
	) => collecting(items, { route, clock, random: () => 0, ...options });
	return { clock, limiter, route, run };
}

/** A schedule and the outcomes that it has reported so far. */
function collecting<Item, Value>(
	items: Items<Item>,
	options: Omit<ScheduleOptions<Item, Value>, "onOutcome">,
) {
	const outcomes: ItemOutcome<Item, Value>[] = [];
	const schedule = new Schedule(items, { onOutcome: (outcome) => outcomes.push(outcome), ...options });
	return { schedule, outcomes };
}

async function collect<Item, Value>({
	schedule,
	outcomes,
}: {
	readonly schedule: Schedule<Item, Value>;
	readonly outcomes: readonly ItemOutcome<Item, Value>[];
}): Promise<readonly ItemOutcome<Item, Value>[]> {
	await schedule.run();
	return outcomes;
}

describe("a machine that cannot open more connections", () => {
	const crowded = () => failure("network", { isCrowded: true });

	it("gives up no item as long as others are in flight, which will make room, and pauses for none", async () => {
		const { clock, run } = setUp(40);
		let open = 0;
		let most = 0;
		const crowds: number[] = [];
		const pauses: number[] = [];
		const items = Array.from({ length: 200 }, (_, index) => index);
		const outcomes = await clock.run(
			collect(
				run(items, {
					attempt: async () => {
						if (open === 3) throw crowded();
						open += 1;
						most = Math.max(most, open);
						await clock.sleep(400);
						open -= 1;
						return "answer";
					},
					maxInFlight: () => Math.min(...crowds, 40),
					onCrowded: (others) => crowds.push(others),
					onPause: (ms) => pauses.push(ms),
				}),
			),
		);
		expect(outcomes.filter(({ ok }) => ok)).toHaveLength(200);
		// Whoever heeds it, runs into it once.
		expect([most, crowds.length, Math.min(...crowds), pauses]).toEqual([3, 37, 3, []]);
	});

	it("has each item fail in the end when nothing else is in flight", async () => {
		const { clock, run } = setUp(1);
		const attempt = async () => {
			await clock.sleep(1);
			throw crowded();
		};
		const outcomes = await clock.run(collect(run([1], { attempt })));
		expect(outcomes).toMatchObject([{ ok: false, attempts: 6 }]);
	});
});

describe("schedule", () => {
	it("keeps the given number in flight and yields outcomes as they complete", async () => {
		const { clock, run } = setUp(2);
		let inFlight = 0;
		let most = 0;
		const outcomes = await clock.run(
			collect(
				run([300, 100, 50, 10], {
					attempt: async (ms) => {
						most = Math.max(most, ++inFlight);
						await clock.sleep(ms);
						inFlight--;
						return ms;
					},
				}),
			),
		);
		expect(most).toBe(2);
		expect(outcomes.map((outcome) => outcome.item)).toEqual([100, 50, 10, 300]);
		expect(clock.now()).toBe(300);
	});

	it("takes no more than one item from the source before it can be sent", async () => {
		const { clock, run } = setUp(3);
		let taken = 0;
		let finished = 0;
		let furthestAhead = 0;
		function* items() {
			for (let item = 0; item < 50; item++) {
				taken++;
				furthestAhead = Math.max(furthestAhead, taken - finished);
				yield item;
			}
		}
		const outcomes = await clock.run(
			collect(
				run(items(), {
					attempt: async () => {
						await clock.sleep(10);
						finished++;
					},
				}),
			),
		);
		expect(outcomes).toHaveLength(50);
		expect(furthestAhead).toBe(4);
	});

	it("ends with the last outcome, without waiting for a limit that nothing more needs", async () => {
		const clock = new VirtualClock();
		const now = () => clock.now();
		const limiter = new AdaptiveLimiter({ now, requestCeiling: new Ceiling(1, 0) });
		const route = new KeyLanes(oneServer(new Keys("Test", [], now), now), () => limiter);
		const outcomes = collecting(["only"], { route, clock, attempt: () => clock.sleep(20) });
		expect(await clock.run(collect(outcomes))).toHaveLength(1);
		expect(clock.now()).toBe(20);
	});

	it("takes the groups of an asynchronous iterable and throws what its reading throws", async () => {
		const { clock, run } = setUp();
		async function* groups() {
			yield [1, 2];
			await clock.sleep(100);
			yield [];
			yield [3];
			throw new Error("disk gone");
		}
		const { schedule, outcomes } = run(groups(), { attempt: async (item) => item });
		await expect(clock.run(schedule.run())).rejects.toThrow("disk gone");
		expect(outcomes.map(({ item }) => item)).toEqual([1, 2, 3]);
	});

	it("asks again in a moment about what depends on others, also with nothing in flight", async () => {
		const { clock, run } = setUp();
		const sentAt: number[] = [];
		const { schedule } = run(["a", "b"], {
			admit: () => (clock.now() < 1_000 ? "hold" : "go"),
			attempt: async () => void sentAt.push(clock.now()),
		});
		await clock.run(schedule.run());
		expect(sentAt).toHaveLength(2);
		for (const at of sentAt) expect(at).toBeGreaterThanOrEqual(1_000);
		for (const at of sentAt) expect(at).toBeLessThanOrEqual(1_025);
	});

	it("keeps to a number in flight that changes, also from none", async () => {
		const { clock, run } = setUp(100);
		let inFlight = 0;
		const most = () => (clock.now() < 500 ? 0 : clock.now() < 1_000 ? 1 : 3);
		const { schedule } = run(Array.from({ length: 30 }).keys(), {
			maxInFlight: most,
			attempt: async () => {
				expect(++inFlight).toBeLessThanOrEqual(most());
				await clock.sleep(100);
				inFlight--;
			},
		});
		await clock.run(schedule.run());
		expect(clock.now()).toBeGreaterThan(500 + 500 + (25 * 100) / 3);
	});

	it("lets a waiting row hold no slot", async () => {
		const { clock, run } = setUp(1);
		const sent: [string, number][] = [];
		await clock.run(
			collect(
				run(["a", "b", "c"], {
					attempt: async (item, attempt) => {
						sent.push([item, clock.now()]);
						await clock.sleep(100);
						if (item === "a" && attempt.number === 1) {
							throw failure("server", { afterMs: 1000 });
						}
					},
				}),
			),
		);
		expect(sent).toEqual([
			["a", 0],
			["b", 100],
			["c", 200],
			["a", 1100],
		]);
	});

	it("never sends again before the server's hint", async () => {
		const { clock, run } = setUp();
		const sentAt: number[] = [];
		await clock.run(
			collect(
				run(["a"], {
					attempt: async (_item, attempt) => {
						sentAt.push(clock.now());
						if (attempt.number === 1) {
							throw failure("rate_limit", { afterMs: 7000 });
						}
					},
				}),
			),
		);
		expect(sentAt).toEqual([0, 7000]);
	});

	it("gives up after maxRetries failures and says how many requests it took", async () => {
		const { clock, run } = setUp();
		const [outcome] = await clock.run(
			collect(run(["a"], { maxRetries: 2, attempt: () => Promise.reject(failure("server")) })),
		);
		expect(outcome).toMatchObject({ ok: false, attempts: 3, error: { attempts: 3 } });
	});

	it("does not count refusals for rate against maxRetries", async () => {
		const { clock, run } = setUp();
		const [outcome] = await clock.run(
			collect(
				run(["a"], {
					maxRetries: 2,
					attempt: async (_item, attempt) => {
						if (attempt.number < 9) throw failure("rate_limit");
						return "done";
					},
				}),
			),
		);
		expect(outcome).toMatchObject({ ok: true, value: "done", attempts: 9 });
	});

	it("sends what may have been billed again only once, and never what is final", async () => {
		const { clock, run } = setUp();
		const outcomes = await clock.run(
			collect(
				run(["once", "never"] as const, {
					attempt: (item) => Promise.reject(failure("timeout", { retry: item })),
				}),
			),
		);
		const attempts = Object.fromEntries(outcomes.map((outcome) => [outcome.item, outcome.attempts]));
		expect(attempts).toEqual({ once: 2, never: 1 });
	});

	it("moves a row from a refused key to the next one, and ends when none is left", async () => {
		const { clock, run } = setUp(4, ["first", "second"]);
		const keys: (string | undefined)[] = [];
		const reading = collect(
			run([1, 2, 3], {
				attempt: async (item, attempt) => {
					keys.push(attempt.key);
					await clock.sleep(10);
					if (attempt.key === "first" || item === 3) {
						throw failure("auth", { retry: "never", key: "drop" });
					}
				},
			}),
		);
		await expect(clock.run(reading)).rejects.toMatchObject({ reason: "refused", exitCode: 4 });
		expect(keys.slice(0, 3)).toEqual(["first", "second", "first"]);
		expect(keys.slice(3)).toEqual(["second", "second"]);
	});

	it("sends what may have been billed only once more, also with other keys", async () => {
		const { clock, run } = setUp(1, ["first", "second", "third"]);
		const keys: (string | undefined)[] = [];
		const outcomes = await clock.run(
			collect(
				run(["midway", "fine"], {
					attempt: async (item, attempt) => {
						if (item === "fine") return;
						keys.push(attempt.key);
						throw new RequestError("the quota ended in the middle", {
							provider: "test",
							errorClass: "quota",
							advice: { retry: "once", key: "retire" },
							maybeBilled: true,
						});
					},
				}),
			),
		);
		expect(keys).toEqual(["first", "second"]);
		expect(outcomes.map(({ item, ok }) => [item, ok])).toEqual([
			["midway", false],
			["fine", true],
		]);
	});

	it("asks the gate before every sending: wait until an end, stop for good", async () => {
		const { clock, run } = setUp(4);
		let open = 0;
		let most = 0;
		const outcomes = await clock.run(
			collect(
				run([1, 2, 3, 4, 5, 6], {
					admit: (item) => (item === 5 ? "stop" : open < 2 ? "go" : "wait"),
					attempt: async () => {
						most = Math.max(most, ++open);
						await clock.sleep(10);
						open--;
					},
				}),
			),
		);
		expect(outcomes.map((outcome) => outcome.item)).toEqual([1, 2, 3, 4]);
		expect(most).toBe(2);
	});

	it("lets what is in flight land after stop, and leaves the rest unanswered", async () => {
		const { clock, run } = setUp(2);
		const outcomes = run([1, 2, 3, 4], { attempt: () => clock.sleep(100) });
		const reading = collect(outcomes);
		clock.after(50, () => outcomes.schedule.stop());
		expect((await clock.run(reading)).map((outcome) => outcome.item)).toEqual([1, 2]);
	});

	it("aborts what is in flight when the signal fires", async () => {
		const { clock, run } = setUp(2);
		const controller = new AbortController();
		const { schedule, outcomes } = run([1, 2, 3], {
			signal: controller.signal,
			attempt: (_item, attempt) => clock.sleep(1000, attempt.signal),
		});
		clock.after(50, () => controller.abort());
		await expect(clock.run(schedule.run())).rejects.toMatchObject({ name: "AbortedError" });
		expect(outcomes.map((outcome) => [outcome.item, outcome.ok])).toEqual([
			[1, false],
			[2, false],
		]);
		expect(clock.now()).toBe(50);
	});

	it("aborts what is in flight and closes the source when it is aborted", async () => {
		const { clock, run } = setUp(2);
		let closed = false;
		let aborted = 0;
		function* items() {
			try {
				for (let item = 1; ; item++) yield item;
			} finally {
				closed = true;
			}
		}
		const { schedule } = run(items(), {
			attempt: async (item, attempt) => {
				attempt.signal.addEventListener("abort", () => aborted++);
				await clock.sleep(item * 10);
			},
			onOutcome: () => schedule.abort(),
		});
		await clock.run(schedule.run());
		expect(closed).toBe(true);
		expect(aborted).toBeGreaterThan(0);
	});

	it("waits for a slow consumer instead of piling up outcomes", async () => {
		const { clock, run } = setUp(8);
		let sent = 0;
		let unread = 0;
		const { schedule } = run(Array(5000).keys(), {
			attempt: async () => {
				sent++;
			},
			isFull: () => unread >= 1000,
			onOutcome: () => unread++,
		});
		clock.after(1000, () => {
			expect(sent).toBeLessThan(1200);
			unread = Number.NEGATIVE_INFINITY;
			schedule.resume();
		});
		await clock.run(schedule.run());
		expect(sent).toBe(5000);
	});
});
