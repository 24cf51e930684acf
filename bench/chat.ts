/**
 * The chat screen in a pseudo-terminal: what an answer of 1,000 tokens a second costs (frames, CPU, memory), how fast
 * a key is echoed behind a conversation of 100,000 characters, how long the first prompt takes, and what Markdown of
 * marks alone costs beside prose. SECONDS shortens the stream (60 by default).
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startSimulator } from "../src/simulator/server.ts";
import { PtyChat } from "../test/helpers/pty.ts";
import { hostileMarkdown } from "../test/terminal/hostile-markdown.ts";
import { median, printTable } from "./report.ts";

const bin = fileURLToPath(new URL("../bin/llmx.js", import.meta.url));
const seconds = Number(process.env.SECONDS ?? 60);
const tokensPerSecond = 1000;
const home = mkdtempSync(join(tmpdir(), "llmx-bench-"));
const simulator = await startSimulator({ tokensPerSecond });
const env = { OPENAI_API_KEY: "sk-bench", OPENAI_BASE_URL: `${simulator.url}/v1` };
const argv = ["openai/echo", "--no-cache"];

const section = `## A section

A paragraph with **bold**, *italic* and \`code\`, long enough to be broken into several lines on any terminal
that people use, and a [link](https://example.com) at its end.

1. first
2. second with more words in it
   - nested

\`\`\`ts
/** Adds two numbers. */
export function add(left: number, right: number): number {
	return left + right; // as one does
}
\`\`\`

| name | value |
|------|------:|
| one  |     1 |

`;

function ofLength(characters: number): string {
	return section.repeat(Math.ceil(characters / section.length)).slice(0, characters);
}

interface Usage {
	readonly cpuSeconds: number;
	readonly megabytes: number;
}

/** CPU time and resident memory of a process, from /proc. */
function usageOf(pid: number): Usage {
	const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
		.replace(/^.*\) /, "")
		.split(" ");
	const ticks = Number(fields[11]) + Number(fields[12]);
	const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
	return { cpuSeconds: ticks / 100, megabytes: (pages * 4096) / 1e6 };
}

interface Cost {
	readonly elapsed: number;
	readonly framesPerSecond: number;
	readonly cores: number;
	/** MB that the process grew by in the second half of the answer. */
	readonly growth: number;
	readonly megabytes: number;
}

/** Watches a process until its answer has ended. */
async function watch(pid: number, isDone: () => boolean): Promise<Omit<Cost, "framesPerSecond">> {
	const before = usageOf(pid);
	const startedAt = performance.now();
	let early: Usage | undefined;
	let after = before;
	while (!isDone()) {
		await new Promise((resolve) => setTimeout(resolve, 250));
		const elapsed = (performance.now() - startedAt) / 1000;
		if (elapsed > 3 * seconds + 30) throw new Error("the answer does not end");
		if (!isDone()) after = usageOf(pid);
		if (elapsed > seconds / 2) early ??= after;
	}
	const elapsed = (performance.now() - startedAt) / 1000;
	return {
		elapsed,
		cores: (after.cpuSeconds - before.cpuSeconds) / elapsed,
		growth: after.megabytes - (early ?? before).megabytes,
		megabytes: after.megabytes,
	};
}

/** The simulator counts about four characters a token. */
const longText = () => ofLength(tokensPerSecond * seconds * 4);

async function streamToScreen(): Promise<Cost> {
	const chat = new PtyChat(argv, { home, env, columns: 100, rows: 40 });
	await chat.ready();
	chat.type(`\x1b[200~${longText()}\x1b[201~`);
	await chat.until("[pasted");
	chat.type("\r");
	await chat.until("answering");
	const framesBefore = count(chat.raw, "\x1b[?2026l");
	const cost = await watch(chat.pid, () =>
		chat.terminal.screen.some((line) => / in · [\d,]+ out/.test(line)),
	);
	const frames = count(chat.raw, "\x1b[?2026l") - framesBefore;
	chat.type("\x04");
	await chat.exited;
	return { ...cost, framesPerSecond: frames / cost.elapsed };
}

async function streamToPipe(): Promise<Cost> {
	const child = spawn(process.execPath, [bin, "chat", ...argv], {
		env: { PATH: process.env.PATH, LLMX_HOME: home, ...env },
		stdio: ["pipe", "pipe", "inherit"],
	});
	let hasEnded = false;
	child.on("exit", () => {
		hasEnded = true;
	});
	child.stdin.end(`"""\n${longText()}\n"""\n`);
	await new Promise((resolve) => child.stdout.once("data", resolve));
	child.stdout.resume();
	const cost = await watch(child.pid as number, () => hasEnded);
	return { ...cost, framesPerSecond: 0 };
}

