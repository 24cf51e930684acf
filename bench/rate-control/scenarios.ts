import type { Limits } from "../../src/simulator/limits.ts";
import type { Latency } from "./provider.ts";

export interface Scenario {
	readonly id: string;
	readonly title: string;
	readonly seconds: number;
	readonly limits: Limits;
	readonly headers: boolean;
	/** The limits come back all at once at the full minute instead of bit by bit. */
	readonly windowed: boolean;
	readonly meanTokens: number;
	readonly others: number;
	readonly accounts: number;
	/** Changes of the limits at second `at`. */
	readonly steps: readonly { readonly at: number; readonly limits: Limits }[];
	/** The highest mean latency at which the default ceiling of 512 in flight can fill the rate. */
	readonly mostLatencyMs: number;
}

export const latencies = {
	short: { medianMs: 300, spread: 0.4, mostMs: 2_000 },
	medium: { medianMs: 1_500, spread: 0.5, mostMs: 8_000 },
	long: { medianMs: 4_500, spread: 0.35, mostMs: 8_000 },
} as const satisfies Readonly<Record<string, Latency>>;

/** Of a log-normal latency, in ms. */
export function meanOf({ medianMs, spread }: Latency): number {
	return medianMs * Math.exp(spread ** 2 / 2);
}

const plain = {
	seconds: 600,
	headers: true,
	windowed: false,
	meanTokens: 600,
	others: 0,
	accounts: 1,
	steps: [],
	mostLatencyMs: Number.POSITIVE_INFINITY,
} as const;

function steps(bursts: Limits): Pick<Scenario, "seconds" | "limits" | "steps"> {
	return {
		seconds: 900,
		limits: { ...bursts, requestsPerMinute: 3000 },
		steps: [
			{ at: 300, limits: { ...bursts, requestsPerMinute: 1000 } },
			{ at: 600, limits: { ...bursts, requestsPerMinute: 3000 } },
		],
	};
}

/** The scenarios of the specification; `bursts` says how much of its rate an account can save up. */
export function scenarios(bursts: Limits): readonly Scenario[] {
	const rpm = { ...bursts, requestsPerMinute: 3000 };
	return [
		{ ...plain, id: "A", title: "3,000 RPM, headers", limits: rpm },
		{ ...plain, id: "B", title: "1.2 M TPM, headers", limits: { ...bursts, tokensPerMinute: 1_200_000 } },
		{ ...plain, id: "C", title: "3,000 RPM, no headers", limits: rpm, headers: false },
		{ ...plain, id: "D", title: "3000-1000-3000, headers", ...steps(bursts) },
		{ ...plain, id: "E", title: "the same, no headers", ...steps(bursts), headers: false },
		{
			...plain,
			id: "F",
			title: "30,000 RPM, headers",
			limits: { ...bursts, requestsPerMinute: 30_000 },
			seconds: 120,
			mostLatencyMs: 700,
		},
		{ ...plain, id: "G", title: "others take 60 %, headers", limits: rpm, others: 0.6 },
		{
			...plain,
			id: "H",
			title: "64 in flight, no headers",
			limits: { maxInFlight: 64 },
			headers: false,
			seconds: 1200,
		},
		{ ...plain, id: "I", title: "two keys, two accounts", limits: rpm, accounts: 2, mostLatencyMs: 4_000 },
		{
			...plain,
			id: "J",
			title: "daily quota ends half-way",
			limits: { ...rpm, requestsPerDay: 15_000 },
			headers: false,
		},
		{ ...plain, id: "K", title: "fixed minutes, headers", limits: rpm, windowed: true },
		{ ...plain, id: "L", title: "the same, no headers", limits: rpm, windowed: true, headers: false },
	];
}

/** A few requests a minute, as free accounts have them. */
export function slowScenarios(bursts: Limits): readonly Scenario[] {
	return [20, 60, 300].flatMap((requestsPerMinute) =>
		[true, false].map((headers) => ({
			...plain,
			id: headers ? "A" : "C",
			title: `${requestsPerMinute} RPM, ${headers ? "" : "no "}headers`,
			limits: { ...bursts, requestsPerMinute },
			headers,
			seconds: 1800,
		})),
	);
}
