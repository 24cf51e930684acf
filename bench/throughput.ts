/**
 * Requests per second of `LLM.generate` (the built library, cache off, ledger on) with 64 in flight, beside a bare
 * loop over undici's `request` and a plain loop over the openai SDK with its own fetch, against a trivial server in
 * another process. PROMPTS and ROUNDS change the size of a round and how many there are.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, printTable } from "./report.ts";
import type { Round } from "./throughput/client.ts";

const prompts = Number(process.env.PROMPTS ?? 10_000);
const rounds = Number(process.env.ROUNDS ?? 7);
const contenders = {
	undici: "bare undici.request",
	openai: "plain openai SDK",
	llmx: "LLM.generate",
} as const;

const file = (name: string) => fileURLToPath(new URL(`throughput/${name}.ts`, import.meta.url));
const home = mkdtempSync(join(tmpdir(), "llmx-bench-"));
const env = { PATH: process.env.PATH, LLMX_HOME: home };
const children: ChildProcess[] = [];

function start(name: string, args: readonly string[] = []): ChildProcess {
	const child = fork(file(name), args, { env });
	children.push(child);
	return child;
}

/** What a child says next; throws when it ends instead. */
async function word<T>(child: ChildProcess): Promise<T> {
	const ended = new AbortController();
	try {
		return (await Promise.race([
			once(child, "message", { signal: ended.signal }).then(([message]) => message),
			once(child, "exit", { signal: ended.signal }).then(() => Promise.reject(new Error("a child ended"))),
		])) as T;
	} finally {
		ended.abort();
	}
}

const results = new Map<string, Round[]>();
try {
	const port = await word<number>(start("server"));
	const clients = Object.keys(contenders).map((name) => {
		results.set(name, []);
		return { name, child: start("client", [name, `http://127.0.0.1:${port}/v1`]) };
	});
	// One round warms up; then the contenders take turns, so that a busy moment of the machine hits all alike.
	for (let round = -1; round < rounds; round++) {
		for (const { name, child } of clients) {
			const result = word<Round>(child);
			child.send(prompts);
			const figures = await result;
			if (round >= 0) results.get(name)?.push(figures);
		}
	}
} finally {
	for (const child of children) child.kill();
	rmSync(home, { recursive: true, force: true });
}

/** How many times as fast as another contender: the median over the rounds, each compared with its neighbour. */
function speed(name: string, other: string, figure: keyof Round): number {
	const own = results.get(name) as Round[];
	return median(
		(results.get(other) as Round[]).map((round, index) => round[figure] / (own[index] as Round)[figure]),
	);
}

console.log(`${prompts} prompts a round, 64 in flight, median of ${rounds} rounds`);
printTable(
	["", "requests/s", "CPU us/request", "x undici", "x openai SDK", "x undici by CPU", "x openai by CPU"],
	Object.entries(contenders).map(([name, label]) => {
		const own = results.get(name) as Round[];
		return [
			label,
			(prompts / (median(own.map(({ wallMs }) => wallMs)) / 1_000)).toFixed(0),
			((median(own.map(({ cpuMs }) => cpuMs)) / prompts) * 1_000).toFixed(0),
			speed(name, "undici", "wallMs").toFixed(2),
			speed(name, "openai", "wallMs").toFixed(2),
			speed(name, "undici", "cpuMs").toFixed(2),
			speed(name, "openai", "cpuMs").toFixed(2),
		];
	}),
);
console.log("\ntargets of LLM.generate: >= 0.35 x undici, >= 1.5 x openai SDK");
