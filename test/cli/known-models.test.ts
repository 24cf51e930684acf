import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { listKnownModels } from "../../src/cli/known-models.ts";
import { loadSettings } from "../../src/models/settings.ts";

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-models-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it("lists models as they are wanted: aliases, what can be used, the newest first, what is retired last", () => {
	writeFileSync(join(home, "config.json"), '{"aliases":{"fast":"gpt-5.4-mini"}}');
	const models = listKnownModels(loadSettings({ LLMX_HOME: home, OPENAI_API_KEY: "k" }));
	const names = models.map(({ name }) => name);
	expect(new Set(names).size).toBe(names.length);
	const [first] = models;
	expect(first).toMatchObject({ name: "fast", isUsable: true });
	expect(first?.inputPrice).not.toBeNull();
	const order = ["gpt-6-sol", "gpt-5.5", "gpt-5.4-mini", "gpt-4.5-preview", "sim/echo", "anthropic/claude-2"];
	const places = order.map((name) => names.indexOf(name));
	expect(places).not.toContain(-1);
	expect(places).toEqual(places.toSorted((a, b) => a - b));
	const today = new Date().toISOString().slice(0, 10);
	const isGone = models
		.filter(({ name, isUsable }) => isUsable && name.startsWith("gpt-"))
		.map(({ retired }) => retired !== null && retired <= today);
	expect(isGone).toEqual(isGone.toSorted());
	expect(isGone).toContain(true);
});
