/**
 * Whether the built program does on real sockets what the controller promises on a virtual clock: the same servers, once
 * in real time with `llmx batch` and several times simulated. Takes two minutes. `--only TEXT`: the servers whose titles have it.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { inputTokens, llmx, type Trial, tryTogether } from "./rate-control/clients.ts";
import { median, printTable } from "./report.ts";
import { WorldListener } from "./twins/world-listener.ts";
import { type Twin, twins } from "./twins/worlds.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const program = fileURLToPath(new URL("../bin/llmx.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "llmx-twins-"));
/** Programs that wait most of the time run side by side; each starts a second after the one before. */
const sideBySide = 8;
const mostSeconds = 300;
const seeds = Array.from({ length: 20 }, (_, index) => index + 1);

/** Times are those that the server sees, from the first request to the last answer, in s. */
interface Figures {
	readonly seconds: number;
	readonly refusals: number;
	readonly answered: number;
}

interface RealFigures extends Figures {
	/** Of the whole command. */
	readonly commandSeconds: number;
	readonly exitCodes: readonly (number | null)[];
}

/** The spread over several seeds of the client: the server is the same. */
async function promised({ world, rows, processes }: Twin): Promise<readonly Figures[]> {
	const all: Figures[] = [];
	for (const seed of seeds) {
		const clients = Array.from({ length: processes }, () => llmx());
		const trials = await tryTogether(clients, world, { rows, seconds: mostSeconds, seed });
		const { server } = trials[0] as Trial;
		const answered = trials.reduce((sum, { answeredAt }) => sum + answeredAt.length, 0);
		all.push({ seconds: server.lastMs / 1000, refusals: server.refusedAt.length, answered });
	}
	return all;
}

async function measured(
	{ world, rows, processes }: Twin,
	name: string,
	flags: readonly string[] = [],
): Promise<RealFigures> {
	const listener = await WorldListener.open(world);
	const prompts = Array.from({ length: rows }, (_, row) => {
		// A token of English is some four characters.
		const padding = "word ".repeat(Math.max(0, Math.round(0.8 * inputTokens(row, world.meanTokens)) - 2));
		return `${JSON.stringify({ id: `r${row}`, prompt: `row ${row} ${padding}` })}\n`;
	});
	writeFileSync(join(folder, `${name}.jsonl`), prompts.join(""));
	const runs = Array.from({ length: processes }, (_, index) => runBatch(name, index, listener.url, flags));
	const ends = await Promise.all(runs);
	listener.close();
	const { refusals, lastMs, answered } = listener;
	const kept = ends.reduce((sum, end) => sum + end.kept, 0);
	if (kept !== answered) throw new Error(`${name}: ${answered} answered, ${kept} kept\n${ends[0]?.said}`);
	const commandSeconds = Math.max(...ends.map(({ seconds }) => seconds));
	return {
		seconds: lastMs / 1000,
		refusals,
		answered,
		commandSeconds,
		exitCodes: ends.map(({ exitCode }) => exitCode),
	};
}

async function runBatch(name: string, index: number, url: string, flags: readonly string[]) {
	const results = `${name}-${index}.out.jsonl`;
	const home = join(folder, `${name}-${index}`);
	const startedAt = performance.now();
	const argv = ["-m", "gpt-4.1-mini", "--no-cache", "--yes", "-q", "--overwrite", "-o", results, ...flags];
	const child = spawn(process.execPath, [program, "batch", `${name}.jsonl`, ...argv], {
		cwd: folder,
		env: { PATH: process.env.PATH, HOME: home, LLMX_HOME: home, OPENAI_BASE_URL: url, OPENAI_API_KEY: "k" },
		stdio: ["ignore", "ignore", "pipe"],
	});
	let said = "";
	child.stderr.on("data", (data) => {
		said += String(data);
	});
	const timer = setTimeout(() => child.kill("SIGTERM"), mostSeconds * 1000);
	const exitCode = await new Promise<number | null>((resolve) => child.once("close", resolve));
	clearTimeout(timer);
	const seconds = (performance.now() - startedAt) / 1000;
	const kept = readFileSync(join(folder, results), "utf8").split("\n").length - 1;
	return { exitCode, seconds, kept, said };
}

/** Runs all `tasks`, so many at a time, in their order. */
async function sharedOut(
	tasks: readonly (() => Promise<void>)[],
	atOnce: number,
	gapMs: number,
): Promise<void> {
	const queue = [...tasks];
	const work = async (worker: number) => {
		await new Promise((resolve) => setTimeout(resolve, worker * gapMs));
		for (let task = queue.shift(); task !== undefined; task = queue.shift()) await task();
	};
	await Promise.all(Array.from({ length: atOnce }, (_, worker) => work(worker)));
}

const chosen = twins.filter(({ title }) => title.includes(values.only));
const promises = new Map<Twin, readonly Figures[]>();
for (const twin of chosen) promises.set(twin, await promised(twin));
const lengthOf = (twin: Twin) => Math.max(...(promises.get(twin) ?? []).map(({ seconds }) => seconds));
const found = new Map<Twin, RealFigures>();
const lag = monitorEventLoopDelay({ resolution: 5 });
lag.enable();
const taskOf = (twin: Twin) => async () => {
	const name = `w${twins.indexOf(twin)}`;
	found.set(twin, await measured(twin, name));
	if (twin.cpu === "bound") promises.set(twin, [await measured(twin, name, ["--concurrency", "64"])]);
};
try {
	await sharedOut(chosen.filter(({ cpu }) => cpu !== "little").map(taskOf), 1, 0);
	// The longest first: so all are over soonest.
	const waiting = chosen
		.filter(({ cpu }) => cpu === "little")
		.sort((one, other) => lengthOf(other) - lengthOf(one));
	await sharedOut(waiting.map(taskOf), sideBySide, 1_000);
} finally {
	rmSync(folder, { recursive: true, force: true });
}

let missed = 0;
const range = (all: readonly number[], digits: number) => {
	const [least, most] = [Math.min(...all).toFixed(digits), Math.max(...all).toFixed(digits)];
	return least === most ? least : `${least}-${most}`;
};
const rows = chosen.map((twin) => {
	const virtual = promises.get(twin) ?? [];
	const real = found.get(twin) as RealFigures;
	const times = virtual.map(({ seconds }) => seconds);
	const ratio = real.seconds / median(times);
	const isNear = real.seconds >= 0.85 * Math.min(...times) && real.seconds <= 1.15 * Math.max(...times);
	const isGood = isNear && virtual.some(({ answered }) => answered === real.answered);
	if (!isGood) missed += 1;
	return [
		twin.title,
		String(real.answered),
		real.seconds.toFixed(1),
		range(times, 1),
		`${ratio.toFixed(2)}${isGood ? "" : " !"}`,
		String(real.refusals),
		range(
			virtual.map(({ refusals }) => refusals),
			0,
		),
		(real.commandSeconds - real.seconds).toFixed(1),
		real.exitCodes.join(" "),
	];
});
printTable(
	["server", "answered", "s real", "s virtual", "ratio", "429s real", "virtual", "start, end s", "exit"],
	rows,
);
console.log(
	`${chosen.length - missed} of ${chosen.length} within 15 % of ${seeds.length} virtual runs; the servers' event loop was late by ${(lag.max / 1e6).toFixed(0)} ms at most`,
);
