import { describe, expect, it } from "vitest";
import { type ErrorClass, type FailureAdvice, RequestError } from "../../src/errors.ts";
import { AdaptiveLimiter } from "../../src/limits/adaptive-limiter.ts";
import { KeyLanes } from "../../src/schedule/key-lanes.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { retry } from "../../src/schedule/retry.ts";
import type { ScheduleOptions, ServerChange } from "../../src/schedule/schedule-options.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { Servers, type ServerWish } from "../../src/schedule/servers.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { seededRandom } from "../batch/helpers/random.ts";
import { FixedLimiter } from "./fixed-limiter.ts";
import { ManualClock } from "./manual-clock.ts";

function failure(errorClass: ErrorClass, advice: Partial<FailureAdvice> = {}): RequestError {
	return new RequestError(`a ${errorClass} failure`, {
		provider: "test",
		errorClass,
		advice: { retry: "always", key: "keep", ...advice },
		maybeBilled: advice.retry === "once",
	});
}

/** A server that lets so many requests a second through and refuses the others. */
class SimulatedServer {
	latencyMs = 200;
	isDown = false;
	/** When it does not run, it is not tried again, for its owner has to start it. */
	isLocal = false;
	/** It answers with something else than the API. */
	isLying = false;
	/** The model is not there. */
	isWrong = false;
	readonly answeredAt: number[] = [];
	readonly rows: number[] = [];
	sendings = 0;
	refusals = 0;
	readonly #clock: VirtualClock;
	readonly #perSecond: number;
	#level = 1;
	#at = 0;
	/** Fires when it dies. */
	#death = new AbortController();

	readonly #random: () => number;

	constructor(clock: VirtualClock, perSecond: number, random: () => number) {
		this.#clock = clock;
		this.#random = random;
		this.#perSecond = perSecond;
	}

	die(): void {
		this.isDown = true;
		this.#death.abort();
	}

	comeBack(): void {
		this.isDown = false;
		this.#death = new AbortController();
	}

	answeredBetween(from: number, to: number): number {
		return this.answeredAt.filter((at) => at >= from && at < to).length;
	}

	async request(row: number): Promise<void> {
		this.sendings += 1;
		if (this.isDown) throw failure("network", { retry: this.isLocal ? "never" : "always" });
		if (this.isLying) throw failure("malformed_response", { retry: "never" });
		if (this.isWrong) throw failure("not_found", { retry: "never" });
		const now = this.#clock.now();
		this.#level = Math.min(this.#perSecond, this.#level + ((now - this.#at) * this.#perSecond) / 1_000);
		this.#at = now;
		if (this.#level < 1) {
			await this.#clock.sleep(30 + 30 * this.#random());
			this.refusals += 1;
			throw failure("rate_limit", { key: "next" });
		}
		this.#level -= 1;
		await this.#clock.sleep(this.latencyMs * (0.5 + this.#random()), this.#death.signal).catch(() => {
			throw failure("network", { retry: "once" });
		});
		this.answeredAt.push(this.#clock.now());
		this.rows.push(row);
	}
}

interface Fleet {
	readonly clock: VirtualClock;
	readonly servers: readonly SimulatedServer[];
}

function fleetOf(count: number, perSecond: number): Fleet {
	const clock = new VirtualClock();
	const random = seededRandom(count * perSecond);
	return {
		clock,
		servers: Array.from({ length: count }, () => new SimulatedServer(clock, perSecond, random)),
	};
}

/** Sends rows over all servers of a fleet, each with a limiter of its own. */
async function send(
	{ clock, servers }: Fleet,
	rows: number,
	options: Partial<ScheduleOptions<number, void>> & { readonly window?: number } = {},
) {
	const now = () => clock.now();
	const named = servers.map((_, index) => ({ name: `s${index}`, keys: new Keys(`s${index}`, [], now) }));
	const { window, ...rest } = options;
	const limiterOf = () =>
		window === undefined ? new AdaptiveLimiter({ now }) : new FixedLimiter(window, now);
	const changes: (ServerChange & { readonly at: number })[] = [];
	const attempts = new Map<number, number>();
	const outcomes = { answered: new Set<number>(), failed: [] as number[] };
	let error: unknown;
	const schedule = new Schedule<number, void>(Array(rows).keys(), {
		route: new KeyLanes(new Servers(named, now), limiterOf),
		clock,
		random: () => 0.5,
		attempt: async (row, attempt) => {
			attempts.set(row, attempt.number);
			await (servers[attempt.server] as SimulatedServer).request(row);
		},
		onServer: (change) => changes.push({ ...change, at: clock.now() }),
		onOutcome: (outcome) => {
			if (outcome.ok) outcomes.answered.add(outcome.item);
			else outcomes.failed.push(outcome.item);
		},
		...rest,
	});
	await clock.run(
		schedule.run().catch((thrown: unknown) => {
			error = thrown;
		}),
	);
	return { ...outcomes, error, changes, attempts };
}

