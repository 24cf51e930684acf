import { AdaptiveLimiter } from "../../src/limits/adaptive-limiter.ts";
import type { Limiter } from "../../src/limits/limiter.ts";
import { KeyLanes } from "../../src/schedule/key-lanes.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { Servers } from "../../src/schedule/servers.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { type Latency, Provider, RefusedError, seeded } from "./provider.ts";
import type { Scenario } from "./scenarios.ts";

export interface Contender {
	readonly name: string;
	/** Paces with a limiter under the scheduler, or sends by itself in so many loops. */
	readonly limiter?: (now: () => number) => Limiter;
	readonly loops?: number;
}

export const controller: Contender = {
	name: "llmx",
	limiter: (now) => new AdaptiveLimiter({ now }),
};

export interface Measured {
	/** Answered requests against what the limits allowed. */
	readonly share: number;
	readonly refusedPerThousand: number;
	/** Seconds to converge at the start and after each step of the limits. */
	readonly converged: readonly number[];
	readonly lost: number;
	readonly rows: number;
}

export interface World {
	readonly scenario: Scenario;
	readonly latency: Latency;
	readonly seed: number;
	readonly skewMs: number;
	readonly hints: boolean;
}

/** Runs one contender through one scenario on a virtual clock. */
export async function measure(contender: Contender, world: World): Promise<Measured> {
	const { scenario, seed } = world;
	const clock = new VirtualClock();
	const random = seeded(seed);
	const providers = Array.from(
		{ length: scenario.accounts },
		() =>
			new Provider({
				clock,
				random,
				limits: scenario.limits,
				windowed: scenario.windowed,
				latency: world.latency,
				headers: scenario.headers,
				hints: world.hints,
				skewMs: world.skewMs,
				meanTokens: scenario.meanTokens,
				others: scenario.others,
			}),
	);
	const allowance = new Allowance(scenario);
	for (const { at, limits } of scenario.steps) {
		clock.after(at * 1000, () => {
			for (const provider of providers) provider.limits.change(limits);
		});
	}
	const endMs = scenario.seconds * 1000;
	const outcome =
		contender.limiter === undefined
			? loops(contender.loops ?? 1, providers, clock, random, endMs, scenario.meanTokens)
			: scheduled(contender.limiter, providers, clock, random, endMs, scenario.meanTokens);
	const { lost, rows } = await clock.run(outcome);
	return { ...summarise(providers, allowance, scenario), lost, rows };
}

/** Prompt tokens vary by a factor of ten; their number is known before sending. */
function* prompts(random: () => number, meanTokens: number): Generator<number> {
	for (;;) yield Math.round((meanTokens / 2) * (0.2 + 1.6 * random()));
}

async function scheduled(
	makeLimiter: (now: () => number) => Limiter,
	providers: readonly Provider[],
	clock: VirtualClock,
	random: () => number,
	endMs: number,
	meanTokens: number,
): Promise<{ lost: number; rows: number }> {
	const now = () => clock.now();
	const keys = new Keys("simulated", Object.keys(providers), now);
	let rows = 0;
	let lost = 0;
	const run = new Schedule(prompts(random, meanTokens), {
		clock,
		random,
		route: new KeyLanes(new Servers([{ name: "", keys }], now), () => makeLimiter(now)),
		cost: (inputTokens) => ({ inputTokens }),
		attempt: async (inputTokens, attempt) => {
			try {
				const reply = await (providers[Number(attempt.key)] as Provider).request(inputTokens);
				attempt.snapshot = reply.snapshot;
				attempt.inputTokens = reply.inputTokens;
				attempt.outputTokens = reply.outputTokens;
			} catch (error) {
				attempt.snapshot = error instanceof RefusedError ? error.snapshot : undefined;
				throw error;
			}
		},
		onOutcome: ({ ok }) => {
			rows++;
			lost += ok ? 0 : 1;
		},
	});
	clock.after(endMs, () => run.stop());
	try {
		await run.run();
	} catch (error) {
		if (!(error instanceof RefusedError && error.errorClass === "quota")) throw error;
	}
	return { lost, rows };
}

