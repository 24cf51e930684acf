import { RequestError } from "../../src/errors.ts";
import { AdaptiveLimiter } from "../../src/limits/adaptive-limiter.ts";
import { KeyLanes } from "../../src/schedule/key-lanes.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { Servers } from "../../src/schedule/servers.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { seeded } from "./provider.ts";
import { ServerError, type World, WorldServer } from "./world.ts";

/** What a client made of a world. Times in ms. */
export interface Trial {
	readonly server: WorldServer;
	/** When each row was answered, in order. */
	readonly answeredAt: readonly number[];
	/** Rows that were given up although the server would have answered them. */
	readonly lost: number;
	/** Rows that can never be answered and were reported as failed, and how often such a row was sent at most. */
	readonly failed: number;
	readonly mostSendings: number;
	/** Why the run ended early. */
	readonly error: unknown;
}

export interface Client {
	readonly name: string;
	readonly send: (run: Run) => Promise<unknown>;
}

/** One client's work in a world: its rows, and where it reports what became of them. */
export interface Run {
	readonly server: WorldServer;
	readonly clock: VirtualClock;
	readonly random: () => number;
	readonly rows: number;
	/** Nothing is sent after this. */
	readonly endMs: number;
	readonly answered: (row: number) => void;
	readonly failed: (row: number) => void;
}

export interface TrialLimits {
	readonly rows: number;
	readonly seconds: number;
	readonly seed: number;
	/** The trial ends when so many requests were refused. */
	readonly mostRefusals?: number;
}

/** Lets a client loose on a world until all rows are done or `seconds` have passed. */
export async function tryOut(client: Client, world: World, limits: TrialLimits): Promise<Trial> {
	const [trial] = await tryTogether([client], world, limits);
	return trial as Trial;
}

/** Several clients on one account. */
export async function tryTogether(
	clients: readonly Client[],
	world: World,
	{ rows, seconds, seed, mostRefusals = Number.POSITIVE_INFINITY }: TrialLimits,
): Promise<readonly Trial[]> {
	const clock = new VirtualClock();
	const random = seeded(seed);
	const server = new WorldServer(world, clock, random);
	const givenMs = seconds * 1000;
	const trials = clients.map((client) => {
		const answeredAt: number[] = [];
		let lost = 0;
		let failed = 0;
		let mostSendings = 0;
		const run: Run = {
			server,
			clock,
			random,
			rows,
			get endMs() {
				return server.refusedAt.length > mostRefusals ? 0 : givenMs;
			},
			answered: () => answeredAt.push(clock.now()),
			failed: (row) => {
				if (server.isPermanent(row)) {
					failed++;
					mostSendings = Math.max(mostSendings, server.sendingsOf(row));
				} else lost++;
			},
		};
		return client.send(run).then(
			(error) => ({ server, answeredAt, lost, failed, mostSendings, error }),
			(error) => ({ server, answeredAt, lost, failed, mostSendings, error }),
		);
	});
	return clock.run(Promise.all(trials));
}

/** What the prompt of a row comes to. */
export function inputTokens(row: number, meanTokens: number): number {
	return Math.round((meanTokens / 2) * (0.2 + 1.6 * (((row * 7919) % 1000) / 1000)));
}

/** The rows of a world, in order, with the pauses of their source. */
async function* rowsOf(run: Run): AsyncGenerator<number, void> {
	const { server, clock, rows } = run;
	const { pauses } = server.world;
	for (let row = 0; row < rows; row++) {
		const seconds = clock.now() / 1000;
		if (clock.now() >= run.endMs) return;
		const pause = pauses.find(({ from, to }) => seconds >= from && seconds < to);
		if (pause !== undefined) await clock.sleep(pause.to * 1000 - clock.now());
		yield row;
	}
}

/** The same in groups, as the scheduler takes them: of one each. */
async function* groupsOf(run: Run): AsyncGenerator<readonly number[], void> {
	for await (const row of rowsOf(run)) yield [row];
}

function* plainRowsOf({ rows, clock, endMs }: Run): Generator<number, void> {
	for (let row = 0; row < rows && clock.now() < endMs; row++) yield row;
}

