/**
 * Asks llmx the same questions of the simulator and of two mock servers that other people wrote, over every wire each
 * of them serves. Not part of `npm test`: it installs the two from npm into a temporary folder (about 55 MB).
 *
 *     npm run check:peers
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { LLM } from "../../src/llm.ts";
import { startSimulator } from "../../src/simulator/server.ts";

const packages = ["@copilotkit/aimock@1.43.0", "@dwmkerr/mock-llm@0.1.29"];
const question = "hello from llmx";
const bases = {
	openai: (origin: string) => `${origin}/v1`,
	gemini: (origin: string) => origin,
	anthropic: (origin: string) => origin,
};
type WireName = keyof typeof bases;

interface Peer {
	readonly name: string;
	readonly origin: string;
	readonly wires: readonly WireName[];
	readonly answer: string;
	stop(): Promise<void> | void;
}

async function startAimock(folder: string): Promise<Peer> {
	const entry = pathToFileURL(join(folder, "node_modules/@copilotkit/aimock/dist/index.js")).href;
	const { LLMock } = await import(entry);
	const answer = "aimock hears you: 数据 👍🏽";
	const mock = new LLMock({ port: 0 });
	mock.onMessage(question, { content: answer });
	await mock.start();
	return {
		name: "aimock",
		origin: mock.url,
		wires: ["openai", "gemini", "anthropic"],
		answer,
		stop: () => mock.stop(),
	};
}

/** It answers with the user's own text, serves the OpenAI wire only, and takes its port from the environment. */
async function startMockLlm(folder: string): Promise<Peer> {
	const port = await freePort();
	const main = join(folder, "node_modules/@dwmkerr/mock-llm/dist/main.js");
	const env = { ...process.env, HOST: "127.0.0.1", PORT: String(port) };
	const child = spawn(process.execPath, [main], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
	await listening(child);
	return {
		name: "mock-llm",
		origin: `http://127.0.0.1:${port}`,
		wires: ["openai"],
		answer: question,
		stop: () => void child.kill(),
	};
}

async function startOwn(): Promise<Peer> {
	const simulator = await startSimulator();
	return {
		name: "simulator",
		origin: simulator.url,
		wires: ["openai", "gemini", "anthropic"],
		answer: question,
		stop: () => simulator.close(),
	};
}

function listening(child: ChildProcess): Promise<void> {
	return new Promise((resolve, reject) => {
		child.stdout?.on("data", (chunk: Buffer) => chunk.includes("running on") && resolve());
		child.once("exit", (code) => reject(new Error(`mock-llm ended with code ${code}`)));
	});
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return port;
}

/** Asks one peer on one wire, plainly or streamed; what went wrong, or undefined. */
async function check(
	peer: Peer,
	wire: WireName,
	streamed: boolean,
	home: string,
): Promise<string | undefined> {
	const llm = new LLM(`${wire}/echo`, {
		baseUrl: bases[wire](peer.origin),
		keys: ["sk-peer"],
		env: { LLMX_HOME: home },
		cache: false,
		ledger: false,
		maxRetries: 0,
	});
	try {
		const result = await llm.ask(question, { streamed });
		if (result.text !== peer.answer) return `answered ${JSON.stringify(result.text)}`;
		return result.finishReason === "stop" ? undefined : `finished with ${result.finishReason}`;
	} catch (error) {
		return (error as Error).message;
	} finally {
		await llm.close();
	}
}

async function main(): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "llmx-peers-"));
	const peers: Peer[] = [];
	try {
		writeFileSync(join(folder, "package.json"), '{ "private": true }');
		execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], {
			cwd: folder,
			stdio: "inherit",
		});
		for (const start of [startOwn, () => startAimock(folder), () => startMockLlm(folder)])
			peers.push(await start());
		for (const peer of peers) {
			for (const wire of peer.wires) {
				for (const streamed of [false, true]) {
					const problem = await check(peer, wire, streamed, folder);
					const row = [peer.name, wire, streamed ? "stream" : "plain", problem ?? "ok"];
					console.log(row.map((cell) => cell.padEnd(12)).join(""));
					if (problem !== undefined) process.exitCode = 1;
				}
			}
		}
	} finally {
		for (const peer of peers) await peer.stop();
		rmSync(folder, { recursive: true, force: true });
	}
}

await main();
