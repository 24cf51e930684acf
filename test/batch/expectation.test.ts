import { describe, expect, it } from "vitest";
import { Expectation, type MatchKind } from "../../src/batch/expectation.ts";

describe("an expectation", () => {
	it.each<[MatchKind, unknown, string, boolean]>([
		["equals", "Paris", " Paris\r\n", true],
		["equals", "Paris", "paris", false],
		["equals", 42, "42", true],
		["contains", "Paris", "It is Paris.", true],
		["contains", "Paris", "It is Rome.", false],
		["regex", "^\\d+$", "42", true],
		["regex", "^\\d+$", "about 42", false],
		["json", '{"a": 1, "b": [2]}', '```json\n{"b":[2],"a":1.0}\n```', true],
		["json", { a: 1 }, '{"a":"1"}', false],
		["json", { a: 1 }, "not JSON", false],
	])("%s %j of %j: %s", (kind, expected, answer, pass) => {
		expect(new Expectation(kind).judge(expected, [answer])).toBe(pass);
	});

	it("is met by every one of several answers, and is nothing where a row says nothing", () => {
		const equals = new Expectation("equals");
		expect(equals.judge("a", ["a", "a"])).toBe(true);
		expect(equals.judge("a", ["a", "b"])).toBe(false);
		expect(equals.judge("a", [])).toBe(false);
		expect(equals.judge(undefined, ["a"])).toBeUndefined();
	});

	it("is looked at before anything is sent", () => {
		expect(new Expectation("regex").problemOf("(")).toMatch(/not a regular expression/);
		expect(new Expectation("json").problemOf("{")).toMatch(/not JSON/);
		expect(new Expectation("json").problemOf({ a: 1 })).toBeUndefined();
		expect(new Expectation("equals").problemOf("(")).toBeUndefined();
	});
});
