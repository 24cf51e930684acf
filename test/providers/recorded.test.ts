import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RequestError } from "../../src/errors.ts";
import type { Usage } from "../../src/types.ts";
import { type Recording, readRecording, recordedFolder } from "../helpers/recordings.ts";
import { type ExpectedFailure, expectations, type Long } from "./recorded-expectations.ts";
import {
	failureOf,
	finishOf,
	type Rig,
	reasoningOf,
	rig,
	type Script,
	scriptedServer,
	textOf,
} from "./scripted-server.ts";

const indexFile = join(recordedFolder, "index.jsonl");
const isThere = existsSync(indexFile);

describe.skipIf(!isThere)("recorded answers", () => {
	it("are all expected here", () => {
		const index = readFileSync(indexFile, "utf8").trim().split("\n");
		const chats = index
			.map((line) => JSON.parse(line) as { id: string; api: string })
			.filter(({ api }) => !["batch", "models", "gemini.countTokens"].includes(api))
			.map(({ id }) => id);
		expect(chats.filter((id) => !(id in expectations))).toEqual([]);
		expect(Object.keys(expectations).filter((id) => !chats.includes(id))).toEqual([]);
	});

	it.each(Object.keys(expectations))("%s streams as expected", async (id) => {
		const [row, expected] = expectations[id] as (typeof expectations)[string];
		for (const pieceBytes of [Number.POSITIVE_INFINITY, 61]) {
			const server = await scriptedServer(replay(readRecording(id), pieceBytes));
			const { stream } = await rig(server.url, row);
			if ("error" in expected) {
				check(await failureOf(stream()), expected);
				continue;
			}
			const parts = await stream();
			matchText(textOf(parts), expected.text);
			matchText(reasoningOf(parts), expected.reasoning ?? "");
			expect(finishOf(parts).finishReason).toBe(expected.finish);
			expect(figures(finishOf(parts).usage)).toEqual(expected.usage);
			expect(finishOf(parts).reportedCostUsd).toBe(expected.reportedCostUsd ?? null);
		}
	});

	const whole = Object.keys(expectations).filter((id) => isThere && !readRecording(id).sse_text);
	it.each(whole.filter((id) => id !== "gemini-arr-01"))("%s completes as expected", async (id) => {
		const [row, expected] = expectations[id] as (typeof expectations)[string];
		const server = await scriptedServer(replay(readRecording(id), Number.POSITIVE_INFINITY));
		const { complete }: Rig = await rig(server.url, row);
		if ("error" in expected) {
			check(await failureOf(complete()), expected);
			return;
		}
		const { choices, usage } = await complete();
		expect(choices).toHaveLength(1);
		matchText(choices[0]?.text ?? "", expected.text);
		matchText(choices[0]?.reasoning ?? "", expected.reasoning ?? "");
		expect(choices[0]?.finishReason).toBe(expected.finish);
		expect(figures(usage)).toEqual(expected.usage);
	});
});

/** Sends the recording as it was, in pieces that cut through characters and lines. */
function replay(recording: Recording, pieceBytes: number): Script {
	const body = recording.sse_text ?? recording.body_text ?? JSON.stringify(recording.body);
	const type = recording.sse_text === undefined ? "application/json" : "text/event-stream";
	const ofTheWire = ["content-encoding", "transfer-encoding", "content-length", "connection", "date"];
	const kept = Object.entries(recording.headers).filter(([name]) => !ofTheWire.includes(name));
	return (response) => {
		response.writeHead(recording.status, { "content-type": type, ...Object.fromEntries(kept) });
		const bytes = Buffer.from(body, "utf8");
		const size = Math.min(pieceBytes, bytes.length);
		for (let start = 0; start < bytes.length; start += size)
			response.write(bytes.subarray(start, start + size));
		response.end();
	};
}

function matchText(text: string, expected: string | Long): void {
	if (typeof expected === "string") {
		expect(text).toBe(expected);
		return;
	}
	expect(text.slice(0, expected.starts.length)).toBe(expected.starts);
	expect(text.slice(-expected.ends.length)).toBe(expected.ends);
	expect(text).toHaveLength(expected.length);
}

function check(error: RequestError, expected: ExpectedFailure): void {
	expect(error.errorClass).toBe(expected.error);
	expect(error.advice).toEqual({ retry: expected.retry, key: expected.key, afterMs: expected.afterMs });
	expect(error.message).toContain(expected.says);
	if (expected.usage !== undefined) expect(figures(error.usage)).toEqual(expected.usage);
}

function figures(usage: Usage | null) {
	return usage === null
		? null
		: [
				usage.inputTokens,
				usage.cachedInputTokens,
				usage.cacheWriteTokens,
				usage.audioInputTokens,
				usage.outputTokens,
				usage.reasoningTokens,
			];
}
