/**
 * llmx beside what else one could send many prompts with, on one loopback server in one run: llmx as it comes and with
 * `--concurrency`, a bare undici loop, the openai SDK with p-limit, the AI SDK, LangChain JS and promptfoo from npm,
 * installed into a folder of their own; where it is installed already litellm (Python); and of llm and inspect (Python),
 * aichat (Rust) and mods (Go), where they are installed, the start alone. What is not there is said to be.
 *
 * ROWS, ROUNDS, LATENCIES and CONCURRENCIES change how much is run; PEERS=folder keeps what was installed; ONLY=pattern
 * runs only the peers whose names it matches; PYTHON=path is the Python that has litellm.
 */
import { fork, spawn, spawnSync } from "node:child_process";
import {
	copyFileSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, printTable } from "./report.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const llmx = file("../bin/llmx.js");
const rows = Number(process.env.ROWS ?? 1_200);
const rounds = Number(process.env.ROUNDS ?? 3);
const numbers = (text: string) => text.split(",").map(Number);
const latencies = numbers(process.env.LATENCIES ?? "0,25,300");
const concurrencies = numbers(process.env.CONCURRENCIES ?? "64,512");

const work = mkdtempSync(join(tmpdir(), "llmx-peers-"));
const packages = process.env.PEERS ?? join(work, "packages");
const usagePath = join(work, "usage.json");

interface Job {
	readonly baseUrl: string;
	readonly rows: number;
	readonly inFlight: number;
	/** Where answers go; nothing is there before. */
	readonly output: string;
}

interface Peer {
	readonly label: string;
	readonly isThere: () => boolean;
	/** Undefined for Node. */
	readonly program?: string;
	/** Arguments of the program that do the job. */
	readonly args: (job: Job) => readonly string[];
	readonly env?: (job: Job) => Readonly<Record<string, string>>;
	/** Runs of it differ in nothing but the latency: how many are in flight is its own business. */
	readonly pacesItself?: boolean;
}

function promptsOf(count: number): string {
	const path = join(work, `prompts-${count}.jsonl`);
	if (!existsSync(path)) {
		const prompt = (row: number) =>
			`${JSON.stringify({ prompt: `prompt number ${row}, with a few words` })}\n`;
		writeFileSync(path, Array.from({ length: count }, (_, row) => prompt(row)).join(""));
	}
	return path;
}

let homes = 0;
const batch = (job: Job, more: readonly string[]) => {
	const flags = ["-m", "local/m", "-o", job.output, "-q", "--no-cache"];
	return [llmx, "batch", promptsOf(job.rows), ...flags, ...more];
};
const homeFor = ({ baseUrl }: Job) => ({
	LLMX_HOME: join(work, `home-${homes % 2}`),
	LOCAL_BASE_URL: baseUrl,
});

const script = (client: string, needs: string, label: string): Peer => ({
	label,
	isThere: () => existsSync(join(packages, "node_modules", needs)),
	args: ({ baseUrl, rows, inFlight, output }) => [
		join(packages, "client.mjs"),
		client,
		baseUrl,
		String(rows),
		String(inFlight),
		output,
	],
});

const promptfoo: Peer = {
	label: "promptfoo",
	isThere: () => existsSync(join(packages, "node_modules/promptfoo")),
	args: ({ baseUrl, rows, inFlight, output }) => {
		const config = join(work, `promptfoo-${rows}.json`);
		const provider = { id: "openai:chat:m", config: { apiBaseUrl: baseUrl, apiKey: "sk-bench" } };
		const tests = Array.from({ length: rows }, (_, row) => ({ vars: { row: String(row) } }));
		const prompts = ["prompt number {{row}}, with a few words"];
		writeFileSync(config, JSON.stringify({ providers: [provider], prompts, tests }));
		const main = JSON.parse(readFileSync(join(packages, "node_modules/promptfoo/package.json"), "utf8")) as {
			bin: Record<string, string>;
		};
		const flags = ["--no-cache", "--no-table", "--no-progress-bar", "-j", String(inFlight), "-o", output];
		return [
			join(packages, "node_modules/promptfoo", main.bin.promptfoo as string),
			"eval",
			"-c",
			config,
			...flags,
		];
	},
	env: () => ({
		PROMPTFOO_CONFIG_DIR: join(work, "promptfoo"),
		PROMPTFOO_DISABLE_TELEMETRY: "1",
		PROMPTFOO_DISABLE_UPDATE: "1",
	}),
};