/** The controller under the scheduler, as `generate` and `batch` use them. */
export function llmx(options: { readonly concurrency?: number } = {}): Client {
	const send = async (run: Run): Promise<unknown> => {
		const { clock, random, server, endMs } = run;
		const { meanTokens, pauses } = server.world;
		const now = () => clock.now();
		const { concurrency } = options;
		const limiter = new AdaptiveLimiter({ now, concurrency, eager: concurrency !== undefined });
		const schedule = new Schedule<number, void>(pauses.length > 0 ? groupsOf(run) : plainRowsOf(run), {
			clock,
			random,
			maxInFlight: concurrency === undefined ? undefined : () => concurrency,
			route: new KeyLanes(
				new Servers([{ name: "", keys: new Keys("simulated", [], now) }], now),
				() => limiter,
			),
			cost: (row) => ({ inputTokens: inputTokens(row, meanTokens) }),
			attempt: async (row, attempt) => {
				try {
					Object.assign(attempt, await server.request(row, inputTokens(row, meanTokens)));
				} catch (error) {
					attempt.snapshot = error instanceof ServerError ? error.snapshot : undefined;
					throw error;
				}
			},
			onOutcome: ({ ok, item }) => (ok ? run.answered(item) : run.failed(item)),
		});
		clock.after(endMs, () => schedule.stop());
		await schedule.run();
		return undefined;
	};
	return { name: concurrencyName("llmx", options.concurrency), send };
}

function concurrencyName(name: string, concurrency: number | undefined): string {
	return concurrency === undefined ? name : `${name} --concurrency ${concurrency}`;
}

/** So many loops, each of which sends a row and sends it again, as SDKs do, until it is answered. */
export function fixed(count: number): Client {
	const send = async (run: Run): Promise<void> => {
		const { clock, server } = run;
		const source = rowsOf(run);
		const loop = async () => {
			for await (const row of { [Symbol.asyncIterator]: () => ({ next: () => source.next() }) }) {
				for (let refusals = 0; clock.now() < run.endMs; refusals++) {
					const waitMs = await sendOnce(run, row, refusals);
					if (waitMs === undefined) break;
					await clock.sleep(waitMs);
				}
			}
		};
		await Promise.all(Array.from({ length: count }, loop));
		void server;
	};
	return { name: `fixed ${count}`, send };
}

/** One more in flight for each window's worth of answers, half as many after an episode of refusals. */
export function aimd(most: number): Client {
	const send = async (run: Run): Promise<void> => {
		const { clock } = run;
		const source = rowsOf(run);
		const again: { readonly row: number; readonly refusals: number }[] = [];
		const over = Promise.withResolvers<void>();
		let window = 1;
		let inFlight = 0;
		let waiting = 0;
		let cutAt = Number.NEGATIVE_INFINITY;
		let exhausted = false;
		let reading = false;
		const launch = (row: number, refusals: number) => {
			inFlight++;
			const sentAt = clock.now();
			void sendOnce(run, row, refusals).then((waitMs) => {
				inFlight--;
				if (waitMs === undefined) {
					window = Math.min(most, window + 1 / window);
				} else {
					if (sentAt > cutAt) {
						window = Math.max(1, window / 2);
						cutAt = clock.now();
					}
					waiting++;
					clock.after(waitMs, () => {
						waiting--;
						again.push({ row, refusals: refusals + 1 });
						pump();
					});
				}
				pump();
			});
		};
		const pump = () => {
			const ended = clock.now() >= run.endMs;
			while (!ended && inFlight + (reading ? 1 : 0) < Math.floor(window)) {
				const next = again.shift();
				if (next !== undefined) {
					launch(next.row, next.refusals);
					continue;
				}
				if (exhausted) break;
				reading = true;
				void source.next().then(({ done, value }) => {
					reading = false;
					if (done) exhausted = true;
					else launch(value, 0);
					pump();
				});
				return;
			}
			if (inFlight === 0 && !reading && (ended || (exhausted && waiting + again.length === 0)))
				over.resolve();
		};
		pump();
		clock.after(run.endMs, pump);
		await over.promise;
	};
	return { name: `AIMD ${most}`, send };
}

/** Ms until the row may be sent again; undefined when it is done. A row that can never be answered is given up at last. */
async function sendOnce(
	{ server, random, answered, failed }: Run,
	row: number,
	refusals: number,
): Promise<number | undefined> {
	try {
		await server.request(row, inputTokens(row, server.world.meanTokens));
		answered(row);
		return undefined;
	} catch (error) {
		if (!(error instanceof RequestError)) throw error;
		if (error.errorClass === "quota" || (server.isPermanent(row) && refusals >= 5)) {
			failed(row);
			return undefined;
		}
		const backoffMs = Math.min(8_000, 500 * 2 ** refusals) * (1 - 0.25 * random());
		return error.advice.afterMs === undefined ? backoffMs : Math.min(60_000, error.advice.afterMs);
	}
}
