import { expect, it } from "vitest";
import { factsOfModel } from "../../src/chat/models.ts";
import { findPrice } from "../../src/models/pricing.ts";
import { loadSettings } from "../../src/models/settings.ts";

it("takes input to cost what writing it into the provider's cache costs, where that is more", () => {
	const settings = loadSettings({ LLMX_HOME: "/nowhere", ANTHROPIC_API_KEY: "k", GEMINI_API_KEY: "k" });
	const dearer = findPrice("anthropic", "claude-haiku-4-5");
	expect(dearer?.cacheWrite).toBeGreaterThan(dearer?.input ?? Number.NaN);
	expect(factsOfModel("anthropic/claude-haiku-4-5", settings).inputPrice).toBe(dearer?.cacheWrite);
	const plain = findPrice("openai", "gpt-4.1-mini");
	expect(factsOfModel("gpt-4.1-mini", settings).inputPrice).toBe(plain?.input);
	expect(factsOfModel("openai/no-such-model", settings).inputPrice).toBeNull();
});
