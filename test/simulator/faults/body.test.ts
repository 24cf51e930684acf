import { request } from "node:http";
import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import { bodyFaults } from "../../../src/simulator/faults/body.ts";
import { gatewayFaults } from "../../../src/simulator/faults/gateways.ts";
import { dataOf, streamedText } from "../wire-client.ts";
import { checkEach, errorOf, fault, nothingMore, simulator, stream, words } from "./check.ts";

checkEach(bodyFaults, {
	"redirect-host": async () => {
		expect(await fault("redirect-host=http://other.invalid/x")).toMatchObject({
			status: 307,
			headers: { location: "http://other.invalid/x" },
		});
	},
	"redirect-loop": async () => {
		expect((await fault("redirect-loop")).headers.location).toBe("/v1/chat/completions");
	},
	"html-200": async () => {
		expect((await fault("html-200", stream)).headers["content-type"]).toContain("text/html");
	},
	"text-200": async () => {
		expect(await fault("text-200")).toMatchObject({ status: 200, headers: { "content-type": "text/plain" } });
	},
	"empty-200": async () => {
		const raw = await fault("empty-200");
		expect([raw.status, raw.body.length, raw.complete]).toEqual([200, 0, true]);
	},
	"null-200": async () => expect((await fault("null-200")).text).toBe("null"),
	"object-200": async () => expect((await fault("object-200")).text).toBe("{}"),
	"bad-json-200": async () => {
		const raw = await fault("bad-json-200");
		expect(() => JSON.parse(raw.text)).toThrow(SyntaxError);
	},
	"json-for-stream": async () => {
		const raw = await fault("json-for-stream", stream);
		expect(raw.headers["content-type"]).toContain("application/json");
		expect(JSON.parse(raw.text).choices[0].message.content).toContain(words);
	},
	"error-200": async () => {
		const raw = await fault("error-200=503", { wire: "gemini" });
		expect([raw.status, errorOf(raw).code]).toEqual([200, 503]);
	},
	"short-content-length": async () => {
		const raw = await fault("short-content-length");
		expect([raw.complete, raw.ended]).toEqual([false, "fin"]);
		expect(Number(raw.headers["content-length"])).toBeGreaterThanOrEqual(raw.body.length * 2);
	},
	"lying-content-length": async () => {
		const raw = await fault("lying-content-length", { until: () => false });
		expect(raw.bytes.length).toBeGreaterThan(raw.body.length * 2 - 5);
		expect(() => JSON.parse(raw.text)).toThrow(SyntaxError);
	},
	"cut-chunked": async () => {
		const raw = await fault("cut-chunked");
		expect([raw.complete, raw.ended === "open", raw.body.length > 100]).toEqual([false, false, true]);
	},
	"cut-gzip": async () => {
		const raw = await fault("cut-gzip");
		expect(raw.complete).toBe(true);
		expect(() => gunzipSync(raw.body)).toThrow();
	},
	"stall-after-headers": async () => {
		const raw = await fault("stall-after-headers", { until: ({ status }) => status === 200 });
		expect(raw.body.length).toBe(0);
		await nothingMore(raw);
		expect((await fault("stall-after-headers=5", stream)).complete).toBe(true);
	},
	"stall-mid-body": async () => {
		const raw = await fault("stall-mid-body", { until: ({ body }) => body.length > 10 });
		await nothingMore(raw);
		expect(JSON.parse((await fault("stall-mid-body=5")).text).choices[0].message.content).toContain(words);
	},
	trickle: async () => {
		const raw = await fault("trickle=0");
		expect(raw.pieces).toBe(raw.body.length);
	},
	"giant-line": async () => {
		const raw = await fault("giant-line=2", stream);
		expect(raw.complete).toBe(true);
		const longest = Math.max(...dataOf(raw.text).map((data) => data.length));
		expect(longest).toBeGreaterThan(2 * 1024 * 1024);
		expect(streamedText(raw.text)).toMatch(/^a+$/);
	},
	"endless-body": async () => {
		const raw = await fault("endless-body", { until: ({ body }) => body.length > 500_000 });
		expect(raw.ended).toBe("open");
	},
	gzip: async () => {
		const raw = await fault("gzip");
		expect(raw.headers["content-encoding"]).toBe("gzip");
		expect(gunzipSync(raw.body).toString()).toContain(words);
	},
	"gzip-bomb": async () => {
		const raw = await fault("gzip-bomb=8", { until: ({ complete }) => complete });
		expect(raw.body.length).toBeLessThan(64 * 1024);
		const content = JSON.parse(gunzipSync(raw.body).toString()).choices[0].message.content;
		expect(content).toHaveLength(8 * 1024 * 1024);
	},
	"invalid-gzip": async () => {
		const raw = await fault("invalid-gzip");
		expect(() => gunzipSync(raw.body)).toThrow();
	},
	"empty-stream": async () => {
		const raw = await fault("empty-stream", stream);
		expect([raw.headers["content-type"], raw.body.length]).toEqual(["text/event-stream; charset=utf-8", 0]);
	},
});

checkEach(gatewayFaults, {
	"error-empty": async () => {
		const empty = { message: "", type: "", param: "", code: null };
		expect(JSON.parse((await fault("error-empty")).text)).toMatchObject({
			error: empty,
			choices: [{ index: 0 }],
		});
		const [first = ""] = dataOf((await fault("error-empty=text", stream)).text);
		expect(JSON.parse(first).error).toBe("");
	},
	"error-shape": async () => {
		expect(JSON.parse((await fault("error-shape")).text).base_resp.status_code).toBe(1002);
		expect(JSON.parse((await fault("error-shape=code", stream)).text).code).toBe(1302);
	},
	"gzip-close": async () => {
		const raw = await fault("gzip-close=100", stream);
		expect([raw.headers["content-encoding"], raw.body.length > 100_000]).toEqual(["gzip", true]);
		expect(streamedText(gunzipSync(raw.body).toString())).toContain(words);
	},
	"continue-first": async () => {
		const headers = { "content-type": "application/json" };
		const prompt = `${words} [[fault:continue-first]]`;
		const body = JSON.stringify({ model: "echo", messages: [{ role: "user", content: prompt }] });
		const url = `${simulator.url}/v1/chat/completions`;
		const statuses = await new Promise<number[]>((resolve, reject) => {
			const seen: number[] = [];
			const sent = request(url, { method: "POST", headers }, (response) => {
				seen.push(response.statusCode ?? 0);
				response.resume().on("end", () => resolve(seen));
			});
			sent.on("information", ({ statusCode }) => seen.push(statusCode)).on("error", reject);
			sent.end(body);
		});
		expect(statuses).toEqual([100, 200]);
	},
});