describe("four servers of 50 requests a second", () => {
	it("are used to 97 % of 200 a second", async () => {
		const fleet = fleetOf(4, 50);
		const run = await send(fleet, 12_000);
		expect(run.answered.size).toBe(12_000);
		const seconds = fleet.clock.now() / 1_000;
		expect(12_000 / seconds).toBeGreaterThanOrEqual(0.97 * 200);
	});

	it("lose no row when one dies, one is slow and the dead one comes back, and the others stay full", async () => {
		const fleet = fleetOf(4, 50);
		const [dying, slow, ...sound] = fleet.servers as [SimulatedServer, SimulatedServer, ...SimulatedServer[]];
		const { clock } = fleet;
		void clock.sleep(30_000).then(() => dying.die());
		void clock.sleep(30_000).then(() => {
			slow.latencyMs = 3_000;
		});
		void clock.sleep(60_000).then(() => dying.comeBack());
		const run = await send(fleet, 16_000);
		expect(run.error).toBeUndefined();
		expect(run.failed).toEqual([]);
		expect(run.answered.size).toBe(16_000);
		for (const server of sound)
			expect(server.answeredBetween(35_000, 60_000) / 25).toBeGreaterThanOrEqual(0.97 * 50);
		// Back at the full rate within ten seconds.
		expect(dying.answeredBetween(67_000, 72_000) / 5).toBeGreaterThanOrEqual(0.97 * 50);
		expect(run.changes.map(({ name, error }) => [name, error === undefined])).toEqual([
			["s0", false],
			["s0", true],
		]);
	});

	it("are sent few requests while they do not know the model, and rows go elsewhere", async () => {
		const fleet = fleetOf(3, 50);
		const [wrong] = fleet.servers as [SimulatedServer];
		wrong.isWrong = true;
		const run = await send(fleet, 3_000);
		expect(run.answered.size).toBe(3_000);
		expect(wrong.sendings).toBeLessThan(80);
		expect(run.changes).toHaveLength(1);
	});
});

it("a server that gives no answers of the API, however soon, does not draw the rows to it", async () => {
	const fleet = fleetOf(4, 50);
	const [liar] = fleet.servers as [SimulatedServer];
	liar.isLying = true;
	const run = await send(fleet, 3_000);
	expect(run.answered.size + run.failed.length).toBe(3_000);
	expect(run.failed.length).toBeLessThan(80);
	expect(run.changes).toHaveLength(1);
});

it("a model that no server knows fails rows as one server would", async () => {
	const fleet = fleetOf(3, 50);
	for (const server of fleet.servers) server.isWrong = true;
	const run = await send(fleet, 100);
	expect(run.failed).toHaveLength(100);
	expect(fleet.clock.now()).toBeLessThan(60_000);
});

it("servers of one's own that are all restarted at once lose no row", async () => {
	const fleet = fleetOf(3, 50);
	for (const server of fleet.servers) {
		server.isLocal = true;
		void fleet.clock.sleep(10_000).then(() => server.die());
		void fleet.clock.sleep(40_000).then(() => server.comeBack());
	}
	const run = await send(fleet, 4_000);
	expect(run.failed).toEqual([]);
	expect(run.answered.size).toBe(4_000);
});

it("servers that are all down end the run after five minutes, with the rows missing", async () => {
	const fleet = fleetOf(4, 50);
	for (const server of fleet.servers) server.die();
	const run = await send(fleet, 1_000);
	expect(run.error).toMatchObject({
		exitCode: 5,
		message: "nothing was answered for 5 minutes: a network failure",
	});
	expect(run.failed).toEqual([]);
});

it("a server that is out for longer than that does not end a run that others go on with", async () => {
	const fleet = fleetOf(2, 5);
	fleet.servers[0]?.die();
	const run = await send(fleet, 3_000);
	expect(run.error).toBeUndefined();
	expect(run.answered.size).toBe(3_000);
	expect(fleet.clock.now()).toBeGreaterThan(300_000);
	// It is told once, not at every try.
	expect(run.changes).toHaveLength(1);
});

