import { expect, it } from "vitest";
import { jsonLine } from "../../src/state/json-line.ts";

it.each([
	"plain",
	"a\u2028b\u2029c\u0085d",
	'quote " back \\ slash \\u2028',
	"line\nend\r",
])("is one line for everybody, and reads as what it was: %j", (text) => {
	const line = jsonLine({ text });
	expect(JSON.parse(line)).toEqual({ text });
	expect(line.trimEnd().split(/\r\n|[\n\r\v\f\u001c-\u001e\u0085\u2028\u2029]/)).toHaveLength(1);
});
