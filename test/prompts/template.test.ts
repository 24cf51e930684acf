import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { numberText, parseJson } from "../../src/prompts/json.ts";
import { compileTemplate } from "../../src/prompts/template.ts";

describe("a template", () => {
	it("puts fields and columns into its text", () => {
		const render = compileTemplate("Translate {{ text }} into {{language}}.");
		expect(render({ text: "hello", language: "French" })).toBe("Translate hello into French.");
	});

	it("never expands what it has put in", () => {
		expect(compileTemplate("{{a}}{{b}}")({ a: "{{b}}", b: "$& $1" })).toBe("{{b}}$& $1");
	});

	it("follows paths into nested values, unless a field is called just so", () => {
		const render = compileTemplate("{{turns.0}}|{{a.b}}|{{turns}}");
		expect(render({ turns: ["one", 2], "a.b": "dot", a: { b: "no" } })).toBe('one|dot|["one",2]');
	});

	it("writes numbers as they stood in the file", () => {
		const fields = parseJson('{"n": 12345678901234567890, "f": 1.50, "t": true}') as Record<string, unknown>;
		expect(compileTemplate("{{n}} {{f}} {{t}}")(fields)).toBe("12345678901234567890 1.5 true");
	});

	it("says which variable a row does not have, and what it has", () => {
		const render = compileTemplate("{{text}}");
		expect(() => render({ prompt: "x", id: "1" })).toThrow("{{text}} is missing; the row has: prompt, id");
		expect(() => render({ text: null })).toThrow("{{text}} is null");
		expect(() => compileTemplate("{{toString}}")({})).toThrow("{{toString}} is missing");
		expect(() => compileTemplate("{{a.length}}")({ a: "text" })).toThrow("is missing");
	});

	it("has \\{{ for a literal pair of braces", () => {
		expect(compileTemplate("\\{{x}} {{x}} {x}")({ x: "1" })).toBe("{{x}} 1 {x}");
	});

	it("says so when a variable is left open, and when it is a program", () => {
		expect(() => compileTemplate("{{name}} and {{open")).toThrow("leaves a variable open");
		expect(() => compileTemplate("{% if name %}{{name}}{% endif %}")).toThrow(
			"only {{variables}} are filled in",
		);
		expect(compileTemplate("\\{% raw %} {{a}} }}")({ a: "1" })).toBe("{% raw %} 1 }}");
		expect(compileTemplate("{{b}} {{a}}").names).toEqual(["b", "a"]);
	});

	it("suggests the variable that may be meant", () => {
		expect(() => compileTemplate("{{Text}}")({ text: "x" })).toThrow("did you mean {{text}}?");
	});

	it("is refused when it names nothing", () => {
		expect(() => compileTemplate("Translate {text}")).toThrow(UsageError);
		expect(() => compileTemplate("a {{ }}")).toThrow("empty variable");
	});
});

describe("JSON of a row", () => {
	it("can be written again without any number changed", () => {
		const text = '{"id":12345678901234567890,"big":1e400,"small":-0.1,"list":[9007199254740993]}';
		expect(JSON.stringify(parseJson(text))).toBe(text);
		expect(numberText((parseJson(text) as { id: unknown }).id)).toBe("12345678901234567890");
	});
});
