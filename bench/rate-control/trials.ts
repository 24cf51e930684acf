import { AdaptiveLimiter } from "../../src/limits/adaptive-limiter.ts";
import type { Limits } from "../../src/simulator/limits.ts";
import { type Client, llmx, type Trial, tryOut, tryTogether } from "./clients.ts";
import { plainWorld, type Span, type World } from "./world.ts";

/** What one client made of a scenario, in words, and whether that is what is wanted of the controller. */
export interface Finding {
	readonly text: string;
	readonly good: boolean;
}

export interface Scenario {
	readonly id: string;
	readonly title: string;
	readonly wanted: string;
	readonly find: (client: Client, seed: number) => Promise<Finding>;
	/** The controller alone: rivals have nothing to do with it. */
	readonly alone?: boolean;
}

const endless = Number.POSITIVE_INFINITY;
const second: Pick<World, "latency"> = { latency: { medianMs: 1_000, spread: 0.25, mostMs: 60_000 } };
const quick: Pick<World, "latency"> = { latency: { medianMs: 400, spread: 0.35, mostMs: 60_000 } };
const hours = 7_200;

function world(parts: Partial<World>): World {
	return { ...plainWorld, ...parts };
}

/** Seconds until all rows that can be answered were; what never ended counts as the time it was given. */
export function secondsOf({ answeredAt }: Trial, rows: number, limitSeconds: number): number {
	return answeredAt.length < rows ? limitSeconds : (answeredAt.at(-1) ?? 0) / 1000;
}

