import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
	AbortedError,
	ConfigError,
	LLM,
	MissingKeyError,
	NoRouteError,
	RequestError,
	UnsupportedError,
} from "../../src/index.ts";
import { failureOf, ledgerLines, setup, simulator, temporaryFolder } from "./harness.ts";

const llama = "sambanova/Meta-Llama-3.3-70B-Instruct";

describe("a SambaNova model", () => {
	it("is known by its prefix, which the provider never sees, and is sent there with its key", async () => {
		const { llm, simulator: server } = await setup();
		const samba = llm(llama);
		expect([samba.provider, samba.modelId, samba.model]).toEqual([
			"sambanova",
			"Meta-Llama-3.3-70B-Instruct",
			llama,
		]);
		expect(await samba.chat("hello")).toBe("hello");
		expect(server.requests).toMatchObject([
			{
				wire: "openai",
				path: "/v1/chat/completions",
				model: "Meta-Llama-3.3-70B-Instruct",
				key: "sk-sambanova-0123456789",
				stream: false,
				body: { messages: [{ role: "user", content: "hello" }] },
			},
		]);
	});

	it("is priced by its row of the price table", async () => {
		const { llm } = await setup();
		const samba = llm("sambanova/Meta-Llama-3.3-70B-Instruct");
		const { usage, costUsd } = await samba.ask("four tokens of text!");
		expect(usage?.inputTokens).toBeGreaterThan(0);
		// $0.60 and $1.20 per million tokens.
		expect(costUsd).toBeCloseTo(
			((usage?.inputTokens ?? 0) * 0.6 + (usage?.outputTokens ?? 0) * 1.2) / 1e6,
			12,
		);
		expect(samba.cost).toEqual({ usd: costUsd, unknownCalls: 0 });
	});
});

describe("chat", () => {
	it.each(["openai/echo", "gemini/echo", "anthropic/echo"])("returns a string: %s", async (model) => {
		const { llm } = await setup();
		expect(await llm(model).chat([{ role: "user", content: "one\ntwo ✓" }])).toBe("one\ntwo ✓");
	});

	it("passes a history on as it is", async () => {
		const { llm, simulator: server } = await setup();
		const history = [
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "My name is Ada." },
			{ role: "assistant", content: "Hello Ada." },
			{ role: "user", content: "What is my name?" },
		];
		expect(await llm().chat(history)).toBe("What is my name?");
		expect(server.requests[0]?.body.messages).toEqual(history);
	});

	it("passes raw parameters through, and refuses one that the provider does not know before sending", async () => {
		const { llm, simulator: server } = await setup();
		const options = { temperature: 0.5, extra: { logit_bias: { "50256": -100 }, store: true } };
		await llm("openai/echo").chat("x", options);
		expect(server.requests[0]?.body).toMatchObject({
			temperature: 0.5,
			logit_bias: { "50256": -100 },
			store: true,
		});
		expect(await failureOf(llm("openai/echo").chat("x", { topK: 5 }))).toBeInstanceOf(UnsupportedError);
		expect(server.stats.requests).toBe(1);
	});

	it("asks for several answers in one request where the provider takes n, else in several", async () => {
		const { llm, simulator: server } = await setup();
		const together = await llm("openai/words-3").ask("x", { n: 3 });
		expect(together.texts).toHaveLength(3);
		expect(server.stats.requests).toBe(1);
		const apart = await llm("gemini/words-3").ask("x", { n: 3 });
		expect(apart.texts).toHaveLength(3);
		expect(server.stats.requests).toBe(4);
		// The sum of three requests.
		expect((apart.usage?.inputTokens ?? 0) % 3).toBe(0);
		expect(apart.usage?.inputTokens).toBeGreaterThan(0);
	});
});

