import { expect } from "vitest";
import { usageFaults } from "../../../src/simulator/faults/usage.ts";
import { dataOf } from "../wire-client.ts";
import { checkEach, fault, stream } from "./check.ts";

checkEach(usageFaults, {
	"usage-repeated": async () => {
		const { text } = await fault("usage-repeated", stream);
		const totals = dataOf(text).filter((data) => data.includes('"total_tokens"'));
		expect(totals.length).toBeGreaterThan(5);
		const anthropic = await fault("usage-repeated", { ...stream, wire: "anthropic" });
		expect(anthropic.text.match(/event: message_delta/g)).toHaveLength(2);
	},
	"usage-missing": async () => {
		for (const wire of ["openai", "gemini", "anthropic"] as const) {
			expect((await fault("usage-missing", { wire })).text).not.toMatch(/"usage/);
			expect((await fault("usage-missing", { wire, stream: true })).text).not.toMatch(/"usage/);
		}
	},
	"usage-garbage": async () => {
		expect(JSON.parse((await fault("usage-garbage")).text).usage).toMatchObject({
			prompt_tokens: null,
			completion_tokens: "many",
		});
	},
	"usage-with-finish": async () => {
		const { text } = await fault("usage-with-finish", stream);
		expect(text).toMatch(/"finish_reason":"stop".*"usage":\{"prompt_tokens"[^\n]*\n\ndata: \[DONE\]/);
	},
	"usage-refused": async () => {
		expect((await fault("usage-refused", stream)).status).toBe(422);
		expect((await fault("usage-refused", { ...stream, extra: { stream_options: undefined } })).status).toBe(
			200,
		);
	},
});
