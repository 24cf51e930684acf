import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { LLM, type LLMOptions } from "../../src/index.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { temporaryFolder } from "./harness.ts";

async function simulators(...options: SimulatorOptions[]): Promise<Simulator[]> {
	const started = await Promise.all(options.map((one) => startSimulator(one)));
	afterTest(() => Promise.all(started.map((simulator) => simulator.close())));
	return started;
}

function llmOf(options: LLMOptions, config: object = {}, variables: Record<string, string> = {}): LLM {
	const home = temporaryFolder();
	mkdirSync(home, { recursive: true });
	writeFileSync(join(home, "config.json"), JSON.stringify(config));
	const llm = new LLM("local/echo", { env: { LLMX_HOME: home, ...variables }, cache: false, ...options });
	afterTest(() => llm.close());
	return llm;
}

const urlsOf = (servers: readonly Simulator[]) => servers.map(({ url }) => `${url}/v1`);
const prompts = Array.from({ length: 60 }, (_, index) => `row ${index}`);

it("rows are shared out over the servers of the config, each with its own key", async () => {
	const servers = await simulators({ keys: ["key-a"] }, { keys: ["key-b"] }, { keys: ["key-c"] });
	const [a, b, c] = urlsOf(servers);
	const base_urls = [{ url: a, key_env: "A" }, { url: b, key_env: "B" }, c];
	const keys = { A: "key-a", B: "key-b", LOCAL_API_KEY: "key-c" };
	const llm = llmOf({}, { providers: { local: { base_urls } } }, keys);
	const answers = await llm.generate(prompts);
	expect(answers.map(([text]) => text)).toEqual(prompts);
	for (const [index, { stats, requests }] of servers.entries()) {
		expect(stats.answered).toBeGreaterThan(5);
		expect(new Set(requests.map(({ key }) => key))).toEqual(new Set([["key-a", "key-b", "key-c"][index]]));
	}
});

it("a server that is gone loses no row, and is named", async () => {
	const servers = await simulators({}, {}, {});
	const llm = llmOf({ baseUrls: urlsOf(servers) });
	await servers[1]?.close();
	const answers = await llm.generate(Array.from({ length: 300 }, (_, index) => `row ${index}`));
	expect(answers).toHaveLength(300);
	const gone = llm.pace?.servers[1];
	expect(gone).toMatchObject({ answers: 0, name: new URL(servers[1]?.url ?? "").host });
	expect(gone?.failures).toBeGreaterThan(0);
});

it("questions, streams and chats go around a server that is gone, without a wait", async () => {
	const servers = await simulators({}, {});
	const slept: number[] = [];
	const llm = llmOf({ baseUrls: urlsOf(servers), onRetry: ({ delayMs }) => slept.push(delayMs) });
	await servers[0]?.close();
	for (let count = 0; count < 4; count++)
		expect((await llm.ask(`hello ${count}`)).text).toBe(`hello ${count}`);
	let text = "";
	for await (const part of llm.stream("as a stream")) if (part.type === "text-delta") text += part.text;
	expect(text).toBe("as a stream");
	expect(slept.every((ms) => ms === 0)).toBe(true);
	expect(servers[1]?.stats.answered).toBe(5);
});

it("calls at the same time are spread over the servers", async () => {
	const servers = await simulators({ latency: 60 }, { latency: 60 }, { latency: 60 }, { latency: 60 });
	const llm = llmOf({ baseUrls: urlsOf(servers) });
	await Promise.all(prompts.slice(0, 40).map((prompt) => llm.chat(prompt)));
	for (const { stats } of servers) expect(stats.answered).toBeGreaterThanOrEqual(5);
});

it("turns of a conversation stay where the first one went", async () => {
	const servers = await simulators({}, {}, {});
	const llm = llmOf({ baseUrls: urlsOf(servers) });
	const messages = [{ role: "user", content: "a question that begins all of them" }];
	for (let turn = 0; turn < 6; turn++) {
		const content = await llm.chat(messages);
		messages.push({ role: "assistant", content }, { role: "user", content: `turn ${turn}` });
	}
	expect(servers.map(({ stats }) => stats.answered).toSorted()).toEqual([0, 0, 6]);
});
