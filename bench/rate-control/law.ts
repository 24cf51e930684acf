import type { Limits } from "../../src/simulator/limits.ts";
import { aimd, type Client, fixed, llmx, type Trial, tryOut } from "./clients.ts";
import { seeded } from "./provider.ts";
import { secondsOf } from "./trials.ts";
import { plainWorld, type World } from "./world.ts";

/** A server that nobody has thought of, and the rows to be sent there. */
export interface RandomWorld {
	readonly seed: number;
	readonly world: World;
	readonly rows: number;
	/** In a few words. */
	readonly title: string;
}

/** One client's figures. */
export interface Figures {
	readonly seconds: number;
	readonly refusals: number;
	readonly lost: number;
}

export interface Verdict {
	readonly random: RandomWorld;
	readonly ours: Figures;
	readonly best: Figures & { readonly name: string };
	/** Our time against that of the fastest rival. */
	readonly slowdown: number;
	/** 429s we may meet: as many as that rival, or 10 per 1,000 answers. */
	readonly allowed: number;
	readonly error: unknown;
	readonly holds: boolean;
}

/** A client that is refused so often for each of its rows is shut out: what it would reach does not count. */
const mostRefusals = 20;
/** No world is given more virtual time. */
const limitSeconds = 7_200;
const fixedCounts = [1, 4, 16, 64, 256, 512];

/**
 * The law: wherever the server stands, the controller is done within 1.25 times the time of the fastest of fixed 64, the
 * best fixed number, AIMD up to 64 and AIMD up to 512, meets no more 429s than that one or 10 per 1,000, and loses no row.
 */
export async function judge(seed: number): Promise<Verdict> {
	const random = randomWorld(seed);
	const { rows } = random;
	const { ours, error } = await tryOurs(seed);
	let best: (Figures & { readonly name: string }) | undefined;
	for (const rival of [aimd(64), aimd(512), ...fixedCounts.map((count) => fixed(count))]) {
		const theirs = { name: rival.name, ...figuresOf(await run(rival, random), rows) };
		if (best === undefined || theirs.seconds < best.seconds) best = theirs;
	}
	if (best === undefined) throw new Error("there are rivals");
	const slowdown = ours.seconds / best.seconds;
	const allowed = Math.max(best.refusals, rows / 100);
	const holds = slowdown <= 1.25 && ours.refusals <= allowed && ours.lost === 0 && error === undefined;
	return { random, ours, best, slowdown, allowed, error, holds };
}

/** What the controller alone makes of a server. */
export async function tryOurs(seed: number): Promise<Pick<Verdict, "ours" | "error">> {
	const random = randomWorld(seed);
	const trial = await run(llmx(), random);
	return { ours: figuresOf(trial, random.rows), error: trial.error };
}

function run(client: Client, { world, rows, seed }: RandomWorld): Promise<Trial> {
	return tryOut(client, world, { rows, seconds: limitSeconds, seed, mostRefusals: mostRefusals * rows });
}

function figuresOf(trial: Trial, rows: number): Figures {
	const answerable = [...Array(rows).keys()].filter((row) => !trial.server.isPermanent(row)).length;
	const isShutOut = trial.server.refusedAt.length > mostRefusals * rows;
	const seconds = isShutOut ? Number.POSITIVE_INFINITY : secondsOf(trial, answerable, limitSeconds);
	return { seconds, refusals: trial.server.refusedAt.length, lost: trial.lost };
}

