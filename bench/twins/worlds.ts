import type { Limits } from "../../src/simulator/limits.ts";
import { plainWorld, type World } from "../rate-control/world.ts";

/** A server and so many rows, which take half a minute at most where all is well. */
export interface Twin {
	readonly title: string;
	readonly rows: number;
	readonly world: World;
	/** Processes that share the server, each with so many rows. */
	readonly processes: number;
	/**
	 * `alone`: much CPU for its time, so nothing else runs beside it. `bound`: nothing but CPU, so what is promised is
	 * the time with as many in flight as it takes.
	 */
	readonly cpu: "little" | "alone" | "bound";
}

const hint20s = new Map([[30, 20_000]]);
const rpm600: Limits = { requestsPerMinute: 600, burstSeconds: 1 };

function twin(
	title: string,
	rows: number,
	parts: Partial<World>,
	{ processes = 1, cpu = "little" }: Partial<Pick<Twin, "processes" | "cpu">> = {},
): Twin {
	const latency = { medianMs: 400, spread: 0.35, mostMs: 60_000 };
	return { title, rows, world: { ...plainWorld, meanTokens: 60, latency, ...parts }, processes, cpu };
}

function answersOf(medianMs: number, spread = 0.25): Pick<World, "latency"> {
	return { latency: { medianMs, spread, mostMs: 60_000 } };
}

function randomRefusals(share: number): World["chance"] {
	return { share, errorClass: "rate_limit", hintMs: undefined };
}

/** Servers on which a controller once fell short, made short enough to be waited for. */
export const twins: readonly Twin[] = [
	twin("no limit, 20 ms", 1_000, answersOf(20), { cpu: "bound" }),
	twin("no limit, 1 s", 200, answersOf(1_000), { cpu: "alone" }),
	twin("no limit, 1 s, few rows", 20, answersOf(1_000, 0), { cpu: "alone" }),
	twin("32 at once, then a queue, 500 ms", 1_000, { ...answersOf(500, 0.35), workers: 32 }, { cpu: "alone" }),
	twin("5 % are too large", 400, { ...answersOf(300), permanent: 0.05, permanentClass: "invalid_request" }),
	twin("1 % are too large", 200, { ...answersOf(300), permanent: 0.01, permanentClass: "invalid_request" }),
	twin("5 % refused for ever, unsaid", 400, { ...answersOf(300), permanent: 0.05 }),
	twin("5 % random 429s", 1_000, { ...answersOf(500), chance: randomRefusals(0.05) }),
	twin("the same, headers say plenty is left", 1_000, {
		...answersOf(500),
		chance: randomRefusals(0.05),
		headers: "healthy",
	}),
	twin("one 429, hint 20 s", 200, { ...answersOf(300), refusedOnce: hint20s }),
	twin("600 RPM, no headers", 250, { limits: rpm600 }),
	twin("600 RPM, headers", 250, { limits: rpm600, headers: "true" }),
	twin("two processes, 600 RPM, no headers", 130, { limits: rpm600 }, { processes: 2 }),
	twin("two processes, 600 RPM, headers", 130, { limits: rpm600, headers: "true" }, { processes: 2 }),
	twin("600 RPM, half a minute saved up, headers", 500, {
		limits: { requestsPerMinute: 600, burstSeconds: 30 },
		headers: "true",
	}),
	twin("600 RPM, 503 for 10 s", 200, {
		limits: rpm600,
		outages: [{ from: 8, to: 18, errorClass: "overloaded" }],
	}),
	twin("600 RPM, retry-after 60 always", 250, { limits: rpm600, hints: 60_000 }),
	twin("600 RPM by a sliding log", 700, { limits: { requestsPerMinute: 600, shape: "log" } }),
	twin("600 RPM by the full minute", 700, { limits: { requestsPerMinute: 600, shape: "window" } }),
	twin("900, then 450 RPM", 250, {
		limits: { requestsPerMinute: 900, burstSeconds: 1 },
		changes: [{ at: 10, limits: { requestsPerMinute: 450, burstSeconds: 1 } }],
	}),
	twin("120,000 TPM, charged afterwards", 160, {
		limits: { tokensPerMinute: 120_000, burstSeconds: 10 },
		chargesAfterwards: true,
		meanTokens: 300,
		tokenSpread: 1.3,
	}),
	twin("20 RPM, exact hints", 12, {
		limits: { requestsPerMinute: 20, burstSeconds: 3 },
		hints: "exact",
	}),
	twin("10 RPM, exact hints", 6, { limits: { requestsPerMinute: 10, burstSeconds: 6 }, hints: "exact" }),
	twin("20 RPM, no hints", 12, { limits: { requestsPerMinute: 20, burstSeconds: 3 } }),
	twin("headers always say 0 left", 250, { limits: rpm600, headers: "zero" }),
];
