import { describe, expect, it } from "vitest";
import { compilePreset } from "../../src/prompts/presets.ts";
import type { TemplateValues } from "../../src/prompts/template.ts";
import { parametersFor, resolveAlias } from "../../src/state/aliases.ts";
import { parseConfig } from "../../src/state/config.ts";

const config = parseConfig(
	JSON.stringify({
		aliases: { fast: "quick", quick: "sambanova/gpt-oss-120b" },
		models: {
			"sambanova/gpt-oss-120b": { temperature: 0, max_tokens: 100 },
			fast: { temperature: 1 },
		},
		presets: {
			terse: "Answer in one sentence.",
			translate: "Translate to {{language}}: {{ input }}",
			commit: { prompt: "Write a commit message.", model: "fast", parameters: { temperature: 0.2 } },
			review: { system: "You review {{language}}.", variables: { language: "TypeScript" } },
		},
	}),
	"config.json",
);

function fillPreset(from: typeof config, name: string, input: string | null, variables?: TemplateValues) {
	const { model, parameters, fill } = compilePreset(from, name);
	return { model, parameters, ...fill(input, variables) };
}

describe("aliases", () => {
	it("lead to a model, also over another alias; other names are their own", () => {
		expect(resolveAlias("fast", config)).toBe("sambanova/gpt-oss-120b");
		expect(resolveAlias("gpt-4.1", config)).toBe("gpt-4.1");
		expect(resolveAlias("constructor", config)).toBe("constructor");
	});

	it("have parameters over those of their model", () => {
		expect(parametersFor("fast", config)).toEqual({ temperature: 1, maxTokens: 100 });
		expect(parametersFor("sambanova/gpt-oss-120b", config)).toEqual({ temperature: 0, maxTokens: 100 });
		expect(parametersFor("constructor", config)).toEqual({});
	});
});

describe("fillPreset", () => {
	it("sends the input as it is under a system prompt", () => {
		expect(fillPreset(config, "terse", "why?")).toMatchObject({
			system: "Answer in one sentence.",
			prompt: "why?",
		});
	});

	it("puts the input and variables where the prompt says, as they are", () => {
		const filled = fillPreset(config, "translate", "$& {{language}}", { language: "French" });
		expect(filled).toMatchObject({ system: undefined, prompt: "Translate to French: $& {{language}}" });
	});

	it("puts the input at the end of a prompt that does not say where", () => {
		expect(fillPreset(config, "commit", "diff")).toEqual({
			system: undefined,
			prompt: "Write a commit message.\n\ndiff",
			model: "fast",
			parameters: { temperature: 0.2 },
		});
		expect(fillPreset(config, "commit", "").prompt).toBe("Write a commit message.");
	});

	it("lets a given variable win over the preset's own", () => {
		expect(fillPreset(config, "review", "x").system).toBe("You review TypeScript.");
		expect(fillPreset(config, "review", "x", { language: "Rust" }).system).toBe("You review Rust.");
	});

	it("takes any field of a row, and its own value where the row has none", () => {
		expect(fillPreset(config, "translate", "x", { language: 5 }).prompt).toBe("Translate to 5: x");
		expect(fillPreset(config, "review", "x", { language: null }).system).toBe("You review TypeScript.");
	});

	it("has the rules of every template: names, paths and escapes", () => {
		const presets = { nested: { system: "\\{{x}} {{a.b}} {{two words}}", variables: {}, parameters: {} } };
		const preset = compilePreset({ presets }, "nested");
		expect(preset.names).toEqual(["a.b", "two words"]);
		expect(preset.fill("hi", { a: { b: "c" }, "two words": "d" }).system).toBe("{{x}} c d");
		const broken = { presets: { p: { system: "{{x", variables: {}, parameters: {} } } };
		expect(() => compilePreset(broken, "p")).toThrow('the preset "p" has a {{ that is not closed');
	});

	it("names what is missing", () => {
		expect(() => fillPreset(config, "translate", "x")).toThrow(
			'the preset "translate" needs a value for {{language}}',
		);
		expect(() => fillPreset(config, "translate", "", { language: "French" })).toThrow("needs an input");
		expect(() => fillPreset(config, "tranlate", "x")).toThrow(
			expect.objectContaining({ hint: 'did you mean "translate"?', exitCode: 2 }),
		);
	});
});

describe("a preset in a chat", () => {
	it("gives its system prompt although its prompt waits for an input", () => {
		const config = parseConfig(
			JSON.stringify({ presets: { translate: { system: "Be brief.", prompt: "Translate: {{input}}" } } }),
			"config.json",
		);
		expect(fillPreset(config, "translate", null)).toMatchObject({ system: "Be brief.", prompt: "" });
	});
});