it("a server that is five times as slow gets a fifth of the requests in flight, where those are few", async () => {
	const fleet = fleetOf(2, 1_000);
	const [slow, fast] = fleet.servers as [SimulatedServer, SimulatedServer];
	slow.latencyMs = 1_000;
	await send(fleet, 5_000, { maxInFlight: () => 24, window: 500 });
	// A fifth in flight, each five times as long.
	expect(fast.rows.length / slow.rows.length).toBeGreaterThan(15);
	expect(slow.rows.length).toBeGreaterThan(50);
});

describe("rows that begin alike", () => {
	const group = (row: number) => Math.floor(row / 10);

	it("stay on one server while it is no busier than the others", async () => {
		const fleet = fleetOf(4, 1_000);
		await send(fleet, 400, { prefix: group, maxInFlight: () => 1, window: 500 });
		const homes = new Map<number, Set<number>>();
		for (const [index, { rows }] of fleet.servers.entries())
			for (const row of rows) homes.set(group(row), (homes.get(group(row)) ?? new Set()).add(index));
		const kept = [...homes.values()].filter(({ size }) => size === 1).length;
		expect(kept).toBeGreaterThan(36);
		for (const { rows } of fleet.servers) expect(rows.length).toBeGreaterThan(40);
	});

	it("are shared out when all of them begin alike", async () => {
		const fleet = fleetOf(4, 1_000);
		await send(fleet, 4_000, { prefix: () => 7, maxInFlight: () => 40, window: 500 });
		for (const { rows } of fleet.servers) {
			expect(rows.length).toBeGreaterThan(850);
			expect(rows.length).toBeLessThan(1.25 * 1_000 + 50);
		}
	});
});

describe("a single call", () => {
	function setUp(count: number) {
		const clock = new ManualClock();
		const now = () => clock.now();
		const named = Array.from({ length: count }, (_, index) => ({
			name: `s${index}`,
			keys: new Keys(`s${index}`, [`key ${index}`], now),
		}));
		const servers = new Servers(named, now);
		const call = async (answer: (server: number, key: string | undefined) => void, wish: ServerWish = {}) => {
			const asked: number[] = [];
			const outcome = await retry(
				async ({ server, key }) => {
					asked.push(server.index);
					answer(server.index, key);
					return server.index;
				},
				{ servers, clock, random: () => 0, prefix: wish.prefix },
			).catch((error: unknown) => error);
			return { asked, outcome };
		};
		return { servers, clock, call };
	}

	it.each([
		"network",
		"server",
		"not_found",
		"tls",
		"timeout",
	] as const)("that meets a %s failure goes to another server at once, and the next ones go there first", async (errorClass) => {
		const { clock, call } = setUp(3);
		const bad = new Set<number>();
		const answer = (server: number) => {
			if (bad.size === 0) bad.add(server);
			if (bad.has(server)) throw failure(errorClass);
		};
		expect((await call(answer)).asked).toHaveLength(2);
		expect(clock.sleeps).toEqual([]);
		for (let count = 0; count < 5; count++) expect((await call(answer)).asked).toHaveLength(1);
	});

	it("is sent once more at most when it may have been billed", async () => {
		const { call } = setUp(4);
		const { asked, outcome } = await call(() => {
			throw failure("timeout", { retry: "once" });
		});
		expect(asked).toHaveLength(2);
		expect(outcome).toBeInstanceOf(RequestError);
	});

	it("waits once every server has failed", async () => {
		const { clock, call } = setUp(3);
		let count = 0;
		const { asked, outcome } = await call(() => {
			if (++count <= 4) throw failure("server");
		});
		expect(new Set(asked.slice(0, 3)).size).toBe(3);
		expect(clock.sleeps.length).toBeGreaterThan(0);
		expect(typeof outcome).toBe("number");
	});

	it("uses the key of the server that it goes to, also after keys were refused", async () => {
		const { call } = setUp(3);
		const seen: [number, string | undefined][] = [];
		const { outcome } = await call((server, key) => {
			seen.push([server, key]);
			if (seen.length < 3) throw failure("auth", { key: "drop" });
		});
		for (const [server, key] of seen) expect(key).toBe(`key ${server}`);
		expect(new Set(seen.map(([server]) => server)).size).toBe(3);
		expect(typeof outcome).toBe("number");
	});

	it("goes where the calls before it went that began alike", async () => {
		const { call } = setUp(5);
		const homes = new Set<unknown>();
		for (let prefix = 0; prefix < 20; prefix++) {
			const first = (await call(() => {}, { prefix })).outcome;
			for (let turn = 0; turn < 5; turn++) expect((await call(() => {}, { prefix })).outcome).toBe(first);
			homes.add(first);
		}
		expect(homes.size).toBeGreaterThan(2);
	});
});
