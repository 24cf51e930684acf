import { expect } from "vitest";
import type { RequestError } from "../../src/errors.ts";
import type { Usage } from "../../src/types.ts";
import type { AnswerFixture, ExpectedFailure, Long } from "../fixtures/answers/fixture.ts";
import {
	failureOf,
	finishOf,
	reasoningOf,
	rig,
	type Script,
	scriptedServer,
	textOf,
} from "../providers/scripted-server.ts";

/** Small enough to cut through most lines and characters. */
const smallPieceBytes = 61;

/** An answer is read as expected when it streams, whole and cut into pieces anywhere. */
export async function checkStreamed(fixture: AnswerFixture): Promise<void> {
	const { provider, expected } = fixture;
	for (const pieceBytes of [Number.POSITIVE_INFINITY, smallPieceBytes]) {
		const server = await scriptedServer(replay(fixture, pieceBytes));
		const { stream } = await rig(server.url, provider);
		if ("error" in expected) {
			checkFailure(await failureOf(stream()), expected);
			continue;
		}
		const parts = await stream();
		checkText(textOf(parts), expected.text);
		checkText(reasoningOf(parts), expected.reasoning ?? "");
		expect(finishOf(parts).finishReason).toBe(expected.finish);
		expect(figures(finishOf(parts).usage)).toEqual(expected.usage);
		expect(finishOf(parts).charges.reportedUsd).toBe(expected.reportedUsd);
	}
}

/** An answer that is not a stream is read as expected at once. */
export async function checkWhole(fixture: AnswerFixture): Promise<void> {
	const { provider, expected } = fixture;
	const server = await scriptedServer(replay(fixture, Number.POSITIVE_INFINITY));
	const { complete } = await rig(server.url, provider);
	if ("error" in expected) {
		checkFailure(await failureOf(complete()), expected);
		return;
	}
	const { choices, usage } = await complete();
	expect(choices).toHaveLength(1);
	checkText(choices[0]?.text ?? "", expected.text);
	checkText(choices[0]?.reasoning ?? "", expected.reasoning ?? "");
	expect(choices[0]?.finishReason).toBe(expected.finish);
	expect(figures(usage)).toEqual(expected.usage);
}

/** The usage that the provider's adapter reads from an answer. */
export async function usageOf(fixture: AnswerFixture): Promise<Usage | null> {
	const server = await scriptedServer(replay(fixture, Number.POSITIVE_INFINITY));
	const { stream } = await rig(server.url, fixture.provider);
	// An answer that is none was billed all the same.
	return stream().then(
		(parts) => finishOf(parts).usage,
		(error: RequestError) => error.usage,
	);
}

/** Headers that speak of the bytes on their way, which are others here. */
const ofTheWire = ["content-encoding", "transfer-encoding", "content-length", "connection", "date"];

function replay(
	{ status = 200, headers = {}, body, text, events }: AnswerFixture,
	pieceBytes: number,
): Script {
	const stream = events
		?.map((event) => (typeof event === "string" ? event : `data: ${JSON.stringify(event)}\n\n`))
		.join("");
	const bytes = Buffer.from(stream ?? text ?? JSON.stringify(body), "utf8");
	const kept = Object.entries(headers).filter(([name]) => !ofTheWire.includes(name));
	const type = stream === undefined ? "application/json" : "text/event-stream";
	return (response) => {
		response.writeHead(status, { "content-type": type, ...Object.fromEntries(kept) });
		const size = Math.min(pieceBytes, bytes.length);
		for (let start = 0; start < bytes.length; start += size)
			response.write(bytes.subarray(start, start + size));
		response.end();
	};
}

function checkText(text: string, expected: string | Long): void {
	if (typeof expected === "string") {
		expect(text).toBe(expected);
		return;
	}
	expect(text.slice(0, expected.starts.length)).toBe(expected.starts);
	expect(text.slice(-expected.ends.length)).toBe(expected.ends);
	expect(text).toHaveLength(expected.length);
}

function checkFailure(error: RequestError, expected: ExpectedFailure): void {
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