/** What people do with an SDK: so many loops, each of which sends, backs off on 429 and gives up after two retries. */
async function loops(
	count: number,
	providers: readonly Provider[],
	clock: VirtualClock,
	random: () => number,
	endMs: number,
	meanTokens: number,
): Promise<{ lost: number; rows: number }> {
	let rows = 0;
	let lost = 0;
	const loop = async (index: number) => {
		const provider = providers[index % providers.length] as Provider;
		for (const inputTokens of prompts(random, meanTokens)) {
			for (let retries = 0; clock.now() < endMs; retries++) {
				try {
					await provider.request(inputTokens);
					rows++;
					break;
				} catch (error) {
					if (retries === 2) {
						rows++;
						lost++;
						break;
					}
					const hintMs = error instanceof RefusedError ? error.advice.afterMs : undefined;
					const backOffMs = Math.min(500 * 2 ** retries, 8000) * (1 - 0.25 * random());
					await clock.sleep(hintMs === undefined ? backOffMs : Math.min(hintMs, 60_000));
				}
			}
			if (clock.now() >= endMs) return;
		}
	};
	await Promise.all(Array.from({ length: count }, (_, index) => loop(index)));
	return { lost, rows };
}

/** What a scenario allows in requests (or tokens, where those are limited), second by second. */
class Allowance {
	readonly #scenario: Scenario;

	constructor(scenario: Scenario) {
		this.#scenario = scenario;
	}

	/** Units allowed in second `second` for all accounts together. */
	at(second: number): number {
		const { limits, steps, accounts } = this.#scenario;
		const current = steps.findLast((step) => step.at <= second)?.limits ?? limits;
		return (accounts * (current.requestsPerMinute ?? current.tokensPerMinute ?? 0)) / 60;
	}
}

function summarise(
	providers: readonly Provider[],
	allowance: Allowance,
	scenario: Scenario,
): Omit<Measured, "lost" | "rows"> {
	const { seconds, limits } = scenario;
	const admitted = sumBySecond(providers.map((provider) => provider.admitted));
	const refused = sumBySecond(providers.map((provider) => provider.refused));
	const total = sum(admitted);
	return {
		share: share(providers, allowance, scenario, total),
		refusedPerThousand: (1000 * sum(refused)) / total,
		converged:
			limits.requestsPerMinute === undefined || scenario.others > 0 || limits.requestsPerDay !== undefined
				? []
				: [0, ...scenario.steps.map((step) => step.at)].map((from, index, all) =>
						convergence(admitted, refused, allowance, from, all[index + 1] ?? seconds),
					),
	};
}

function share(
	providers: readonly Provider[],
	allowance: Allowance,
	{ seconds, limits, accounts, windowed }: Scenario,
	total: number,
): number {
	if (limits.maxInFlight !== undefined) {
		const used = sum(providers.map((provider) => provider.inFlightMs));
		return used / (limits.maxInFlight * accounts * seconds * 1000);
	}
	if (limits.requestsPerDay !== undefined)
		return total / Math.min(limits.requestsPerDay, (limits.requestsPerMinute ?? 0) * (seconds / 60));
	let allowed = windowed ? 0 : (limits.burstSeconds ?? 60) * (limits.initialFill ?? 1) * allowance.at(0);
	for (let second = 0; second < seconds; second++) allowed += allowance.at(second);
	const others = sum(providers.map((provider) => sum(provider.othersAdmitted.slice(0, seconds))));
	const ours =
		limits.requestsPerMinute === undefined
			? sum(providers.map((provider) => provider.tokensAdmitted))
			: total;
	return ours / (allowed - others);
}

/** Seconds after `from` at which five seconds begin with nine tenths of the rate used and hardly a refusal. */
function convergence(
	admitted: readonly number[],
	refused: readonly number[],
	allowance: Allowance,
	from: number,
	until: number,
): number {
	for (let second = from; second + 5 <= until; second++) {
		const used = sum(admitted.slice(second, second + 5));
		const wasted = sum(refused.slice(second, second + 5));
		if (used >= 0.9 * 5 * allowance.at(second) && wasted <= 0.05 * used + 1) return second - from;
	}
	return Number.POSITIVE_INFINITY;
}

function sumBySecond(all: readonly (readonly number[])[]): number[] {
	const length = Math.max(0, ...all.map((list) => list.length));
	return Array.from({ length }, (_, second) => sum(all.map((list) => list[second] ?? 0)));
}

function sum(list: readonly number[]): number {
	return list.reduce((total, value) => total + (value ?? 0), 0);
}
