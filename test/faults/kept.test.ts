import { describe, expect, it } from "vitest";
import { recordFormats } from "../../src/results/records.ts";
import { askedCall } from "../../src/simulator/faults/tools.ts";
import { toResultRow } from "../../src/state/result-row.ts";
import { meet } from "./encounter.ts";
import { modes } from "./outcomes.ts";
import { wires } from "./wires.ts";

const { id, name, input } = askedCall;

describe.each(wires)("row 17b on the %s wire: what was paid for is kept", (wire) => {
	it.each(modes)("a call of a tool, in OpenAI's shape, also from the cache: %s", async (mode) => {
		const seen = await meet("tool-calls", { wire, mode, times: 2 });
		expect(seen.error).toBeUndefined();
		expect(seen.result).toMatchObject({ text: "", finishReason: "tool-calls", cached: true });
		const [call, ...others] = seen.result?.details?.toolCalls ?? [];
		expect(others).toEqual([]);
		expect(call).toMatchObject({ id, type: "function", function: { name } });
		expect(JSON.parse(call?.function.arguments ?? "")).toEqual(input);
		if (seen.result === undefined) return;
		expect(seen.result.response?.id).toBeTruthy();
		expect(seen.result.response?.model).toMatch(/echo$/);
		expect(toResultRow(seen.result).tool_calls).toEqual([call]);
		const row = { id: "a", model: "m", hash: "0".repeat(32), n: 1, metadata: undefined };
		const line = JSON.parse(JSON.stringify(recordFormats.openai.result(row, seen.result)));
		const { choices, created } = line.response.body;
		expect(choices[0]).toMatchObject({
			message: { content: null, tool_calls: [call] },
			finish_reason: "tool_calls",
		});
		expect(created).toBeTypeOf("number");
	});
});

describe.each(["openai", "responses"] as const)("row 17b on the %s wire", (wire) => {
	it.each(modes)("logprobs, citations and what the response says of itself: %s", async (mode) => {
		const seen = await meet("side-content", { wire, mode, times: 2 });
		expect(seen.result?.details).toMatchObject({
			logprobs: {
				content: expect.arrayContaining([expect.objectContaining({ token: "Hm", logprob: -0.25 })]),
			},
			annotations: [{ type: "url_citation", url_citation: { url: "https://example.org/" } }],
		});
		expect(seen.result?.response).toMatchObject({
			serviceTier: "default",
			...(wire === "openai" && { systemFingerprint: expect.stringContaining("fp_sim") }),
		});
		expect(seen.result?.cached).toBe(true);
	});
});
