import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decimal } from "../../src/state/decimal.ts";

describe("a decimal", () => {
	it.each([
		[0, "0.0"],
		[12, "12.0"],
		[-3, "-3.0"],
		[0.25, "0.25"],
		[1e-7, "0.0000001"],
		[null, "null"],
		[Number.NaN, "null"],
	])("%s is written as %s", (value, json) => {
		expect(JSON.stringify(decimal(value))).toBe(json);
	});

	it("is the same number when it is read again", () => {
		fc.assert(
			fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (value) => {
				const json = JSON.stringify(decimal(value)) as string;
				expect(json).toMatch(/^\d+\.\d+$/);
				expect(JSON.parse(json)).toBeCloseTo(value, 12);
			}),
		);
	});
});
