import { describe, expect, it } from "vitest";
import { ConfigError, MissingKeyError, NoRouteError } from "../../src/errors.ts";
import { chooseModel, requireKeys, route, rows } from "../../src/models/router.ts";
import { defineProvider } from "../../src/providers/provider-definition.ts";

const env = {};

function idOf(model: string, extra: Record<string, string> = {}) {
	const found = route(model, { env: { ...env, ...extra } });
	return `${found.provider.id} ${found.modelId}`;
}

describe("route", () => {
	it.each([
		["sambanova/Meta-Llama-3.3-70B-Instruct", "sambanova Meta-Llama-3.3-70B-Instruct"],
		["gpt-4.1-mini", "openai gpt-4.1-mini"],
		["o3", "openai o3"],
		["o4-mini", "openai o4-mini"],
		["chatgpt-4o-latest", "openai chatgpt-4o-latest"],
		["openai/gpt-4.1", "openai gpt-4.1"],
		["openrouter/anthropic/claude-haiku-4.5", "openrouter anthropic/claude-haiku-4.5"],
		["together_ai/meta-llama/Llama-3", "together meta-llama/Llama-3"],
		["togetherai/x", "together x"],
		["fireworks_ai/accounts/fireworks/models/m", "fireworks accounts/fireworks/models/m"],
		["gemini/gemini-2.5-flash", "gemini gemini-2.5-flash"],
		["anthropic/claude-haiku-4-5", "anthropic claude-haiku-4-5"],
		["hosted_vllm/q", "vllm q"],
		["lm_studio/q", "lmstudio q"],
		["litellm/team/model", "litellm team/model"],
		["local/any", "local any"],
		["sim/echo", "sim echo"],
	])("%s leads to %s", (model, expected) => {
		expect(idOf(model)).toBe(expected);
	});

	it("hands any other prefix whole to a LiteLLM proxy when its address is set", () => {
		const found = route("bedrock/claude", { env: { LITELLM_BASE_URL: "http://127.0.0.1:4000/" } });
		expect([found.provider.id, found.modelId, found.baseUrl]).toEqual([
			"litellm",
			"bedrock/claude",
			"http://127.0.0.1:4000",
		]);
		expect(idOf("groq/x", { LITELLM_BASE_URL: "http://127.0.0.1:4000" })).toBe("groq x");
	});

	it("names the nearest prefixes when nothing serves the model", () => {
		const error = failure(() => route("sambnova/x", { env }));
		expect(error).toBeInstanceOf(NoRouteError);
		expect(error.exitCode).toBe(2);
		expect(error.hint).toBe("did you mean sambanova/? All models: llmx models");
		const { hint = "" } = failure(() => route("qqqqqqqqqqq", { env }));
		expect(hint).toContain("openai/ anthropic/ gemini/");
		expect(hint.match(/\w\//g)?.length).toBeLessThanOrEqual(7);
		expect(hint).toContain("llmx models");
	});

	it("refuses a prefix without a model", () => {
		expect(() => route("openai/", { env })).toThrow(/names no model/);
	});

	it("knows every prefix only once", () => {
		const all = rows().flatMap(({ prefixes }) => prefixes);
		expect(new Set(all).size).toBe(all.length);
	});

	it("serves providers of the config file on the OpenAI wire", () => {
		const corp = defineProvider("corp", { base_url: "https://llm.corp.example/v1", key_env: "CORP_SECRET" });
		const found = route("corp/large", { env: { CORP_SECRET: "s3cret" }, providers: [corp] });
		expect(found.provider.wire).toBe("openai");
		expect(found.baseUrl).toBe("https://llm.corp.example/v1");
		expect(found.keys).toEqual([{ value: "s3cret", source: "CORP_SECRET", bearer: false }]);
		expect(failure(() => requireKeys(route("corp/large", { env, providers: [corp] }))).message).toContain(
			"CORP_SECRET is not set",
		);
	});

	it("lets the config file move a built-in provider", () => {
		const moved = defineProvider("groq", { base_url: "https://gateway.example/groq" });
		expect(route("groq/x", { env, providers: [moved] }).baseUrl).toBe("https://gateway.example/groq");
		expect(rows([moved]).filter(({ id }) => id === "groq")).toHaveLength(1);
	});
});

describe("keys", () => {
	it("takes the option, then the list, then the single key, then other names, then stored keys", () => {
		const all = {
			TOGETHER_KEYS: "a, b ,a,",
			TOGETHER_API_KEY: "c",
			TOGETHER_AI_TOKEN: "d",
		};
		const storedKeys = { together: "e" };
		const values = (environment: Record<string, string>, keys?: string[]) =>
			route("together/x", { env: environment, storedKeys, keys }).keys.map(
				({ value, source }) => `${source}=${value}`,
			);
		expect(values(all, ["o"])).toEqual(["option=o"]);
		expect(values(all)).toEqual(["TOGETHER_KEYS=a", "TOGETHER_KEYS=b"]);
		expect(values({ ...all, TOGETHER_KEYS: " , " })).toEqual(["TOGETHER_API_KEY=c"]);
		expect(values({ TOGETHER_AI_TOKEN: "d" })).toEqual(["TOGETHER_AI_TOKEN=d"]);
		expect(values({})).toEqual(["stored=e"]);
	});

	it("is not an error until a request needs one", () => {
		const found = route("sambanova/x", { env });
		expect(found.keys).toEqual([]);
		const error = failure(() => requireKeys(found));
		expect(error).toBeInstanceOf(MissingKeyError);
		expect(error.exitCode).toBe(4);
		expect(error.message).toContain("SAMBANOVA_API_KEY");
		expect(error.hint).toContain("llmx keys set sambanova");
		expect(requireKeys(route("local/x", { env }))).toEqual([]);
	});

	it("marks the token that Anthropic takes as a bearer", () => {
		const keys = route("anthropic/x", { env: { ANTHROPIC_AUTH_TOKEN: "t" } }).keys;
		expect(keys).toEqual([{ value: "t", source: "ANTHROPIC_AUTH_TOKEN", bearer: true }]);
		expect(route("anthropic/x", { env: { ANTHROPIC_API_KEY: "k" } }).keys[0]?.bearer).toBe(false);
	});

	it("refuses a key that would break a header, without showing it", () => {
		const error = failure(() => route("groq/x", { env: { GROQ_API_KEY: "abc\r\nx-evil: 1" } }));
		expect(error).toBeInstanceOf(ConfigError);
		expect(error.message).not.toContain("abc");
	});
});

describe("base URLs", () => {
	const base = (model: string, environment: Record<string, string>) =>
		route(model, { env: environment }).baseUrl;

	it.each([
		["gpt-4o", { OPENAI_BASE_URL: "https://proxy.example/v1/" }, "https://proxy.example/v1"],
		["gemini/x", { GEMINI_BASE_URL: "https://a.example" }, "https://a.example"],
		["gemini/x", { GOOGLE_GEMINI_BASE_URL: "https://a.example/v1beta/" }, "https://a.example"],
		["anthropic/x", { ANTHROPIC_BASE_URL: "https://a.example/v1" }, "https://a.example"],
		["together/x", { TOGETHER_AI_API_BASE: "https://a.example/v1" }, "https://a.example/v1"],
		["ollama/x", { OLLAMA_HOST: "127.0.0.1:9999" }, "http://127.0.0.1:9999/v1"],
		["ollama/x", { OLLAMA_HOST: "box" }, "http://box:11434/v1"],
		["ollama/x", { OLLAMA_HOST: ":9999" }, "http://127.0.0.1:9999/v1"],
		["ollama/x", { OLLAMA_HOST: "0.0.0.0" }, "http://127.0.0.1:11434/v1"],
		["ollama/x", { OLLAMA_HOST: "https://ollama.com" }, "https://ollama.com/v1"],
		["ollama/x", { OLLAMA_BASE_URL: "http://localhost:1/v1" }, "http://localhost:1/v1"],
	])("%s with %o is %s", (model, environment, expected) => {
		expect(base(model, environment as unknown as Record<string, string>)).toBe(expected);
	});

	it("prefers <ID>_BASE_URL to the other names and the option to all", () => {
		const environment = { GROQ_BASE_URL: "https://one.example", GROQ_API_BASE: "https://two.example" };
		expect(base("groq/x", environment)).toBe("https://one.example");
		const found = route("groq/x", { env: environment, baseUrl: "http://127.0.0.1:9" });
		expect([found.baseUrl, found.baseUrlSource]).toEqual(["http://127.0.0.1:9", "option"]);
	});

	it.each([
		"ftp://x",
		"nonsense",
		"https://user:pass@x.example",
		"https://x.example/?q=1",
	])("refuses %s", (value) => {
		expect(() => base("groq/x", { GROQ_BASE_URL: value })).toThrow(ConfigError);
	});

	it("refuses to send a key over plain http to anything but loopback", () => {
		const environment = { GROQ_API_KEY: "k" };
		expect(() => base("groq/x", { ...environment, GROQ_BASE_URL: "http://10.0.0.1/v1" })).toThrow(
			/plain http/,
		);
		expect(() => base("groq/x", { ...environment, GROQ_BASE_URL: "http://127.0.0.1.evil.example" })).toThrow(
			/plain http/,
		);
		expect(() => base("groq/x", { ...environment, GROQ_BASE_URL: "http://localhost.evil.example" })).toThrow(
			/plain http/,
		);
		for (const host of ["localhost:1", "127.0.0.2:1", "[::1]:1", "a.localhost"]) {
			expect(base("groq/x", { ...environment, GROQ_BASE_URL: `http://${host}` })).toBe(`http://${host}`);
		}
		expect(base("local/x", { LOCAL_BASE_URL: "http://10.0.0.1/v1" })).toBe("http://10.0.0.1/v1");
	});
});

describe("chooseModel", () => {
	it("takes the flag, then LLMX_MODEL, then the config, then the first provider with a key", () => {
		const all = { env: { LLMX_MODEL: "b/2", SAMBANOVA_API_KEY: "k" }, configModel: "c/3" };
		expect(chooseModel({ ...all, flag: "a/1" })?.model).toBe("a/1");
		expect(chooseModel(all)?.model).toBe("b/2");
		expect(chooseModel({ ...all, env: { SAMBANOVA_API_KEY: "k" } })?.model).toBe("c/3");
		expect(chooseModel({ env: { SAMBANOVA_API_KEY: "k" } })).toEqual({
			model: "sambanova/Meta-Llama-3.3-70B-Instruct",
			reason: "the default of SambaNova, because SAMBANOVA_API_KEY is set",
			isDefault: true,
		});
		expect(chooseModel({ env, storedKeys: { groq: ["k"] } })?.reason).toContain("a key for Groq is stored");
	});

	it("never lets a token of another tool choose", () => {
		expect(chooseModel({ env: { GITHUB_TOKEN: "g", HF_TOKEN: "h" } })).toBeUndefined();
	});

	it("never guesses for batch", () => {});

	it("finds a route for every default model", () => {
		for (const { prefixes, defaultModel, id } of rows()) {
			if (defaultModel === null) continue;
			expect(route(`${prefixes[0]}/${defaultModel}`, { env }).provider.id).toBe(id);
		}
	});
});

function failure(run: () => unknown): Error & { hint?: string; exitCode?: number } {
	try {
		run();
	} catch (error) {
		return error as Error;
	}
	throw new Error("expected a failure");
}
