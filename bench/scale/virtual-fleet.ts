import { Pacing } from "../../src/ask/pacing.ts";
import { LimitParts } from "../../src/cli/batch/share/limit-parts.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { Servers } from "../../src/schedule/servers.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import type { SharedCounts } from "../../src/share/found-limit.ts";
import { RequestCounts } from "../../src/share/request-counts.ts";
import { SharedPace } from "../../src/share/shared-pace.ts";
import { seeded } from "../rate-control/provider.ts";
import { ServerError, type World, WorldServer } from "../rate-control/world.ts";

/** How often shards are in touch, in ms, with refusals and without; and how long a message takes. */
const alertMs = 125;
const beatMs = 1_000;
const wayMs = 2;
const inputTokens = 100;

export interface VirtualFleetOptions {
	readonly world: World;
	readonly shards: number;
	readonly rows: number;
	readonly seed: number;
	/** The machine has too much to do: now and then a shard does nothing for up to so many ms, and then all at once. */
	readonly stallMs?: number | undefined;
}

export interface VirtualFleetFigures {
	/** Until the last row was answered. */
	readonly seconds: number;
	/** Of the whole run. */
	readonly refusals: number;
	readonly lost: number;
}

/** What stands in Redis. */
class Meeting {
	readonly told: SharedCounts[] = [];
	readonly living: number[] = [];
	found: number | undefined;

	get counts(): SharedCounts {
		return this.told.reduce(
			(sum, { sent, refused }) => ({ sent: sum.sent + sent, refused: sum.refused + refused }),
			{ sent: 0, refused: 0 },
		);
	}
}

/** Shards on one account, on a virtual clock, with the parts of the program that pace them. */
export async function runVirtualFleet(options: VirtualFleetOptions): Promise<VirtualFleetFigures> {
	const { world, shards, rows, seed, stallMs = 0 } = options;
	const clock = new VirtualClock();
	const random = seeded(seed);
	const server = new WorldServer(world, clock, random);
	const meeting = new Meeting();
	const all = Array.from({ length: shards }, (_, index) => {
		meeting.living.push(index);
		const ownRows = Math.ceil((rows - index) / shards);
		const stalls = new Stalls(clock, random, stallMs);
		return runShard({ index, ownRows, server, clock, random, meeting, stalls });
	});
	const lost = await clock.run(Promise.all(all));
	return {
		seconds: clock.now() / 1_000,
		refusals: server.refusedAt.length,
		lost: lost.reduce((sum, count) => sum + count, 0),
	};
}

interface VirtualShard {
	readonly index: number;
	readonly ownRows: number;
	readonly server: WorldServer;
	readonly clock: VirtualClock;
	readonly random: () => number;
	readonly meeting: Meeting;
	readonly stalls: Stalls;
}

/** When a process stands still. */
class Stalls {
	readonly #clock: VirtualClock;
	readonly #random: () => number;
	readonly #mostMs: number;
	#from = 0;
	#to = 0;

	constructor(clock: VirtualClock, random: () => number, mostMs: number) {
		this.#clock = clock;
		this.#random = random;
		this.#mostMs = mostMs;
	}

	/** Resolves when the process goes on. */
	async over(): Promise<void> {
		if (this.#mostMs === 0) return;
		const now = this.#clock.now();
		if (now >= this.#to) {
			this.#from = now + 3 * this.#mostMs * this.#random();
			this.#to = this.#from + this.#mostMs * this.#random();
		}
		if (now >= this.#from) await this.#clock.sleep(this.#to - now);
	}
}

/** Returns how many rows were lost. */
async function runShard(shard: VirtualShard): Promise<number> {
	const { index, ownRows, server, clock, random, meeting, stalls } = shard;
	const now = () => clock.now();
	const servers = new Servers([{ name: "", keys: new Keys("simulated", [], now) }], now);
	const provider = {
		label: "simulated",
		local: false,
		rateHeaders: "none",
		chargesMaxTokens: false,
	} as const;
	const pacing = new Pacing({ provider, servers, slotsFolder: "", now });
	const requests = new RequestCounts(now);
	let lost = 0;
	const schedule = new Schedule<number, void>(Array(ownRows).keys(), {
		clock,
		random,
		route: pacing.route,
		maxInFlight: () => pacing.maxInFlight,
		attempt: async (row, attempt) => {
			const request = {};
			requests.sent(request);
			await stalls.over();
			try {
				Object.assign(attempt, await server.request(row * 64 + index, inputTokens));
			} catch (error) {
				requests.refused(request);
				attempt.snapshot = error instanceof ServerError ? error.snapshot : undefined;
				throw error;
			}
		},
		onOutcome: ({ ok }) => {
			if (!ok) lost++;
		},
	});
	void keepInTouch(shard, pacing, requests);
	await schedule.run();
	meeting.living.splice(meeting.living.indexOf(index), 1);
	return lost;
}

async function keepInTouch(
	{ index, clock, random, meeting, stalls }: VirtualShard,
	pacing: Pacing,
	requests: RequestCounts,
): Promise<void> {
	const parts = new LimitParts();
	parts.add(pacing);
	const pace = new SharedPace();
	let saidAt = -beatMs * random();
	while (meeting.living.includes(index)) {
		const isNew = pace.toTell !== undefined && pace.toTell.perSecond !== meeting.found;
		const everyMs = isNew ? 0 : pace.isAlert(requests.refusals, clock.now()) ? alertMs : beatMs;
		if (clock.now() < saidAt + everyMs) {
			await clock.sleep(20);
			continue;
		}
		await stalls.over();
		saidAt = clock.now();
		await clock.sleep(wayMs);
		meeting.told[index] = requests.counts;
		if (pace.toTell !== undefined) meeting.found = pace.toTell.perSecond;
		const { counts, found, living } = meeting;
		const part = { living: Math.max(1, living.length), rank: Math.max(0, living.indexOf(index)) };
		await clock.sleep(wayMs);
		pace.hear({ rank: part.rank, counts, found }, clock.now());
		const foundPerMinute = pace.perSecond === undefined ? undefined : pace.perSecond * 60;
		parts.divide({ ...part, foundPerMinute });
	}
}
