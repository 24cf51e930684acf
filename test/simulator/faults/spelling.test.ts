import { expect } from "vitest";
import { heartbeatFaults } from "../../../src/simulator/faults/heartbeats.ts";
import { spellingFaults } from "../../../src/simulator/faults/spelling.ts";
import { ask, streamedText } from "../wire-client.ts";
import { checkEach, fault, simulator, stream } from "./check.ts";

checkEach(spellingFaults, {
	"sse-lf": async () => {
		expect((await fault("sse-lf", { ...stream, wire: "gemini" })).text).not.toContain("\r");
	},
	"sse-crlf": async () =>
		expect((await fault("sse-crlf", stream)).text).toMatch(/\r\n\r\ndata: \[DONE\]\r\n\r\n$/),
	"sse-cr": async () => {
		const { text } = await fault("sse-cr", stream);
		expect([text.includes("\n"), text.endsWith("data: [DONE]\r\r")]).toEqual([false, true]);
	},
	"sse-bom": async () => {
		expect([...(await fault("sse-bom", stream)).body.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
	},
	"sse-no-space": async () => {
		const { text } = await fault("sse-no-space", { ...stream, wire: "anthropic" });
		expect(text).toMatch(/^event:message_start\ndata:\{/);
	},
	"sse-fields": async () => {
		expect((await fault("sse-fields", stream)).text).toMatch(
			/^: comment\nid: 7\nretry: 10\nother: x\nnocolon\ndata: /,
		);
	},
	"sse-named-events": async () => {
		expect((await fault("sse-named-events", stream)).text).toMatch(/^event: message\ndata: /);
	},
	"sse-multiline": async () => {
		expect((await fault("sse-multiline", stream)).text).toMatch(/^data: \{\ndata: {2}"id"/);
	},
	"byte-split": async () => {
		const raw = await ask(simulator, "é数 [[fault:byte-split]]", stream);
		expect(raw.pieces).toBe(raw.body.length);
		expect(streamedText(raw.text)).toContain("é数");
	},
	comments: async () => {
		expect((await fault("comments=3", stream)).text).toMatch(/^(: OPENROUTER PROCESSING\n\n){3}data: /);
	},
});

checkEach(heartbeatFaults, {
	"heartbeat-empty": async () => {
		expect((await fault("heartbeat-empty", stream)).text).toMatch(/^data:\n\ndata: \n\ndata: \{/);
	},
	"heartbeat-ping": async () => {
		expect((await fault("heartbeat-ping", stream)).text).toMatch(/\[DONE\]\n\nevent: ping\ndata: \n\n$/);
	},
	"heartbeat-text": async () => {
		expect((await fault("heartbeat-text", stream)).text).toMatch(/^data: keep-alive\n\n/);
	},
	"heartbeat-null": async () => {
		expect((await fault("heartbeat-null", stream)).text).toMatch(/^data: null\n\n/);
	},
	"heartbeat-object": async () => {
		expect((await fault("heartbeat-object", stream)).text).toMatch(/^data: \{\}\n\n/);
	},
	"heartbeat-typed": async () => {
		expect((await fault("heartbeat-typed", stream)).text).toMatch(/^data: \{"type": "ping"\}\n\n/);
	},
	"done-blanks": async () => {
		expect((await fault("done-blanks", stream)).text).toMatch(/data: \[DONE\] \n\n$/);
	},
	"done-lower": async () => {
		expect((await fault("done-lower", stream)).text).toMatch(/data: \[done\]\n\n$/);
	},
	"nan-in-field": async () => {
		expect((await fault("nan-in-field", stream)).text).toMatch(
			/^data: \{"logprob":-Infinity,"score":NaN,"id"/,
		);
	},
});
