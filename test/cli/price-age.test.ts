import { afterEach, describe, expect, it, vi } from "vitest";
import { oldPrices } from "../../src/cli/batch/cost.ts";
import { findPrice } from "../../src/models/pricing.ts";

const model = { model: "gpt-4.1-mini", provider: "openai", modelId: "gpt-4.1-mini", isFree: false };
const read = findPrice("openai", "gpt-4.1-mini")?.date ?? "";

function daysAfterItWasRead(days: number): void {
	vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(read) + days * 86_400_000 + 1 });
}

afterEach(() => {
	vi.useRealTimers();
});

describe("the age of a price", () => {
	it("is told from the 46th day on", () => {
		daysAfterItWasRead(44);
		expect(oldPrices([model])).toEqual([]);
		daysAfterItWasRead(45);
		expect(oldPrices([model])).toEqual([
			`the price of gpt-4.1-mini was read on ${read}, more than 45 days ago: it may have changed`,
		]);
	});

	it("is not told of prices of one's own, of free models, and of unknown ones", () => {
		daysAfterItWasRead(400);
		const own = findPrice("openai", "gpt-4.1-mini");
		expect(oldPrices([{ ...model, own: own === null ? [] : [{ ...own, source: "your own" }] }])).toEqual([]);
		expect(oldPrices([{ ...model, isFree: true }])).toEqual([]);
		expect(oldPrices([{ ...model, modelId: "nobody-knows" }])).toEqual([]);
	});
});
