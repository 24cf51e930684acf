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

describe("several servers", () => {
	const at = (environment: Record<string, string>, ...definitions: ReturnType<typeof defineProvider>[]) =>
		route("local/x", { env: environment, providers: definitions });
	const urls = ({ servers }: ReturnType<typeof route>) => servers.map(({ baseUrl }) => baseUrl);

	it("are named by the option, the variable, or the config, in this order, each once", () => {
		const config = defineProvider("local", { base_urls: ["http://c:1/v1", "http://c:2/v1"] });
		expect(urls(at({}, config))).toEqual(["http://c:1/v1", "http://c:2/v1"]);
		const environment = {
			LOCAL_BASE_URLS: " http://a:1/v1/, http://b/v1 ,,http://a:1/v1",
			LOCAL_BASE_URL: "http://z",
		};
		const found = at(environment, config);
		expect(urls(found)).toEqual(["http://a:1/v1", "http://b/v1"]);
		expect([found.baseUrl, found.baseUrlSource]).toEqual(["http://a:1/v1", "LOCAL_BASE_URLS"]);
		const given = route("local/x", {
			env: environment,
			baseUrls: ["http://127.0.0.1:1", { url: "http://127.0.0.1:2" }],
		});
		expect(urls(given)).toEqual(["http://127.0.0.1:1", "http://127.0.0.1:2"]);
		expect(
			urls(route("hosted_vllm/x", { env: { HOSTED_VLLM_BASE_URLS: "http://a,http://b" } })),
		).toHaveLength(2);
	});

	it("have names that tell them apart", () => {
		const names = ({ servers }: ReturnType<typeof route>) => servers.map(({ name }) => name);
		expect(names(at({ LOCAL_BASE_URLS: "http://a:1/v1,http://b:1/v1" }))).toEqual(["a:1", "b:1"]);
		expect(names(at({ LOCAL_BASE_URLS: "http://a/one,http://a/two,http://b/v1" }))).toEqual([
			"a/one",
			"a/two",
			"b",
		]);
	});

	it("are sent their own key, and no other server is", () => {
		const own = defineProvider("corp", {
			base_urls: [
				{ url: "https://a.example/v1", key_env: "A" },
				"https://b.example/v1",
				{ url: "https://c.example/v1", key_env: "C" },
			],
			key_env: "B",
		});
		const environment = { A: "key-a", B: "key-b", C: "key-c" };
		const { servers } = route("corp/x", { env: environment, providers: [own] });
		expect(servers.map(({ keys }) => keys.map(({ value }) => value))).toEqual([
			["key-a"],
			["key-b"],
			["key-c"],
		]);
		const missing = route("corp/x", { env: { A: "key-a", B: "key-b" }, providers: [own] });
		expect(failure(() => requireKeys(missing)).message).toContain("c.example");
	});

	it("share the keys of a provider of one's own, but not those of one on the internet", () => {
		const environment = { LOCAL_API_KEY: "k", LOCAL_BASE_URLS: "https://a.example/v1,https://b.example/v1" };
		expect(at(environment).servers.map(({ keys }) => keys[0]?.value)).toEqual(["k", "k"]);
		const hosted = {
			GROQ_API_KEY: "secret-key",
			GROQ_BASE_URLS: "https://api.groq.com/openai/v1,https://b.example/v1",
		};
		const error = failure(() => route("groq/x", { env: hosted }));
		expect(error.message).toBe("refusing to send the Groq key to a second host, b.example");
		expect(error.hint).toContain("key_env");
		const oneHost = { GROQ_API_KEY: "k", GROQ_BASE_URLS: "https://g.example/a,https://g.example/b" };
		expect(route("groq/x", { env: oneHost }).servers).toHaveLength(2);
	});

	it("are each checked for plain http", () => {
		const environment = { LOCAL_API_KEY: "k", LOCAL_BASE_URLS: "https://a.example/v1,http://b.example/v1" };
		expect(() => at(environment)).toThrow(/plain http to b\.example/);
	});

	it("are no single address", () => {
		expect(failure(() => at({ LOCAL_BASE_URL: "http://a/v1,http://b/v1" })).hint).toBe(
			"set LOCAL_BASE_URLS instead",
		);
		expect(() =>
			route("local/x", { env, baseUrl: "http://127.0.0.1:1", baseUrls: ["http://127.0.0.1:2"] }),
		).toThrow();
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