/** The world of a seed. */
export function randomWorld(seed: number): RandomWorld {
	const random = seeded(seed * 7919 + 17);
	const between = (least: number, most: number) => least * (most / least) ** random();
	const oneOf = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
	const happens = (share: number) => random() < share;
	const latency = { medianMs: between(20, 30_000), spread: 0.1 + 0.5 * random(), mostMs: 120_000 };
	const answerSeconds = (latency.medianMs / 1000) * Math.exp(latency.spread ** 2 / 2);
	const kind = oneOf([
		"none",
		"bucket",
		"bucket",
		"bucket",
		"window",
		"log",
		"tokens",
		"in flight",
		"queue",
	] as const);
	const meanTokens = Math.round(between(100, 3_000));
	let requestsPerMinute: number | undefined;
	let limits: Limits = {};
	let perSecond = 512 / answerSeconds;
	let workers = Number.POSITIVE_INFINITY;
	if (kind === "bucket" || kind === "window" || kind === "log") {
		requestsPerMinute = Math.round(between(3, 12_000));
		const burstSeconds = oneOf([60 / requestsPerMinute, 1, 10, 60]);
		limits = { shape: kind, requestsPerMinute, burstSeconds, initialFill: oneOf([0, 1]) };
		perSecond = Math.min(perSecond, requestsPerMinute / 60);
	} else if (kind === "tokens") {
		const tokensPerMinute = Math.round(meanTokens * between(20, 6_000));
		limits = { tokensPerMinute, burstSeconds: oneOf([10, 60]), initialFill: oneOf([0, 1]) };
		perSecond = Math.min(perSecond, tokensPerMinute / meanTokens / 60);
	} else if (kind === "in flight") {
		const maxInFlight = Math.round(between(2, 300));
		limits = { maxInFlight };
		perSecond = maxInFlight / answerSeconds;
	} else if (kind === "queue") {
		workers = Math.round(between(2, 300));
		perSecond = workers / answerSeconds;
	}
	const rows = Math.round(Math.min(4_000, Math.max(30, perSecond * between(30, 240))));
	const headers = happens(0.5) ? "none" : oneOf(["true", "true", "true", "false", "zero"] as const);
	const ideal = rows / perSecond;
	const inTheMiddle = (share: number) => {
		const from = ideal * (0.2 + 0.5 * random());
		return { from, to: from + Math.min(120, Math.max(3, share * ideal)) };
	};
	const errorClass = oneOf(["rate_limit", "rate_limit", "overloaded"] as const);
	const chanceHintMs = oneOf([undefined, undefined, 1_000, 20_000]);
	const share = happens(0.35) ? between(0.002, 0.3) : 0;
	const world: World = {
		...plainWorld,
		limits,
		latency,
		workers,
		meanTokens,
		tokenSpread: 0.3 + random(),
		chargesAfterwards: kind === "tokens" && happens(0.5),
		headers,
		headersFrom: happens(0.2) ? 20 : 0,
		hints: oneOf(["none", "exact", "exact", 1_000, 60_000] as const),
		chance: { share, errorClass, hintMs: chanceHintMs },
		permanent: happens(0.2) ? between(0.003, 0.05) : 0,
		outages: happens(0.15) ? [{ ...inTheMiddle(0.15), errorClass: "overloaded" }] : [],
		pauses: happens(0.15) ? [inTheMiddle(0.3)] : [],
		others: requestsPerMinute !== undefined && happens(0.15) ? 0.1 + 0.5 * random() : 0,
	};
	return { seed, world, rows, title: describe(world, kind, rows) };
}

function describe(world: World, kind: string, rows: number): string {
	const { limits, latency, headers, hints, chance, permanent, outages, pauses, others, workers } = world;
	const seconds =
		latency.medianMs < 1_000 ? latency.medianMs.toFixed(0) : `${(latency.medianMs / 1000).toFixed(1)} s`;
	return [
		`${rows} rows, answers of ${latency.medianMs < 1_000 ? `${seconds} ms` : seconds}`,
		...(limits.requestsPerMinute === undefined ? [] : [`${limits.requestsPerMinute} RPM (${kind})`]),
		...(limits.tokensPerMinute === undefined ? [] : [`${limits.tokensPerMinute} TPM of ${world.meanTokens}`]),
		...(limits.shape === "bucket" ? [`saves up ${(limits.burstSeconds ?? 60).toFixed(1)} s`] : []),
		...(limits.maxInFlight === undefined ? [] : [`${limits.maxInFlight} in flight`]),
		...(Number.isFinite(workers) ? [`${workers} at once, then a queue`] : []),
		...(headers === "none" ? [] : [`headers ${headers}${world.headersFrom > 0 ? ", late" : ""}`]),
		...(hints === "none" ? [] : [`hints ${typeof hints === "number" ? `${hints / 1000} s` : hints}`]),
		...(chance.share > 0
			? [
					`${(100 * chance.share).toFixed(1)} % random ${chance.errorClass === "rate_limit" ? "429" : "503"}${chance.hintMs === undefined ? "" : `, hint ${chance.hintMs / 1000} s`}`,
				]
			: []),
		...(permanent > 0 ? [`${(100 * permanent).toFixed(1)} % permanent`] : []),
		...(others > 0 ? [`others take ${(100 * others).toFixed(0)} %`] : []),
		...outages.map(({ from, to }) => `503 for ${(to - from).toFixed(0)} s`),
		...pauses.map(({ from, to }) => `source idle for ${(to - from).toFixed(0)} s`),
	].join(", ");
}