describe("the cache of chat", () => {
	it("answers the second call without a request, marked and free, and the ledger says what that saved", async () => {
		const { llm, simulator: server, ledger } = await setup();
		const first = await llm(llama).ask("hello");
		const again = llm(llama);
		const second = await again.ask("hello");
		expect(server.stats.requests).toBe(1);
		expect(second).toMatchObject({
			text: "hello",
			cached: true,
			costUsd: 0,
			attempts: 0,
			usage: first.usage,
		});
		expect(again.cost).toEqual({ usd: 0, unknownCalls: 0 });
		expect(again.usage.inputTokens).toBe(0);
		const rows = await ledger();
		expect(rows.map(({ cached }) => cached)).toEqual([false, true]);
		expect(rows[1]).toMatchObject({ cost_usd: 0, saved_usd: first.costUsd, attempts: 0, status: "ok" });
		expect(first.costUsd).toBeGreaterThan(0);
	});

	it("is shared by the streamed and the plain form of a call", async () => {
		const { llm, simulator: server } = await setup();
		await llm().ask("hello", { streamed: true });
		expect(await llm().ask("hello")).toMatchObject({ cached: true });
		expect(server.stats.requests).toBe(1);
	});

	it("does not mix parameters, models or servers up", async () => {
		const { llm, simulator: server } = await setup();
		const other = await simulator();
		await llm().chat("x");
		await llm().chat("x", { temperature: 0.2 });
		await llm().chat("x", { extra: { logprobs: true } });
		await llm("openai/reason").chat("x");
		await llm("openai/echo", { baseUrl: `${other.url}/v1` }).chat("x");
		expect([server.stats.requests, other.stats.requests]).toEqual([4, 1]);
	});

	it("is left alone with cache false, written with refresh, and the only source with only", async () => {
		const { llm, simulator: server } = await setup();
		expect(await failureOf(llm().chat("x", { cache: "only" }))).toMatchObject({
			message: "the answer is not in the cache",
			exitCode: 1,
		});
		await llm().chat("x", { cache: false });
		expect(await failureOf(llm().chat("x", { cache: "only" }))).toMatchObject({ exitCode: 1 });
		await llm().chat("x", { cache: "refresh" });
		expect(await llm().chat("x", { cache: "only" })).toBe("x");
		await llm().chat("x", { cache: "refresh" });
		expect(server.stats.requests).toBe(3);
	});

	it("needs no key for a hit", async () => {
		const { llm, env } = await setup();
		await llm().chat("x");
		const keyless = { ...env, OPENAI_API_KEY: "" };
		expect(await llm("openai/echo", { env: keyless }).chat("x")).toBe("x");
		expect(await failureOf(llm("openai/echo", { env: keyless }).chat("y"))).toBeInstanceOf(MissingKeyError);
	});
});

describe("usage and cost", () => {
	it("add up over the calls of an LLM", async () => {
		const { llm } = await setup();
		const samba = llm(llama, { cache: false });
		const results = [await samba.ask("one"), await samba.ask("two words"), await samba.ask("one")];
		const sum = (of: (result: (typeof results)[number]) => number) =>
			results.reduce((total, result) => total + of(result), 0);
		expect(samba.usage.inputTokens).toBe(sum(({ usage }) => usage?.inputTokens ?? Number.NaN));
		expect(samba.usage.outputTokens).toBe(sum(({ usage }) => usage?.outputTokens ?? Number.NaN));
		expect(samba.cost.usd).toBeCloseTo(
			sum(({ costUsd }) => costUsd ?? Number.NaN),
			12,
		);
		expect(samba.cost.unknownCalls).toBe(0);
	});

	it("count a call of unknown price as unknown, never as $0", async () => {
		const { llm, ledger } = await setup();
		const unpriced = llm("openai/echo");
		const { costUsd, usage } = await unpriced.ask("x");
		expect(costUsd).toBeNull();
		expect(usage).not.toBeNull();
		expect(unpriced.cost).toEqual({ usd: 0, unknownCalls: 1 });
		expect(await ledger()).toMatchObject([{ cost_usd: null, status: "ok" }]);
	});

	it("are unknown too where a priced model reports no usage", async () => {
		const { llm } = await setup();
		const samba = llm(llama);
		expect(await samba.ask("[[fault:usage-missing]]")).toMatchObject({ usage: null, costUsd: null });
		expect(samba.cost).toEqual({ usd: 0, unknownCalls: 1 });
	});

	it("are in the ledger before the answer is handed on", async () => {
		const { llm, env } = await setup();
		await llm().chat("x");
		expect(ledgerLines(env.LLMX_HOME)).toHaveLength(1);
	});
});

