/**
 * How long llmx takes to start, as multiples of bare Node in the same run: `--version`, `--help`, and `ask` from its
 * start to the first byte of its request at a loopback server (OpenAI's wire, no cached answer), to its end, from the
 * cache, and when it is started for the first time after an update, with no code of its own compiled yet.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, printTable } from "./report.ts";

const llmx = fileURLToPath(new URL("../bin/llmx.js", import.meta.url));
const rounds = Number(process.env.ROUNDS ?? 15);

const answer = JSON.stringify({
	choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }],
	usage: { prompt_tokens: 1, completion_tokens: 1 },
});
const response = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`;

let onRequest: (() => void) | undefined;
const server = createServer((socket: Socket) => {
	socket.on("error", () => {});
	socket.on("data", () => {
		onRequest?.();
		onRequest = undefined;
		socket.write(response);
	});
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const home = mkdtempSync(join(tmpdir(), "llmx-bench-"));
const updated = join(home, "updated");
const common = {
	PATH: process.env.PATH,
	OPENAI_API_KEY: "sk-bench",
	OPENAI_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
};

/** Ms from the spawn to the exit, or to the first byte at the server. `isFirst`: nothing is compiled yet. */
async function run(args: readonly string[], until: "exit" | "request", isFirst: boolean): Promise<number> {
	const env = { ...common, LLMX_HOME: isFirst ? updated : home };
	rmSync(join(updated, "compile"), { recursive: true, force: true });
	const startedAt = performance.now();
	const child = spawn(process.execPath, args, { env, stdio: "ignore" });
	const exited = new Promise<number>((resolve, reject) => {
		child.on("exit", (code) =>
			code === 0 ? resolve(performance.now() - startedAt) : reject(new Error(`exit ${code}`)),
		);
	});
	if (until === "exit") return exited;
	const requested = new Promise<number>((resolve) => {
		onRequest = () => resolve(performance.now() - startedAt);
	});
	const elapsed = await Promise.race([
		requested,
		exited.then(() => Promise.reject(new Error("no request came"))),
	]);
	await exited;
	return elapsed;
}

const ask = [llmx, "ask", "-m", "gpt-4.1-mini", "--no-stdin"];

interface Case {
	readonly args: readonly string[];
	readonly until?: "request";
	readonly isFirst?: boolean;
	/** Multiple of bare Node. */
	readonly target?: number;
}

const cases: Readonly<Record<string, Case>> = {
	"bare Node": { args: ["-e", "0"] },
	"--version": { args: [llmx, "--version"], target: 1.2 },
	"--help": { args: [llmx, "--help"], target: 1.35 },
	"ask, to its request": { args: [...ask, "--refresh", "hi"], until: "request", target: 2.1 },
	"ask, whole": { args: [...ask, "--refresh", "hi"], target: 3 },
	"ask, from the cache": { args: [...ask, "hi"], target: 1.9 },
	"ask, to its request, first after an update": {
		args: [...ask, "--refresh", "hi"],
		until: "request",
		isFirst: true,
	},
	"ask, whole, first after an update": { args: [...ask, "--refresh", "hi"], isFirst: true },
};

const times = new Map<string, number[]>();
try {
	// Two rounds fill the compile cache; then the cases take turns, so that a busy moment hits all alike.
	for (let round = -2; round < rounds; round++) {
		for (const [name, { args, until = "exit", isFirst = false }] of Object.entries(cases)) {
			const elapsed = await run(args, until, isFirst);
			if (round >= 0) times.set(name, [...(times.get(name) ?? []), elapsed]);
		}
	}
} finally {
	server.close();
	rmSync(home, { recursive: true, force: true });
}
const bare = median(times.get("bare Node") as number[]);
printTable(
	["", "median ms", "x bare Node", "target"],
	Object.entries(cases).map(([name, { target }]) => {
		const ms = median(times.get(name) as number[]);
		return [name, ms.toFixed(1), (ms / bare).toFixed(2), target ? `<= ${target}` : ""];
	}),
);
