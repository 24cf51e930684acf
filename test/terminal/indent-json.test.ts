import fc from "fast-check";
import { expect, it } from "vitest";
import { indentJson } from "../../src/terminal/indent-json.ts";

it("indents JSON as JSON.stringify does, and leaves what is in it as it was written", () => {
	fc.assert(
		fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
			expect(indentJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
		}),
	);
	const long = '{"id":12345678901234567890,"price":1.50,"text":"*a* \\u00e9, {b}: [c]"}';
	expect(indentJson(long).replace(/\n */g, "").replaceAll('": ', '":')).toBe(long);
});
