import { expect, it } from "vitest";
import { factsOfModel } from "../../src/chat/models.ts";
import { findPrice, type PriceOptions } from "../../src/models/pricing.ts";
import { loadSettings } from "../../src/models/settings.ts";
import type { Parameters } from "../../src/parameters/table.ts";

const keys = { LLMX_HOME: "/nowhere", ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", GEMINI_API_KEY: "k" };

/** USD of a million tokens of input before a question is sent. */
function usdOf(
	model: string,
	env: Record<string, string> = {},
	extra?: Parameters["extra"],
	input = 100_000,
) {
	const facts = factsOfModel(model, loadSettings({ ...keys, ...env }));
	const usd = facts.usdOf({ input, output: 0 }, { extra });
	return usd === null ? null : (usd * 1e6) / input;
}

function priceOf(provider: string, model: string, options: PriceOptions = {}) {
	const price = findPrice(provider, model, options);
	if (price === null) throw new Error(`${model} has no price, so that this shows nothing`);
	return price;
}

it("takes input to cost what writing it into the provider's cache costs, where that is more", () => {
	const { input, cacheWrite, cacheWriteHour } = priceOf("anthropic", "claude-haiku-4-5");
	expect(cacheWrite).toBeGreaterThan(input);
	expect(usdOf("anthropic/claude-haiku-4-5")).toBeCloseTo(cacheWrite as number, 9);
	const forAnHour = { cache_control: { type: "ephemeral", ttl: "1h" } };
	expect(usdOf("anthropic/claude-haiku-4-5", {}, forAnHour)).toBeCloseTo(cacheWriteHour as number, 9);
	expect(usdOf("gpt-4.1-mini")).toBeCloseTo(priceOf("openai", "gpt-4.1-mini").input, 9);
	expect(usdOf("openai/no-such-model")).toBeNull();
});

it("counts the region, the tier and the length of what is sent", () => {
	const { input, priority } = priceOf("openai", "gpt-5.4");
	const regional = { OPENAI_BASE_URL: "https://eu.api.openai.com/v1" };
	expect(usdOf("gpt-5.4", regional)).toBeCloseTo(1.1 * input, 9);
	expect(usdOf("gpt-5.4", regional, { service_tier: "priority" })).toBeCloseTo(
		1.1 * input * (priority as number),
		9,
	);
	const long = priceOf("gemini", "gemini-2.5-pro", { inputTokens: 400_000 }).input;
	expect(long).toBeGreaterThan(priceOf("gemini", "gemini-2.5-pro").input);
	expect(usdOf("gemini/gemini-2.5-pro", {}, undefined, 400_000)).toBeCloseTo(long, 9);
});

it("counts the attachments by what they may come to in the family of the model", () => {
	const png = Buffer.alloc(33);
	png.writeUInt32BE(0x89504e47, 0);
	png.writeUInt32BE(2_048, 16);
	png.writeUInt32BE(2_048, 20);
	const image = { type: "image", mediaType: "image/png", data: png.toString("base64") } as const;
	const { attachedMost } = factsOfModel("gpt-4o-mini", loadSettings(keys));
	// 2,833 and 5,667 for each of four tiles of 512 pixels
	expect(attachedMost([image])).toBe(25_501);
});