const python = process.env.PYTHON ?? "python3";
const litellm: Peer = {
	label: "litellm (Python)",
	program: python,
	isThere: () => {
		const look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('litellm') is None)";
		return spawnSync(python, ["-c", look], { stdio: "ignore" }).status === 0;
	},
	args: ({ baseUrl, rows, inFlight, output }) => {
		const client = file("peers/litellm_client.py");
		return [client, baseUrl, String(rows), String(inFlight), output, usagePath];
	},
};

const all: readonly Peer[] = [
	{
		label: "llmx, as it comes",
		isThere: () => true,
		args: (job) => batch(job, []),
		env: homeFor,
		pacesItself: true,
	},
	{
		label: "llmx --concurrency",
		isThere: () => true,
		args: (job) => batch(job, ["--concurrency", String(job.inFlight)]),
		env: homeFor,
	},
	script("undici", "undici", "bare undici loop"),
	script("openai", "openai", "openai SDK + p-limit"),
	script("ai", "ai", "AI SDK + p-limit"),
	script("langchain", "@langchain/openai", "LangChain JS + p-limit"),
	promptfoo,
	litellm,
];
const only = new RegExp(process.env.ONLY ?? "");
const peers = all.filter(({ label }) => only.test(label));

/** Programs of other languages are not installed by a benchmark; the start of those that are there is measured. */
const others = ["litellm", "llm", "inspect", "aichat", "mods"];

interface Measured {
	readonly seconds: number;
	/** From the start to the first request at the server. */
	readonly firstRequestMs: number;
	readonly cpuMicroseconds: number;
	readonly megabytes: number;
}

const server = fork(file("peers/server.ts"));
let onRequest: (() => void) | undefined;
const port = await new Promise<number>((resolve) => {
	server.on("message", (message) => {
		if (message === "request") onRequest?.();
		else resolve(message as number);
	});
});
const baseUrlAt = (latencyMs: number) => `http://127.0.0.1:${port}/${latencyMs}/v1`;

/** The process tells its own time and peak when it exits: /usr/bin/time would be another thing to install. */
const hook = `process.on("exit",()=>{const u=process.resourceUsage();require("fs").writeFileSync(${JSON.stringify(usagePath)},JSON.stringify({kb:u.maxRSS,us:u.userCPUTime+u.systemCPUTime}))})`;
const preload = `data:text/javascript,import{createRequire}from"node:module";const require=createRequire("file:///");${encodeURIComponent(hook)}`;

function start(peer: Peer, job: Job) {
	rmSync(job.output, { force: true });
	homes += 1;
	const args = [...(peer.program === undefined ? ["--import", preload] : []), ...peer.args(job)];
	return spawn(peer.program ?? process.execPath, args, {
		cwd: work,
		env: { PATH: process.env.PATH, HOME: work, OPENAI_API_KEY: "sk-bench", ...peer.env?.(job) },
		stdio: ["ignore", "ignore", "ignore"],
	});
}

async function run(peer: Peer, job: Job): Promise<Measured> {
	const startedAt = performance.now();
	const child = start(peer, job);
	let firstRequestMs = Number.NaN;
	onRequest = () => {
		firstRequestMs = performance.now() - startedAt;
		onRequest = undefined;
	};
	const code = await new Promise((resolve) => child.once("exit", resolve));
	const seconds = (performance.now() - startedAt) / 1_000;
	if (code !== 0 && peer !== promptfoo) throw new Error(`${peer.label} ended with ${code}`);
	const { kb, us } = JSON.parse(readFileSync(usagePath, "utf8")) as { kb: number; us: number };
	return { seconds, firstRequestMs, cpuMicroseconds: us / job.rows, megabytes: kb / 1024 };
}

