/**
 * How full the controller keeps a provider's rate, beside fixed concurrency with an SDK's back-off and AIMD, on the
 * simulator's limits and a virtual clock. `--all` runs the controller alone, over all latencies, clock errors,
 * account sizes and several seeds, and prints the worst of each; `--slow` does so for accounts of few requests a minute;
 * `--law 200` judges it on so many random servers, from that of seed `--first` on.
 */
import { parseArgs } from "node:util";
import type { Limits } from "../src/simulator/limits.ts";
import { aimd, type Client, fixed, llmx } from "./rate-control/clients.ts";
import { judge } from "./rate-control/law.ts";
import { controller, type Measured, measure } from "./rate-control/measure.ts";
import type { Latency } from "./rate-control/provider.ts";
import { rivals } from "./rate-control/rivals.ts";
import { latencies, meanOf, type Scenario, scenarios, slowScenarios } from "./rate-control/scenarios.ts";
import { trials } from "./rate-control/trials.ts";
import { printTable } from "./report.ts";

const { values } = parseArgs({
	options: {
		all: { type: "boolean", default: false },
		slow: { type: "boolean", default: false },
		law: { type: "string" },
		first: { type: "string", default: "1" },
		only: { type: "string", default: "ABCDEFGHIJKLMNOPQRSTUVWXY" },
		seeds: { type: "string", default: "3" },
	},
});

/** A whole minute saved up (OpenAI's buckets), the same but empty at the start, one second only. */
const accounts: Readonly<Record<string, Limits>> = {
	"full minute": { burstSeconds: 60, initialFill: 1 },
	"empty minute": { burstSeconds: 60, initialFill: 0 },
	"one second": { burstSeconds: 1, initialFill: 0 },
};

const head = ["scenario", "client", "of the rate", "429 per 1,000", "s to converge", "rows lost"];

function figures({ share, refusedPerThousand, converged, lost }: Measured): string[] {
	const seconds = converged.map((value) => (Number.isFinite(value) ? String(value) : "never"));
	const refusals = Number.isFinite(refusedPerThousand) ? refusedPerThousand.toFixed(1) : "all";
	return [`${(100 * share).toFixed(1)} %`, refusals, seconds.join(" / ") || "-", String(lost)];
}

function fits(latency: Latency, { mostLatencyMs }: Scenario): boolean {
	return meanOf(latency) <= mostLatencyMs;
}

async function compare(): Promise<void> {
	const rows: string[][] = [];
	for (const scenario of scenarios(accounts["full minute"] as Limits)) {
		if (!values.only.includes(scenario.id)) continue;
		const { medium, short } = latencies;
		const latency = fits(medium, scenario) ? medium : short;
		for (const contender of [controller, ...rivals]) {
			const measured = await measure(contender, { scenario, latency, seed: 1, skewMs: 0, hints: false });
			const name = contender === controller ? `${scenario.id}  ${scenario.title}` : "";
			rows.push([name, contender.name, ...figures(measured)]);
		}
	}
	printTable(head, rows);
}

async function stress(of: (bursts: Limits) => readonly Scenario[]): Promise<void> {
	const rows: string[][] = [];
	for (const [account, bursts] of Object.entries(accounts)) {
		for (const scenario of of(bursts)) {
			if (!values.only.includes(scenario.id)) continue;
			const worst = await worstOf(scenario);
			rows.push([`${scenario.id}  ${scenario.title}`, account, ...figures(worst)]);
		}
	}
	printTable(["scenario", "account holds", ...head.slice(2)], rows);
}

async function worstOf(scenario: Scenario): Promise<Measured> {
	const all: Measured[] = [];
	for (const latency of Object.values(latencies).filter((candidate) => fits(candidate, scenario))) {
		for (let seed = 1; seed <= Number(values.seeds); seed++) {
			const skewMs = [1_500, 0, -1_500][seed % 3] ?? 0;
			all.push(await measure(controller, { scenario, latency, seed, skewMs, hints: false }));
		}
	}
	return {
		share: Math.min(...all.map(({ share }) => share)),
		refusedPerThousand: Math.max(...all.map(({ refusedPerThousand }) => refusedPerThousand)),
		converged: (all[0]?.converged ?? []).map((_, step) =>
			Math.max(...all.map(({ converged }) => converged[step] ?? 0)),
		),
		lost: Math.max(...all.map(({ lost }) => lost)),
		rows: Math.min(...all.map((measured) => measured.rows)),
	};
}

/** M to Y: what the controller makes of each with every seed, and its rivals with the first. */
async function tryAll(): Promise<void> {
	const rows: string[][] = [];
	const rivals: readonly Client[] = [fixed(64), aimd(64), aimd(512)];
	for (const { id, title, wanted, find, alone } of trials()) {
		if (!values.only.includes(id)) continue;
		const texts: string[] = [];
		let good = true;
		for (let seed = 1; seed <= Number(values.seeds); seed++) {
			const finding = await find(llmx(), seed);
			texts.push(finding.text);
			good &&= finding.good;
		}
		rows.push([`${id}  ${title}`, wanted, good ? "yes" : "NO", "llmx", texts.join("  |  ")]);
		for (const rival of alone ? [] : rivals) rows.push(["", "", "", rival.name, (await find(rival, 1)).text]);
	}
	printTable(["scenario", "wanted", "met", "client", "found, by seed"], rows);
}

/** The law over so many random servers from that of a seed on, and the worst ten of them. */
async function law(first: number, count: number): Promise<void> {
	const verdicts = [];
	for (let seed = first; seed < first + count; seed++) verdicts.push(await judge(seed));
	const held = verdicts.filter(({ holds }) => holds).length;
	const worst = verdicts.toSorted((one, other) => other.slowdown - one.slowdown).slice(0, 10);
	printTable(
		["seed", "x the best", "429s / allowed", "lost", "the best", "server"],
		worst.map(({ random, slowdown, ours, allowed, best }) => [
			String(random.seed),
			slowdown.toFixed(2),
			`${ours.refusals} / ${allowed.toFixed(0)}`,
			String(ours.lost),
			best.name,
			random.title,
		]),
	);
	process.stdout.write(`the law holds on ${held} of ${count} random servers\n`);
}

if (values.law !== undefined) {
	await law(Number(values.first), Number(values.law));
} else if (values.all || values.slow) {
	await stress(values.slow ? slowScenarios : scenarios);
} else {
	await compare();
	await tryAll();
}