/** Ms from a key to its echo, behind a conversation of `characters`; or in a program that does nothing else. */
async function echo(characters: number | undefined): Promise<number[]> {
	const bare =
		"process.stdin.setRawMode(true).on('data', (key) => process.stdout.write(key)); console.log('ready')";
	const chat =
		characters === undefined
			? new PtyChat([], { home, command: [process.execPath, "-e", bare] })
			: new PtyChat(["sim/echo", "--no-cache"], { home });
	if (characters === undefined) await chat.until("ready");
	else {
		await chat.ready();
		chat.type(`\x1b[200~${ofLength(characters)}\x1b[201~`);
		await chat.until("[pasted");
		chat.type("\r");
		await chat.until(/ in · [\d,]+ out/);
	}
	const times: number[] = [];
	for (let key = 0; key < 200; key += 1) {
		await new Promise((resolve) => setTimeout(resolve, 20));
		const letter = String.fromCharCode(97 + (key % 26));
		const { length } = chat.raw;
		const startedAt = performance.now();
		chat.type(letter);
		while (!chat.raw.slice(length).includes(letter)) await new Promise((resolve) => setImmediate(resolve));
		times.push(performance.now() - startedAt);
	}
	await chat.dispose();
	return times;
}

interface Hostile {
	readonly name: string;
	/** CPU time of an answer of 25 KB, as a multiple of what prose takes. */
	readonly ratio: number;
}

/** The kind of hostile Markdown that takes longest. */
async function worstHostile(): Promise<Hostile> {
	const costs = [...(await costsOf(hostileMarkdown(25_000)))];
	const prose = costs.find(([name]) => name === "prose")?.[1] ?? 0;
	const [name, seconds] = costs.toSorted(([, a], [, b]) => b - a)[0] ?? ["", 0];
	return { name, ratio: seconds / prose };
}

/** Asks for a text back, and returns how much had been written before. */
async function ask(chat: PtyChat, text: string): Promise<number> {
	chat.type(`\x1b[200~x\n\n${text}\x1b[201~`);
	await chat.until("[pasted");
	// What scrolled away would be searched by everything that waits.
	chat.terminal.scrollback.length = 0;
	const { length } = chat.raw;
	chat.type("\r");
	return length;
}