describe("a failure", () => {
	it("of the rate (429) is retried with the next key, at once, and counts one call", async () => {
		const {
			llm,
			simulator: server,
			clock,
			ledger,
		} = await setup({
			keyFaults: { "sk-busy-0123456789": "429-retry-after=7" },
		});
		const keys = ["sk-busy-0123456789", "sk-free-0123456789"];
		const result = await llm("openai/echo", { keys }).ask("x");
		expect(result).toMatchObject({ text: "x", attempts: 2 });
		expect(server.requests.map(({ key }) => key)).toEqual(keys);
		expect(clock.waits).toEqual([]);
		expect(await ledger()).toHaveLength(1);
	});

	it("of the rate with one key waits as long as the server says, with growing pauses where it says nothing", async () => {
		const { llm, clock } = await setup();
		const heard: string[] = [];
		const onRetry = ({ reason }: { reason: string }) => heard.push(reason);
		await llm("openai/echo", { onRetry }).chat("[[fault:429-retry-after=7 x1]] x");
		expect(clock.waits).toHaveLength(1);
		expect(clock.waits[0]).toBeGreaterThanOrEqual(7_000);
		await llm("openai/echo", { onRetry }).chat("[[fault:429 x3]] x");
		const [, first = 0, second = 0, third = 0] = clock.waits;
		expect(second).toBeGreaterThan(first);
		expect(third).toBeGreaterThan(second);
		expect(heard).toHaveLength(4);
	});

	it("of the rate is raised when the retries are used up", async () => {
		const { llm, simulator: server } = await setup();
		const error = await failureOf(llm("openai/echo", { maxRetries: 2 }).chat("[[fault:429]]"));
		expect(error).toBeInstanceOf(RequestError);
		expect(error).toMatchObject({ errorClass: "rate_limit", status: 429, attempts: 3, exitCode: 5 });
		expect(server.stats.requests).toBe(3);
	});

	it.each([
		[400, "invalid_request", 1],
		[403, "forbidden", 4],
		[404, "not_found", 1],
		[422, "invalid_request", 1],
	])("other than a 429 raises at once: %i", async (status, errorClass, exitCode) => {
		const { llm, simulator: server, clock } = await setup();
		const error = await failureOf(llm().chat(`[[fault:${status}]]`));
		expect(error).toMatchObject({ provider: "openai", status, errorClass, exitCode, attempts: 1 });
		expect([server.stats.requests, clock.waits]).toEqual([1, []]);
	});

	it("leaves one ledger row, and no answer in the cache", async () => {
		const { llm, ledger, simulator: server } = await setup();
		await failureOf(llm().chat("[[fault:400 x1]] x"));
		expect(await ledger()).toMatchObject([{ status: "failed", cost_usd: 0 }]);
		await llm().chat("[[fault:400 x1]] x");
		expect(server.stats.requests).toBe(2);
	});

	it("of one of several answers keeps those that came", async () => {
		const { llm, simulator: server } = await setup();
		const error = await failureOf(llm("sambanova/echo").ask("[[fault:400 x1]] x", { n: 3 }));
		expect(error).toMatchObject({
			errorClass: "invalid_request",
			partialText: "[[fault:400 x1]] x\n---\n[[fault:400 x1]] x",
		});
		expect(error.usage.outputTokens).toBeGreaterThan(0);
		expect(server.stats.requests).toBe(3);
	});

	it("by abort says so and leaves a maybe_billed row", async () => {
		const { llm, ledger, simulator: server } = await setup({ latency: 60_000 });
		const controller = new AbortController();
		const asking = failureOf(llm().chat("x", { signal: controller.signal }));
		await expect.poll(() => server.stats.inFlight).toBe(1);
		controller.abort();
		expect(await asking).toMatchObject({ name: "AbortedError", exitCode: 130 });
		expect(await ledger()).toMatchObject([{ status: "maybe_billed", cost_usd: null }]);
		await expect.poll(() => server.stats.inFlight).toBe(0);
	});
});