/** Answers on the disk when a run is killed at a third of its rows. */
async function killed(peer: Peer): Promise<{ readonly answered: number; readonly kept: number }> {
	const job: Job = { baseUrl: baseUrlAt(25), rows, inFlight: 64, output: join(work, "killed.jsonl") };
	const child = start(peer, job);
	let answered = 0;
	await new Promise<void>((resolve) => {
		onRequest = () => {
			answered += 1;
			if (answered >= rows / 3) resolve();
		};
		child.once("exit", () => resolve());
	});
	onRequest = undefined;
	child.kill("SIGKILL");
	await new Promise((resolve) =>
		child.exitCode === null ? child.once("exit", resolve) : resolve(undefined),
	);
	const text = existsSync(job.output) ? readFileSync(job.output, "utf8") : "";
	return { answered: Math.max(0, answered - 64), kept: text.split("\n").filter(Boolean).length };
}

/** A package that is there already is taken as it is. */
function install(): void {
	mkdirSync(packages, { recursive: true });
	copyFileSync(file("peers/client.mjs"), join(packages, "client.mjs"));
	const wanted = {
		all: [
			"undici",
			"openai",
			"p-limit",
			"ai",
			"@ai-sdk/openai-compatible",
			"@langchain/openai",
			"@langchain/core",
		],
		promptfoo: ["promptfoo"],
	};
	for (const names of Object.values(wanted)) {
		if (names.every((name) => existsSync(join(packages, "node_modules", name)))) continue;
		const flags = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", packages];
		const { status } = spawnSync("npm", [...flags, ...names], { stdio: "ignore", timeout: 600_000 });
		if (status !== 0) console.log(`npm could not install ${names.join(", ")}`);
	}
}

try {
	install();
	const present = peers.filter((peer) => peer.isThere());
	const absent = peers.filter((peer) => !present.includes(peer)).map(({ label }) => label);
	const starts = others.map((name) => {
		const times = Array.from({ length: rounds }, () => {
			const startedAt = performance.now();
			const { status } = spawnSync(name, ["--version"], { stdio: "ignore" });
			return status === 0 ? performance.now() - startedAt : Number.NaN;
		});
		return { name, ms: median(times) };
	});
	absent.push(...starts.filter(({ ms }) => Number.isNaN(ms)).map(({ name }) => name));
	console.log(`absent: ${absent.join(", ") || "none"}`);
	for (const { name, ms } of starts)
		if (!Number.isNaN(ms)) console.log(`${name} --version: ${ms.toFixed(0)} ms`);

	const output = join(work, "answers.jsonl");
	const table: string[][] = [];
	for (const latencyMs of latencies) {
		for (const inFlight of concurrencies) {
			const measured = new Map<Peer, Measured[]>();
			// They take turns, so that a busy moment of the machine hits all alike.
			for (let round = -1; round < rounds; round++) {
				for (const peer of present) {
					if (peer.pacesItself && inFlight !== concurrencies[0]) continue;
					const figures = await run(peer, { baseUrl: baseUrlAt(latencyMs), rows, inFlight, output });
					if (round >= 0) measured.set(peer, [...(measured.get(peer) ?? []), figures]);
				}
			}
			for (const [peer, runs] of measured) {
				const of = (figure: keyof Measured) => median(runs.map((one) => one[figure]));
				table.push([
					peer.label,
					`${latencyMs} ms`,
					peer.pacesItself ? "its own" : String(inFlight),
					(rows / of("seconds")).toFixed(0),
					of("firstRequestMs").toFixed(0),
					of("cpuMicroseconds").toFixed(0),
					of("megabytes").toFixed(0),
				]);
			}
		}
	}
	console.log(`\n${rows} prompts, whole processes, median of ${rounds} rounds\n`);
	const head = ["", "latency", "in flight", "rows/s", "first request ms", "CPU us/row", "peak MB"];
	printTable(head, table);
	console.log("\nkill -9 at a third of the rows, 25 ms, 64 in flight: answered at least, and on the disk\n");
	const kept = [];
	for (const peer of present) {
		const { answered, kept: lines } = await killed(peer);
		kept.push([peer.label, String(answered), String(lines)]);
	}
	printTable(["", "answered", "on the disk"], kept);
} finally {
	server.kill();
	rmSync(work, { recursive: true, force: true });
}
