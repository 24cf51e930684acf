/** Servers that other people wrote, and our own, each with an echo, a schema, a key that it refuses and a model it lacks. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startSimulator } from "../../src/simulator/server.ts";

export const packages = [
	"@copilotkit/aimock@1.43.0",
	"@dwmkerr/mock-llm@0.1.29",
	"@portkey-ai/gateway@1.15.2",
];

export type PeerWire = "openai" | "responses" | "gemini" | "anthropic";

export interface Peer {
	readonly name: string;
	readonly origin: string;
	readonly wires: readonly PeerWire[];
	/** Headers that it has to be sent. */
	readonly headers: Readonly<Record<string, string>>;
	/** It looks at keys. */
	readonly checksKeys: boolean;
	stop(): Promise<void> | void;
}

export const goodKey = "sk-peer-good";
export const wrongKey = "sk-peer-wrong";
/** A prompt with this in it asks for a place. */
export const placeWord = "which place";
export const missingModel = "missing-model";

const place = { city: "Bern" };

/** The project of npm in which the peers are installed. */
export function installPeers(folder: string): void {
	// Streams of the gateway fail ("TypeError: immutable") with the newest server that its range allows.
	const overrides = { "@portkey-ai/gateway": { "@hono/node-server": "1.13.8" } };
	writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, overrides }));
	execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...packages], {
		cwd: folder,
		stdio: "inherit",
	});
}

export async function startOwn(): Promise<Peer> {
	const simulator = await startSimulator({ keys: [goodKey], models: ["echo"] });
	return {
		name: "simulator",
		origin: simulator.url,
		wires: ["openai", "responses", "gemini", "anthropic"],
		headers: {},
		checksKeys: true,
		stop: () => simulator.close(),
	};
}

interface Asked {
	readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

export async function startAimock(folder: string): Promise<Peer> {
	const entry = pathToFileURL(join(folder, "node_modules/@copilotkit/aimock/dist/index.js")).href;
	const { LLMock } = await import(entry);
	const mock = new LLMock({ port: 0 });
	mock.on(
		{ model: missingModel },
		{ error: { message: `The model ${missingModel} does not exist`, code: "model_not_found" }, status: 404 },
	);
	mock.on({ userMessage: placeWord }, { content: JSON.stringify(place) });
	mock.on({ predicate: () => true }, ({ messages }: Asked) => ({
		content: textOf(messages.at(-1)?.content),
	}));
	await mock.start();
	return {
		name: "aimock",
		origin: mock.url,
		wires: ["openai", "responses", "gemini", "anthropic"],
		headers: {},
		checksKeys: false,
		stop: () => mock.stop(),
	};
}

function textOf(content: unknown): string {
	if (typeof content === "string") return content;
	return Array.isArray(content) ? content.map((part: { text?: string }) => part.text ?? "").join("") : "";
}

/** It serves the OpenAI wire only, and takes its port and rules from the environment. */
export async function startMockLlm(folder: string): Promise<Peer> {
	const port = await freePort();
	const main = join(folder, "node_modules/@dwmkerr/mock-llm/dist/main.js");
	const rule = (match: string, status: number, content: object) => ({
		path: "/v1/chat/completions",
		method: "POST",
		match,
		response: { status, content: JSON.stringify(content) },
	});
	const answer = (content: string) => ({
		id: "chatcmpl-{{timestamp}}",
		object: "chat.completion",
		model: "{{jmes request body.model}}",
		choices: [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }],
		usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 },
	});
	const error = (message: string, code: string) => ({
		error: { message, type: "invalid_request_error", param: null, code },
	});
	// The last rule that fits is the one that answers. JSON is YAML.
	const rules = [
		rule("@", 200, answer("{{jmes request body.messages[-1].content}}")),
		rule(`contains(body.messages[-1].content, '${placeWord}')`, 200, answer(JSON.stringify(place))),
		rule(`body.model == '${missingModel}'`, 404, error("The model does not exist", "model_not_found")),
		rule(`headers.authorization != 'Bearer ${goodKey}'`, 401, error("Incorrect API key", "invalid_api_key")),
	];
	writeFileSync(join(folder, "mock-llm.yaml"), JSON.stringify({ rules }));
	const env = { ...process.env, HOST: "127.0.0.1", PORT: String(port) };
	const child = spawn(process.execPath, [main], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
	await said(child, "running on");
	return {
		name: "mock-llm",
		origin: `http://127.0.0.1:${port}`,
		wires: ["openai"],
		headers: {},
		checksKeys: true,
		stop: () => void child.kill(),
	};
}

/** A gateway, in front of the simulator. */
export async function startPortkey(folder: string, behind: Peer): Promise<Peer> {
	const port = await freePort();
	const main = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
	const child = spawn(process.execPath, [main, `--port=${port}`, "--headless"], {
		cwd: folder,
		stdio: ["ignore", "pipe", "inherit"],
	});
	await said(child, "Ready for connections");
	return {
		name: "portkey",
		origin: `http://127.0.0.1:${port}`,
		wires: ["openai", "responses"],
		headers: { "x-portkey-provider": "openai", "x-portkey-custom-host": `${behind.origin}/v1` },
		checksKeys: true,
		stop: () => void child.kill(),
	};
}

function said(child: ChildProcess, word: string): Promise<void> {
	return new Promise((resolve, reject) => {
		child.stdout?.on("data", (chunk: Buffer) => chunk.includes(word) && resolve());
		child.once("exit", (code) => reject(new Error(`${child.spawnargs.join(" ")} ended with code ${code}`)));
	});
}

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as { port: number };
	await new Promise((resolve) => server.close(resolve));
	return port;
}
