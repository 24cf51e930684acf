/**
 * llmx beside what else one could send prompts with, on one loopback server: many prompts by llmx as it comes and with
 * `--concurrency`, a bare undici loop, the openai SDK, the AI SDK, LangChain JS and promptfoo from npm, litellm and inspect
 * (Python); and one prompt by llmx, llm (Python), aichat (Rust) and mods (Go). What is not installed is said to be absent.
 *
 *     node bench/peers.ts --install                    # into ~/.cache/llmx-peers, which stays; then measures
 *     node bench/peers.ts --only llmx,openai --latency 25 --in-flight 64
 *     node bench/peers.ts --record                     # also into bench/peers/figures.json
 *     node bench/peers.ts --table                      # the README's tables from it
 *
 * Every run is printed as it ends. Peers take turns, so that a busy moment of the machine hits all alike.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
	type AskFigures,
	askTable,
	type KillFigures,
	manyTable,
	type RunFigures,
	readFigures,
	recordFigures,
	sourcesOf,
} from "./peers/figures.ts";
import { findInstalled, install } from "./peers/install.ts";
import { Arena, type Load, type Measured } from "./peers/measure.ts";
import { manyPrompts, onePrompt, type Peer } from "./peers/peers.ts";
import { median, printTable } from "./report.ts";

const { values } = parseArgs({
	options: {
		only: { type: "string" },
		parts: { type: "string", default: "many,kill,one" },
		latency: { type: "string", default: "0,25,300" },
		"in-flight": { type: "string", default: "64,512" },
		rows: { type: "string", default: "1200" },
		rounds: { type: "string", default: "3" },
		folder: {
			type: "string",
			default: join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "llmx-peers"),
		},
		install: { type: "boolean", default: false },
		record: { type: "boolean", default: false },
		table: { type: "boolean", default: false },
	},
});

const rows = Number(values.rows);
const rounds = Number(values.rounds);
const only = values.only?.split(",");

function chosen(peers: readonly Peer[]): readonly Peer[] {
	return peers.filter(({ name }) => only?.includes(name) ?? true);
}

type Figure = readonly [head: string, of: (run: Measured) => number];

const used: readonly Figure[] = [
	["first request ms", ({ firstRequestMs }) => firstRequestMs],
	["CPU ms a prompt", ({ cpuMs }) => cpuMs],
	["peak MB", ({ megabytes }) => megabytes],
];
const manyFigures: readonly Figure[] = [["rows/s", ({ seconds }) => rows / seconds], ...used];
const oneFigures: readonly Figure[] = [["whole ms", ({ seconds }) => 1_000 * seconds], ...used];

const cell = (value: number) => value.toFixed(value < 10 ? 2 : 0);

function printMedians(medians: ReadonlyMap<Peer, Measured>, figures: readonly Figure[]): void {
	const lines = [...medians].map(([{ label }, run]) => [label, ...figures.map(([, of]) => cell(of(run)))]);
	console.log();
	printTable(["", ...figures.map(([head]) => head)], lines);
}

/** Medians of each peer over the rounds, after one that counts for nothing. A peer that fails leaves the turns. */
async function takeTurns(
	arena: Arena,
	peers: readonly Peer[],
	load: Load,
	figures: readonly Figure[],
): Promise<Map<Peer, Measured>> {
	const measured = new Map(peers.map((peer) => [peer, [] as Measured[]]));
	for (let round = 0; round <= rounds; round++) {
		for (const [peer, runs] of measured) {
			const say = (text: string) =>
				console.log(`  ${round === 0 ? "warm-up" : `round ${round}`}: ${peer.label}: ${text}`);
			try {
				const run = await arena.run(peer, load);
				say(figures.map(([head, of]) => `${cell(of(run))} ${head}`).join(", "));
				if (round > 0) runs.push(run);
			} catch (error) {
				say(`failed: ${(error as Error).message}`);
				measured.delete(peer);
			}
		}
	}
	const medianOf = (runs: readonly Measured[]): Measured => {
		const of = (figure: keyof Measured) => median(runs.map((run) => run[figure]));
		return {
			seconds: of("seconds"),
			firstRequestMs: of("firstRequestMs"),
			cpuMs: of("cpuMs"),
			megabytes: of("megabytes"),
		};
	};
	return new Map([...measured].map(([peer, runs]) => [peer, medianOf(runs)]));
}

