import { describe, expect, it } from "vitest";
import { ConfigError } from "../../src/errors.ts";
import { loadConfig, parseConfig } from "../../src/state/config.ts";
import { lineInJson } from "../../src/state/json-lines.ts";
import { didYouMean, nearestNames } from "../../src/state/nearest.ts";

function faultOf(text: string): ConfigError {
	try {
		parseConfig(text, "config.json");
	} catch (error) {
		expect(error).toBeInstanceOf(ConfigError);
		return error as ConfigError;
	}
	throw new Error("the config was accepted");
}

describe("parseConfig", () => {
	it("reads every field", () => {
		const config = parseConfig(
			JSON.stringify({
				default_model: "fast",
				aliases: { fast: "sambanova/gpt-oss-120b" },
				models: { "gpt-5": { max_tokens: 500, reasoning_effort: "low", stop: "END" } },
				presets: {
					terse: "Answer in one sentence.",
					translate: "Translate to {{language}}: {{ input }}",
					review: {
						system: "You review {{language}}.",
						model: "fast",
						variables: { language: "TypeScript" },
						parameters: { temperature: 0 },
					},
				},
				providers: { corp: { base_url: "https://llm.corp.example/v1/", key_env: "CORP_KEY" } },
				budget: { daily: 5, monthly: 50.5 },
				cache: { enabled: false, max_age_days: 30 },
			}),
			"config.json",
		);
		expect(config.defaultModel).toBe("fast");
		expect(config.models).toEqual({ "gpt-5": { maxTokens: 500, reasoningEffort: "low", stop: ["END"] } });
		expect(config.presets.terse).toMatchObject({ system: "Answer in one sentence." });
		expect(config.presets.translate).toMatchObject({ prompt: "Translate to {{language}}: {{ input }}" });
		expect(config.presets.review).toMatchObject({
			variables: { language: "TypeScript" },
			parameters: { temperature: 0 },
		});
		expect(config.providers).toEqual({
			corp: { base_url: "https://llm.corp.example/v1", key_env: "CORP_KEY" },
		});
		expect(config.budget).toEqual({ daily: 5, monthly: 50.5 });
		expect(config.cache).toEqual({ enabled: false, maxAgeDays: 30 });
	});

	it("is empty where there is no file", () => {
		expect(loadConfig("/nonexistent/config.json")).toMatchObject({ aliases: {}, cache: { enabled: true } });
	});

	it("names the line and the nearest field of an unknown one", () => {
		const fault = faultOf('{\n  "aliases": {},\n  "budgets": { "daily": 1 }\n}');
		expect(fault.message).toBe('config.json:3: the config has no field "budgets"');
		expect(fault.hint).toBe('did you mean "budget"?');
		expect(fault.exitCode).toBe(2);
	});

	it.each([
		['{\n"default_model": 7\n}', 'config.json:2: "default_model" must be a non-empty string, not 7'],
		[
			'{\n"models": {\n"x": {\n"temperature": "hot"}}}',
			'config.json:4: "models.x.temperature" must be a number',
		],
		[
			'{\n"models": {"x": {"stop": ["a",\n3]}}}',
			'config.json:2: "models.x.stop" must be a non-empty string or a list',
		],
		['{\n\n"providers": {"corp": {}}}', 'config.json:3: "providers.corp" needs a "base_url"'],
		[
			'{"providers": {"corp":\n{"base_url": "llm.corp"}}}',
			'config.json:2: "providers.corp.base_url" must be an http(s) URL',
		],
		[
			'{"providers": {"corp": {"base_url": "http://a",\n"base_urls": ["http://b"]}}}',
			'config.json:1: "providers.corp" needs "base_url" or "base_urls", not both',
		],
		[
			'{"providers": {"corp": {\n"base_urls": []}}}',
			'config.json:2: "providers.corp.base_urls" must be a list with one',
		],
		[
			'{"providers": {"corp": {"base_urls": ["http://a", {"url": "http://b"}]}}}',
			'config.json:1: "providers.corp.base_urls.1.key_env" must be a non-empty string',
		],
		['{"providers": {\n"Corp!": {"base_url": "http://x"}}}', 'config.json:2: invalid provider name "Corp!"'],
		['{"aliases": {"a": "b",\n"b": "c", "c": "b"}}', 'config.json:1: the alias "a" leads back to itself'],
		['{"presets": {\n"p": {"model": "x"}}}', 'config.json:2: "presets.p" needs a "system" or a "prompt"'],
		['{"budget": {"daily": -1}}', 'config.json:1: "budget.daily" must be a number of at least 0, not -1'],
		["[]", "config.json:1: the config must be an object, not a list"],
		['{\n"a": 1,\n}', "config.json:3: not valid JSON"],
		['{\n"a": tru\n}', "config.json:2: not valid JSON"],
		["", "config.json:1: not valid JSON"],
	])("refuses %j", (text, message) => {
		expect(faultOf(text).message).toContain(message);
	});
});

describe("lineInJson", () => {
	it("points at the name of the member, the last one where it is repeated", () => {
		const text = '{\n"a": {"b": 1},\n"c": [\n{"b":\n2}],\n"a": {\n"b": 3}}';
		expect(lineInJson(text, ["a", "b"])).toBe(7);
		expect(lineInJson(text, ["c", 0, "b"])).toBe(4);
	});
});

describe("nearestNames", () => {
	it("finds typing errors, beginnings and parts, and nothing for the rest", () => {
		const known = ["gpt-4.1", "gpt-4.1-mini", "gemini-2.5-flash", "Meta-Llama-3.3-70B-Instruct"];
		expect(nearestNames("gpt-4.1-mnii", known)[0]).toBe("gpt-4.1-mini");
		expect(nearestNames("meta-llama", known)).toEqual(["Meta-Llama-3.3-70B-Instruct"]);
		expect(nearestNames("flash", known)).toEqual(["gemini-2.5-flash"]);
		expect(didYouMean("claude", known)).toBeUndefined();
	});
});