function sum(values: readonly (number | undefined)[]): number {
	return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** `values` is by second; returns its sum over [from, to). */
function within(values: readonly (number | undefined)[], from: number, to: number): number {
	return sum(values.slice(from, to));
}

function perThousand({ server }: Trial): number {
	return (1000 * sum(server.refused)) / Math.max(1, sum(server.admitted));
}

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

/** Time to do all rows, against the same client on the same server without the trouble. */
function slowdown(
	id: string,
	title: string,
	trouble: Partial<World>,
	{
		most,
		answerable = 1,
		check,
	}: {
		readonly most: number;
		readonly answerable?: number;
		readonly check?: (trial: Trial) => string | undefined;
	},
): Scenario {
	const rows = 3_000;
	const find = async (client: Client, seed: number) => {
		const run = { rows, seconds: hours, seed };
		const calm = await tryOut(client, world(second), run);
		const trial = await tryOut(client, world({ ...second, ...trouble }), run);
		const wantedRows = rows - [...Array(rows).keys()].filter((row) => trial.server.isPermanent(row)).length;
		const before = secondsOf(calm, rows, hours) / answerable;
		const time = secondsOf(trial, wantedRows, hours);
		const complaint = trial.error === undefined ? check?.(trial) : "ended early";
		const lost = trial.lost > 0 ? `, ${trial.lost} lost` : "";
		const text = `${(time / before).toFixed(2)} x (${time.toFixed(0)} s)${lost}${complaint ? `, ${complaint}` : ""}`;
		return { text, good: time <= most * before && trial.lost === 0 && complaint === undefined };
	};
	return { id, title, wanted: `<= ${most} x, 0 lost`, find };
}

/** How much of what the limits allowed was used, in requests or tokens. */
function fullness(
	id: string,
	title: string,
	parts: Partial<World>,
	{
		seconds,
		least,
		most = endless,
		from = 0,
		skip = [],
		firstRefusals = endless,
	}: {
		readonly seconds: number;
		readonly least: number;
		readonly most?: number;
		/** Seconds that are not counted at the start. */
		readonly from?: number;
		/** Times in which nothing could be sent. */
		readonly skip?: readonly Span[];
		readonly firstRefusals?: number;
	},
): Scenario {
	const find = async (client: Client, seed: number) => {
		const trial = await tryOut(client, world({ ...quick, ...parts }), { rows: endless, seconds, seed });
		const { requestsPerMinute = 0, tokensPerMinute } = parts.limits ?? {};
		const used = tokensPerMinute === undefined ? trial.server.admitted : trial.server.tokens;
		const idle = sum(skip.map((span) => span.to - span.from));
		const allowed = ((tokensPerMinute ?? requestsPerMinute) / 60) * (seconds - from - idle);
		const share = within(used, from, seconds) / allowed;
		const refusals = perThousand(trial);
		const early = refusalsBeforePause(trial);
		const text = `${percent(share)} · ${refusals.toFixed(0)}${early > firstRefusals ? ` · ${early} at once` : ""}`;
		const good = share >= least && refusals <= most && early <= firstRefusals && trial.lost === 0;
		return { text, good };
	};
	const bound = Number.isFinite(most) ? ` · <= ${most}` : "";
	return { id, title, wanted: `>= ${percent(least)}${bound}`, find };
}

/** Refusals that came in before nothing was refused for a fifth of a second. */
function refusalsBeforePause({ server }: Trial): number {
	const { refusedAt } = server;
	const end = refusedAt.findIndex((at, index) => index > 0 && at - (refusedAt[index - 1] ?? 0) > 200);
	return end < 0 ? refusedAt.length : end;
}

/** The share of each minute after the first, the worst of them. */
function worstMinute(id: string, title: string, parts: Partial<World>, least: number): Scenario {
	const seconds = 600;
	const find = async (client: Client, seed: number) => {
		const trial = await tryOut(client, world({ ...quick, ...parts }), { rows: endless, seconds, seed });
		const allowed = parts.limits?.tokensPerMinute ?? 0;
		const minutes = Array.from({ length: 9 }, (_, index) => 60 * (index + 1));
		const shares = minutes.map((from) => within(trial.server.tokens, from, from + 60) / allowed);
		const worst = Math.min(...shares);
		return { text: `${percent(worst)} · ${perThousand(trial).toFixed(0)}`, good: worst >= least };
	};
	return { id, title, wanted: `>= ${percent(least)} in each minute`, find };
}

/** A server without limits, against the same rows with 64 in flight. */
function start(title: string, rows: number, latencyMs: number, spread: number, most: number): Scenario {
	const find = async (client: Client, seed: number) => {
		const parts = world({ latency: { medianMs: latencyMs, spread, mostMs: 60_000 } });
		const run = { rows, seconds: hours, seed };
		const trial = secondsOf(await tryOut(client, parts, run), rows, hours);
		const oneAnswer = latencyMs / 1000;
		const given =
			rows < 64 ? oneAnswer : secondsOf(await tryOut(llmx({ concurrency: 64 }), parts, run), rows, hours);
		return { text: `${(trial / given).toFixed(2)} x (${trial.toFixed(2)} s)`, good: trial <= most * given };
	};
	return { id: "U", title, wanted: `<= ${most} x`, find };
}

function queueing(): Scenario {
	const find = async (client: Client, seed: number) => {
		const parts = world({ latency: { medianMs: 500, spread: 0.35, mostMs: 60_000 }, workers: 32 });
		const seconds = 120;
		const trial = await tryOut(client, parts, { rows: endless, seconds, seed });
		const share = trial.server.busyMs / (32 * seconds * 1000);
		const latencies = [...trial.server.latencies].sort((a, b) => a - b);
		const p50 = (latencies[latencies.length >> 1] ?? 0) / 500;
		return { text: `${percent(share)} · p50 ${p50.toFixed(1)} x`, good: share >= 0.97 && p50 <= 2 };
	};
	return { id: "V", title: "32 at once, then a queue", wanted: ">= 97 % · p50 <= 2 x", find };
}

/** Token headers fall from full to nothing, and the refusal says "try again in 20 ms". */
function suddenDrop(): Scenario {
	const find = async () => {
		const time = { now: 0 };
		const limiter = new AdaptiveLimiter({ now: () => time.now, concurrency: 4, eager: true });
		const cost = { inputTokens: 5 };
		const tokens = (remaining: number, resetMs: number) => ({
			tokens: { limit: 150_000, remaining, resetMs, windowMs: 60_000 },
		});
		for (let row = 0; row < 4; row++) {
			const sending = limiter.sent(cost);
			time.now += 10;
			limiter.succeeded(sending, { inputTokens: 5, outputTokens: 5, snapshot: tokens(149_900, 40) });
		}
		const refused = limiter.sent(cost);
		time.now += 10;
		limiter.refused(refused, { hintMs: 20, snapshot: tokens(3, 59_998) });
		const from = time.now;
		while (limiter.waitMs(cost) > 0) time.now += 5;
		const waited = (time.now - from) / 1000;
		return { text: `${waited.toFixed(2)} s`, good: waited <= 1 };
	};
	return { id: "X", title: "token headers drop, hint 20 ms", wanted: "<= 1 s", find, alone: true };
}

function twoProcesses(headers: World["headers"]): Scenario {
	const find = async (client: Client, seed: number) => {
		const seconds = 300;
		const limits = { requestsPerMinute: 600, burstSeconds: 1 };
		const trials = await tryTogether([client, client], world({ ...quick, limits, headers }), {
			rows: endless,
			seconds,
			seed,
		});
		const counts = trials.map(({ answeredAt }) => answeredAt.length);
		const share = sum(counts) / (10 * seconds);
		const least = Math.min(...counts) / sum(counts);
		const text = `${percent(share)} · the smaller ${percent(least)}`;
		return { text, good: share >= 0.95 && share <= 1.05 && least >= 1 / 3 };
	};
	const title = `two processes, ${headers === "none" ? "no headers" : "headers"}`;
	return { id: "Y", title, wanted: "95 to 105 %, each >= a third", find };
}

function permanentRows({ mostSendings }: Trial): string | undefined {
	return mostSendings <= 6 ? undefined : `a row was sent ${mostSendings} times`;
}

/** M to Y: worlds in which a refusal need not come from the rate, and those that fooled a controller before. */
export function trials(): readonly Scenario[] {
	const all: Scenario[] = [];
	const shares = [0.005, 0.01, 0.05, 0.2];
	const kinds: readonly (readonly [string, Partial<World>, number | undefined])[] = [
		["no hint", {}, undefined],
		["hint 1 s", {}, 1_000],
		["healthy headers", { headers: "healthy" }, undefined],
	];
	for (const share of shares) {
		for (const [kind, parts, hintMs] of kinds) {
			const trouble = { ...parts, chance: { share, errorClass: "rate_limit" as const, hintMs } };
			const options = { most: 1.3, answerable: 1 - share };
			all.push(slowdown("M", `random 429, ${100 * share} %, ${kind}`, trouble, options));
		}
	}
	const rpm3000: Limits = { requestsPerMinute: 3_000, burstSeconds: 1 };
	const chance = { share: 0.05, errorClass: "rate_limit" as const, hintMs: undefined };
	all.push(
		fullness("N", "3,000 RPM and 5 % random", { limits: rpm3000, chance }, { seconds: 300, least: 0.92 }),
	);
	// Of the last, what is refused is a flood that has nothing to do with any limit.
	for (const permanent of [0.01, 0.05, 0.3]) {
		const title = `permanent 429, ${100 * permanent} % of the rows`;
		all.push(slowdown("O", title, { permanent }, { most: 1.2, check: permanentRows }));
	}
	for (const hintMs of [20_000, 60_000]) {
		const trouble = { refusedOnce: new Map([[1_000, hintMs]]) };
		all.push(slowdown("P", `one 429, hint ${hintMs / 1000} s`, trouble, { most: 1.15 }));
	}
	const rpm600: Limits = { requestsPerMinute: 600, burstSeconds: 1 };
	for (const [to, seconds] of [
		[80, 360],
		[180, 900],
	] as const) {
		const outages = [{ from: 60, to, errorClass: "overloaded" as const }];
		const options = { seconds, least: 0.97, skip: outages };
		all.push(fullness("Q", `503 for ${to - 60} s`, { limits: rpm600, outages }, options));
	}
	for (const [to, seconds] of [
		[120, 360],
		[360, 1_200],
	] as const) {
		const pauses = [{ from: 60, to }];
		const options = { seconds, least: 0.97, skip: pauses };
		all.push(fullness("Q", `source idle for ${to - 60} s`, { limits: rpm600, pauses }, options));
	}
	all.push(
		fullness("R", "retry-after 60 always", { limits: rpm600, hints: 60_000 }, { seconds: 900, least: 0.9 }),
	);
	const log: Limits = { requestsPerMinute: 600, shape: "log" };
	all.push(
		fullness("R", "sliding log, exact hints", { limits: log, hints: "exact" }, { seconds: 900, least: 0.95 }),
	);
	const tokens = { limits: { tokensPerMinute: 120_000, burstSeconds: 10 }, chargesAfterwards: true };
	const heavy = { meanTokens: 300, tokenSpread: 1.3 };
	all.push(worstMinute("S", "120,000 TPM, charged afterwards", { ...tokens, ...heavy }, 0.93));
	for (const requestsPerMinute of [3, 10, 20]) {
		const limits = { requestsPerMinute, burstSeconds: 60 / requestsPerMinute };
		const options = { seconds: 1_800, firstRefusals: 4 };
		const name = `${requestsPerMinute} RPM`;
		all.push(
			fullness(
				"T",
				`${name}, exact hints`,
				{ limits, hints: "exact" },
				{ ...options, least: 0.95, most: 100 },
			),
			fullness("T", `${name}, no hints`, { limits }, { ...options, least: 0.85, most: 150 }),
			fullness(
				"T",
				`${name} by the full minute`,
				{ limits: { ...limits, shape: "window" } },
				{ ...options, least: 0.9 },
			),
		);
	}
	all.push(start("1,000 rows at 20 ms", 1_000, 20, 0.25, 1 / 0.9));
	all.push(start("200 rows at 1 s", 200, 1_000, 0.25, 1.5));
	all.push(start("20 rows at 1 s", 20, 1_000, 0, 1.3));
	all.push(queueing());
	const minutes: Limits = { requestsPerMinute: 600, shape: "window" };
	all.push(
		fullness(
			"W",
			"600 by the full minute",
			{ limits: minutes },
			{ seconds: 900, least: 0.95, most: 20, from: 60 },
		),
	);
	all.push(suddenDrop(), twoProcesses("none"), twoProcesses("true"));
	return all;
}