describe("a route", () => {
	it("to a provider of the config file's own sends its key there", async () => {
		const { simulator: server, env, llm } = await setup();
		const config = { providers: { corp: { base_url: `${server.url}/v1`, key_env: "CORP_TOKEN" } } };
		writeFileSync(`${env.LLMX_HOME}/config.json`, JSON.stringify(config));
		const corp = llm("corp/some/model", { env: { ...env, CORP_TOKEN: "corp-0123456789" } });
		expect([corp.provider, corp.modelId]).toEqual(["corp", "some/model"]);
		expect(await corp.chat("x")).toBe("x");
		expect(server.requests).toMatchObject([{ model: "some/model", key: "corp-0123456789" }]);
	});

	it("with a key over plain http to another machine is refused before anything is sent", async () => {
		const { llm } = await setup();
		expect(() => llm("openai/echo", { baseUrl: "http://192.0.2.1/v1" })).toThrow(ConfigError);
		expect(() => llm("openai/echo", { baseUrl: "http://192.0.2.1/v1" })).toThrow(
			"refusing to send the OpenAI key over plain http to 192.0.2.1",
		);
	});

	it("that does not exist is an error of the constructor", async () => {
		const { llm } = await setup();
		expect(() => llm("opneai/gpt-4.1")).toThrow(NoRouteError);
	});
});

describe("LLM_GLOBAL_CONCURRENCY", () => {
	it("caps the requests of every LLM together, streamed or not, and a call that waits holds none", async () => {
		const { llm, simulator: server, env } = await setup({ latency: 10 });
		const capped = { env: { ...env, LLM_GLOBAL_CONCURRENCY: "2" }, cache: false } as const;
		const asked = [llm("openai/echo", capped), llm("gemini/echo", capped), llm("anthropic/echo", capped)];
		const prompts = ["a", "[[fault:429-retry-after=50 x1]] b", "c"];
		const answers = await Promise.all(
			asked.flatMap((one) => prompts.map((prompt) => one.ask(prompt, { streamed: prompt === "c" }))),
		);
		expect(answers.map(({ text }) => text)).toEqual([...prompts, ...prompts, ...prompts]);
		expect(server.stats.mostInFlight).toBeLessThanOrEqual(2);
		expect(server.stats.mostInFlight).toBeGreaterThan(0);
	});

	it("counts each request where a provider gives one answer a request", async () => {
		const { llm, simulator: server, env } = await setup({ latency: 10 });
		const capped = llm("gemini/echo", { env: { ...env, LLM_GLOBAL_CONCURRENCY: "1" }, cache: false });
		expect((await capped.ask("a", { n: 3 })).texts).toEqual(["a", "a", "a"]);
		expect(await capped.generate(["b", "c"], { n: 2 })).toEqual([
			["b", "b"],
			["c", "c"],
		]);
		expect(server.stats).toMatchObject({ requests: 7, mostInFlight: 1 });
	});

	it("does not hold up a call that is stopped while it waits", async () => {
		const { llm, env, simulator: server } = await setup();
		const capped = llm("openai/echo", { env: { ...env, LLM_GLOBAL_CONCURRENCY: "1" }, cache: false });
		const stop = new AbortController();
		const first = capped.chat("[[fault:no-answer]]", { signal: stop.signal });
		await expect.poll(() => server.stats.requests).toBe(1);
		const leave = new AbortController();
		const second = capped.chat("b", { signal: leave.signal });
		leave.abort();
		expect(await failureOf(second)).toBeInstanceOf(AbortedError);
		stop.abort();
		expect(await failureOf(first)).toBeInstanceOf(AbortedError);
		expect(await capped.chat("c")).toBe("c");
		expect(server.stats.requests).toBe(2);
	});

	it("that is no number is an error before anything is sent", async () => {
		const { llm, simulator: server, env } = await setup();
		const wrong = llm("openai/echo", { env: { ...env, LLM_GLOBAL_CONCURRENCY: "many" } });
		const error = await failureOf(wrong.chat("x"));
		expect(error).toBeInstanceOf(ConfigError);
		expect(error).toMatchObject({ exitCode: 2, message: expect.stringContaining("LLM_GLOBAL_CONCURRENCY") });
		expect(server.stats.requests).toBe(0);
	});
});

describe("an LLM", () => {
	it("is closed by `await using`: its ledger and cache are whole, and it makes no more calls", async () => {
		const home = temporaryFolder();
		const { simulator: server, env } = await setup();
		let kept: LLM;
		{
			await using llm = new LLM("openai/echo", { env: { ...env, LLMX_HOME: home } });
			expect(await llm.chat("x")).toBe("x");
			kept = llm;
		}
		expect(ledgerLines(home)).toHaveLength(1);
		expect(await failureOf(kept.chat("y"))).toBeInstanceOf(Error);
		expect(server.stats.requests).toBe(1);
		expect(server.stats.inFlight).toBe(0);
	});
});
