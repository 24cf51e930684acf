import { describe, expect, it } from "vitest";
import { limitTold } from "../../src/limits/limit-guess.ts";
import { SendRecord } from "../../src/limits/send-record.ts";

/** Twenty that were let through, one every so many ms; the next one is refused. Returns it and how long ago the last was sent. */
function refusedAfter(everyMs: number): { readonly record: SendRecord; readonly sinceMs: number } {
	const record = new SendRecord();
	const bound = Number.POSITIVE_INFINITY;
	for (let sending = 0; sending < 20; sending++) record.add(sending * everyMs, 0, bound, bound);
	const sinceMs = 0.6 * everyMs;
	record.markRefused(record.add(19 * everyMs + sinceMs, 0, bound, bound));
	return { record, sinceMs };
}

describe("a hint", () => {
	it("states the limit when as much is let through as it says", () => {
		const { record, sinceMs } = refusedAfter(400);
		expect(limitTold(5, record, sinceMs + 160)).toBeCloseTo(2.5);
	});

	it.each([
		["a second, whatever is refused", 400, 1_000],
		["a minute, whatever is refused", 20, 60_000],
		["next to nothing", 400, 20],
	])("states none when it says %s", (_, everyMs, hintMs) => {
		const { record, sinceMs } = refusedAfter(everyMs);
		expect(limitTold(1_000, record, sinceMs + hintMs)).toBeUndefined();
	});

	it("states none where less than that is known to be let through", () => {
		const { record, sinceMs } = refusedAfter(400);
		expect(limitTold(2, record, sinceMs + 160)).toBeUndefined();
	});
});
