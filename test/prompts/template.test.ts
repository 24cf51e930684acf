import { describe, expect, it } from "vitest";
import { numberText, parseJson } from "../../src/prompts/json.ts";
import { compileTemplate } from "../../src/prompts/template.ts";

describe("a template", () => {
	it("puts fields and columns into its text", () => {
		const render = compileTemplate("Translate {{ text }} into {{language}}.").fill;
		expect(render({ text: "hello", language: "French" })).toBe("Translate hello into French.");
	});

	it("never expands what it has put in", () => {
		expect(compileTemplate("{{a}}{{b}}").fill({ a: "{{b}}", b: "$& $1" })).toBe("{{b}}$& $1");
	});

	it("follows paths into nested values, unless a field is called just so", () => {
		const render = compileTemplate("{{turns.0}}|{{a.b}}|{{turns}}").fill;
		expect(render({ turns: ["one", 2], "a.b": "dot", a: { b: "no" } })).toBe('one|dot|["one",2]');
	});

	it("writes numbers as they stood in the file", () => {
		const fields = parseJson('{"n": 12345678901234567890, "f": 1.50, "t": true}') as Record<string, unknown>;
		expect(compileTemplate("{{n}} {{f}} {{t}}").fill(fields)).toBe("12345678901234567890 1.5 true");
	});

	it("says which variable a row does not have, and what it has", () => {
		const render = compileTemplate("{{text}}").fill;
		expect(() => render({ prompt: "x", id: "1" })).toThrow(
			"the template needs a value for {{text}}; there is: prompt, id",
		);
		expect(() => render({ text: null })).toThrow("needs a value for {{text}}; it is null");
		expect(() => compileTemplate("{{toString}}").fill({})).toThrow(
			"needs a value for {{toString}}; there is: nothing",
		);
		expect(() => compileTemplate("{{a.length}}").fill({ a: "text" })).toThrow(
			"needs a value for {{a.length}}",
		);
	});

	it("has \\{{ for a literal pair of braces", () => {
		expect(compileTemplate("\\{{x}} {{x}} {x}").fill({ x: "1" })).toBe("{{x}} 1 {x}");
	});

	it("is refused when a variable has no name, a pair of braces no end, and when it is a program", () => {
		expect(() => compileTemplate("a {{ }}")).toThrow("the template has an empty variable");
		for (const text of ["{{a", "{{a}} and {{open", "{{a{{b}}", "{{a\n}"]) {
			expect(() => compileTemplate(text, "the preset")).toThrow("the preset has a {{ that is not closed");
		}
		expect(() => compileTemplate("{% if name %}{{name}}{% endif %}")).toThrow(
			"only {{variables}} are filled in",
		);
		expect(compileTemplate("\\{% raw %} {{a}} }}").fill({ a: "1" })).toBe("{% raw %} 1 }}");
		expect(compileTemplate("}} {x} {{{y}}}").fill({ y: 1 })).toBe("}} {x} {1}");
	});

	it("names its variables, each once, and suggests the value that may be meant", () => {
		expect(compileTemplate("{{b}} {{ a.c }} {{b}} \\{{d}}").names).toEqual(["b", "a.c"]);
		expect(() => compileTemplate("{{Text}}").fill({ text: "x" })).toThrow("did you mean {{text}}?");
	});
});

describe("JSON of a row", () => {
	it("can be written again without any number changed", () => {
		const text = '{"id":12345678901234567890,"big":1e400,"small":-0.1,"list":[9007199254740993]}';
		expect(JSON.stringify(parseJson(text))).toBe(text);
		expect(numberText((parseJson(text) as { id: unknown }).id)).toBe("12345678901234567890");
	});
});