const today = new Date().toISOString().slice(0, 10);
const sourceOf = ({ label, found }: Peer) => ({ peer: label, of: found?.version() ?? "", date: today });

async function measureMany(arena: Arena, peers: readonly Peer[]): Promise<void> {
	const concurrencies = values["in-flight"].split(",").map(Number);
	for (const latencyMs of values.latency.split(",").map(Number)) {
		for (const inFlight of concurrencies) {
			// Those that pace themselves do so once.
			const able = peers.filter(({ pacesItself = false }) => !pacesItself || inFlight === concurrencies[0]);
			console.log(`\n${rows} prompts, ${latencyMs} ms, ${inFlight} in flight\n`);
			const medians = await takeTurns(arena, able, { latencyMs, rows, inFlight }, manyFigures);
			printMedians(medians, manyFigures);
			const figures = [...medians].map(([peer, { seconds, ...rest }]): RunFigures => {
				const load = { latencyMs, inFlight: peer.pacesItself ? null : inFlight, rows, rounds };
				return { ...sourceOf(peer), ...load, rowsPerSecond: rows / seconds, ...rest };
			});
			if (values.record) recordFigures({ runs: figures });
		}
	}
}

async function measureKills(arena: Arena, peers: readonly Peer[]): Promise<void> {
	console.log(
		"\nkill -9 at a third of the prompts, 25 ms, 64 in flight: on the disk, of how many that the server had given\n",
	);
	const kills: KillFigures[] = [];
	for (const peer of peers.filter(({ answers }) => answers !== undefined)) {
		const killed = await arena.kill(peer, { latencyMs: 25, rows, inFlight: 64 });
		console.log(`  ${peer.label}: ${killed.kept} of ${killed.answered}`);
		kills.push({ ...sourceOf(peer), ...killed });
	}
	if (values.record) recordFigures({ kills });
}

async function measureOne(arena: Arena, peers: readonly Peer[]): Promise<void> {
	console.log("\none prompt, 0 ms\n");
	const medians = await takeTurns(arena, peers, { latencyMs: 0, rows: 1, inFlight: 1 }, oneFigures);
	printMedians(medians, oneFigures);
	const asks = [...medians].map(([peer, { seconds, ...rest }]): AskFigures => {
		return { ...sourceOf(peer), rounds, wholeMs: seconds * 1_000, ...rest };
	});
	if (values.record) recordFigures({ asks });
}

function printTables(many: readonly Peer[], one: readonly Peer[]): void {
	const labels = (peers: readonly Peer[]) => peers.map(({ label }) => label);
	const figures = readFigures();
	const tables = [manyTable(figures, labels(many)), askTable(figures, labels(one))];
	console.log(
		`${tables.join("\n")}\nMeasured: ${sourcesOf(figures)}. Absent: ${figures.absent.join(", ") || "none"}.`,
	);
}

async function measure(): Promise<void> {
	if (values.install) install(values.folder);
	const installed = findInstalled(values.folder);
	const [many, one] = [chosen(manyPrompts(installed)), chosen(onePrompt(installed))];
	if (values.table) return printTables(many, one);
	const isPresent = ({ found }: Peer) => found !== undefined;
	const absent = [...many, ...one].filter((peer) => !isPresent(peer)).map(({ label }) => label);
	console.log(`absent: ${absent.join(", ") || "none"}`);
	if (values.record && only === undefined) recordFigures({ absent });
	const parts = values.parts.split(",");
	const arena = await Arena.open();
	try {
		if (parts.includes("many")) await measureMany(arena, many.filter(isPresent));
		if (parts.includes("kill")) await measureKills(arena, many.filter(isPresent));
		if (parts.includes("one")) await measureOne(arena, one.filter(isPresent));
	} finally {
		arena.close();
	}
}

await measure();