/** CPU seconds of an answer with each of the texts, ten times as fast as models write. */
async function costsOf(texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, number>> {
	const quick = await startSimulator({ tokensPerSecond: 10 * tokensPerSecond });
	const base = { ...env, OPENAI_BASE_URL: `${quick.url}/v1` };
	const chat = new PtyChat(argv, { home, env: base, columns: 100, rows: 40 });
	const costs = new Map<string, number>();
	await chat.ready();
	const [prose = ""] = texts.values();
	// The first answers teach the compiler.
	for (const [name, text] of [["", prose] as const, ["", prose] as const, ...texts]) {
		const before = usageOf(chat.pid).cpuSeconds;
		const length = await ask(chat, text);
		await chat.until(() => / in · [\d,]+ out/.test(chat.raw.slice(length)));
		await chat.idle();
		costs.set(name, usageOf(chat.pid).cpuSeconds - before);
	}
	await chat.dispose();
	await quick.close();
	costs.delete("");
	return costs;
}

interface Interrupt {
	readonly name: string;
	/** From Ctrl-C to the mark below the answer. */
	readonly ms: number;
}

/** The kind of hostile Markdown in which Ctrl-C takes longest, ten times as fast as models write. */
async function slowestInterrupt(): Promise<Interrupt> {
	const quick = await startSimulator({ tokensPerSecond: 10 * tokensPerSecond });
	const base = { ...env, OPENAI_BASE_URL: `${quick.url}/v1` };
	const chat = new PtyChat(argv, { home, env: base, columns: 100, rows: 40, isBlind: true });
	const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
	const seen = async (what: string, from: number) => {
		while (!chat.raw.includes(what, from)) await new Promise((resolve) => setImmediate(resolve));
	};
	await seen("╰", 0);
	let slowest: Interrupt = { name: "", ms: 0 };
	for (const [name, text] of hostileMarkdown(50_000)) {
		await wait(100);
		let from = chat.raw.length;
		chat.type(`\x1b[200~x\n\n${text}\x1b[201~`);
		await seen("[pasted", from);
		from = chat.raw.length;
		chat.type("\r");
		await seen("answering", from);
		await wait(500);
		from = chat.raw.length;
		const startedAt = performance.now();
		chat.type("\x03");
		await seen("stopped", from);
		const ms = performance.now() - startedAt;
		if (ms > slowest.ms) slowest = { name, ms };
	}
	await chat.dispose();
	await quick.close();
	return slowest;
}

/** Ms from a paste of 200 KB to its chip, median of five. */
async function paste(): Promise<number> {
	const chat = new PtyChat(["sim/echo"], { home });
	await chat.ready();
	const text = ofLength(200_000);
	const times: number[] = [];
	for (let round = 0; round < 5; round += 1) {
		const { length } = chat.raw;
		const startedAt = performance.now();
		chat.type(`\x1b[200~${text}\x1b[201~`);
		while (!chat.raw.includes("[pasted", length)) await new Promise((resolve) => setImmediate(resolve));
		times.push(performance.now() - startedAt);
		chat.type("\x7f");
		await new Promise((resolve) => setTimeout(resolve, 100));
	}
	await chat.dispose();
	return median(times);
}

/** Ms from the spawn to the prompt, or to the end of bare Node. */
async function start(isBare: boolean): Promise<number> {
	const startedAt = performance.now();
	if (isBare) {
		const node = new PtyChat([], { home, command: [process.execPath, "-e", "0"] });
		await node.exited;
		return performance.now() - startedAt;
	}
	const chat = new PtyChat(["sim/echo"], { home });
	while (!chat.raw.includes("╰")) await new Promise((resolve) => setImmediate(resolve));
	const elapsed = performance.now() - startedAt;
	chat.type("\x04");
	await chat.exited;
	return elapsed;
}

const count = (text: string, part: string) => text.split(part).length - 1;
const percentile = (values: readonly number[], share: number) =>
	values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? 0;

try {
	const starts: [number, number][] = [];
	for (let round = -2; round < 11; round += 1) {
		const pair: [number, number] = [await start(true), await start(false)];
		if (round >= 0) starts.push(pair);
	}
	const bareStart = median(starts.map(([bare]) => bare));
	const chatStart = median(starts.map(([, chat]) => chat));
	const bareEcho = await echo(undefined);
	const chatEcho = await echo(100_000);
	const pasted = await paste();
	const slowest = await worstHostile();
	const interrupt = await slowestInterrupt();
	const screen = await streamToScreen();
	const plain = await streamToPipe();
	printTable(
		["", "screen", "baseline", "ratio", "target"],
		[
			[
				"start to first prompt, ms (bare Node)",
				...[chatStart.toFixed(0), bareStart.toFixed(0), (chatStart / bareStart).toFixed(1), "<= 5 x"],
			],
			[
				"key to echo, median ms (bare Node echo)",
				...[median(chatEcho).toFixed(1), median(bareEcho).toFixed(1)],
				...[(median(chatEcho) / median(bareEcho)).toFixed(1), "<= 16 ms"],
			],
			[
				"key to echo, p95 ms",
				...[percentile(chatEcho, 0.95).toFixed(1), percentile(bareEcho, 0.95).toFixed(1), "", "<= 16 ms"],
			],
			["paste of 200 KB to its chip, ms", pasted.toFixed(0), "", "", "< 200"],
			["frames a second while streaming", screen.framesPerSecond.toFixed(1), "", "", "<= 30"],
			[
				"CPU while streaming, cores (in a pipe)",
				...[
					screen.cores.toFixed(2),
					plain.cores.toFixed(2),
					(screen.cores / plain.cores).toFixed(1),
					"< 0.5",
				],
			],
			[
				"memory grown in the second half, MB (in a pipe)",
				...[screen.growth.toFixed(0), plain.growth.toFixed(0), "", "flat"],
			],
			["resident memory at the end, MB", screen.megabytes.toFixed(0), plain.megabytes.toFixed(0), "", ""],
			[`25 KB of ${slowest.name}, CPU (of prose)`, "", "", slowest.ratio.toFixed(1), "<= 3 x"],
			[
				`Ctrl-C in ${interrupt.name} at ${10 * tokensPerSecond} tokens/s, ms`,
				...[interrupt.ms.toFixed(0), "", "", "<= 100 ms"],
			],
			["stream took, s", screen.elapsed.toFixed(1), plain.elapsed.toFixed(1), "", `about ${seconds}`],
		],
	);
} finally {
	await simulator.close();
	rmSync(home, { recursive: true, force: true });
}
