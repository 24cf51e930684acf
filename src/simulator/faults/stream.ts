import type { Call } from "../call.ts";
import { allFrames, type ErrorDetails, type WireEvent } from "../wires/wire.ts";
import { cutAfter, stallMs } from "./connection.ts";
import type { Fault } from "./fault.ts";
import { closing, encodeOpen, sendFrames, start } from "./frames.ts";

const mebibyte = 1024 * 1024;
const goOn = "ms after which it goes on; without it never";

const cuts: readonly Fault[] = [
	{
		name: "cut-stream",
		row: "18",
		does: "cuts the connection in the middle of a stream",
		on: "stream",
		value: "content frames before the cut (half of them)",
		async play(call, value) {
			call.openStream();
			await cutAfter(call, encodeOpen(call, start(call.frames, value)));
		},
	},
	{
		name: "cut-stream-clean",
		row: "18",
		does: "ends the body in the middle of a stream as if it were complete",
		on: "stream",
		value: "content frames before the end (half of them)",
		play(call, value) {
			call.openStream();
			call.response.end(encodeOpen(call, start(call.frames, value)));
		},
	},
	{
		name: "cut-in-frame",
		row: "18",
		does: "ends the body inside a frame",
		on: "stream",
		play(call) {
			const text = encodeOpen(call, start(call.frames, undefined));
			call.openStream();
			call.response.end(text.slice(0, -Math.min(20, Math.floor(text.length / 2))));
		},
	},
	{
		name: "cut-before-content",
		row: "18",
		does: "cuts the connection after the headers and what comes before the first content",
		on: "stream",
		async play(call) {
			call.openStream();
			await cutAfter(call, encodeOpen(call, call.frames.opening) || " ");
		},
	},
	{
		name: "no-finish",
		row: "18",
		does: "sends all content, then ends with neither a finish reason nor an end marker",
		on: "stream",
		play: (call) => sendFrames(call, [...call.frames.opening, ...call.frames.content]),
	},
];

const slow: readonly Fault[] = [
	{
		name: "stall-mid-stream",
		row: "20",
		does: "stalls after half of the content",
		on: "stream",
		value: goOn,
		async play(call, value) {
			const { frames } = call;
			const sent = start(frames, undefined);
			call.openStream();
			call.response.write(encodeOpen(call, sent));
			if (await call.sleep(stallMs(value)))
				call.response.end(encodeOpen(call, allFrames(frames).slice(sent.length), false) + closing(call));
		},
	},
	{
		name: "endless-comments",
		row: "20",
		does: "sends comment lines for ever and no content",
		on: "stream",
		value: "ms between two comments (20)",
		async play(call, value = "20") {
			call.openStream();
			do {
				call.response.write(": PROCESSING\n\n");
			} while (await call.sleep(Number(value)));
		},
	},
	{
		name: "endless-deltas",
		row: "21",
		does: "sends valid deltas of about 8 KB for ever",
		on: "stream",
		async play(call) {
			call.say("endless ".repeat(mebibyte));
			const { opening, content } = call.frames;
			call.openStream();
			await call.write(encodeOpen(call, opening));
			const block = encodeOpen(call, content, opening.length === 0);
			while (!call.ended) await call.write(block);
		},
	},
];

/** What an error event stands for: overload, in each provider's own status. */
function streamedError(call: Call, value: string | undefined): [number, ErrorDetails] {
	const status = Number(value ?? (call.request.wire === "anthropic" ? 529 : 503));
	return [status, { message: `Simulated failure ${status} inside a stream.`, ...numericCode(call, status) }];
}

/** OpenAI-compatible servers put the status in `code` when it happens inside a stream. */
function numericCode(call: Call, status: number): { code?: number } {
	return call.request.wire === "openai" ? { code: status } : {};
}

/** An error event after half of the content, in the form that `frame` gives it. */
function errorEvent(
	name: string,
	does: string,
	frame: (call: Call, value: string | undefined) => WireEvent,
): Fault {
	return {
		name,
		row: "16",
		does,
		on: "stream",
		value: "the status it means (503; Anthropic 529)",
		play: (call, value) =>
			sendFrames(call, [...start(call.frames, undefined), frame(call, value), ...call.frames.done]),
	};
}

const errors: readonly Fault[] = [
	errorEvent("stream-error", "sends the wire's own error event after half of the content", (call, value) =>
		call.wire.errorFrame(...streamedError(call, value)),
	),
	errorEvent("stream-error-event", "the same as `event: error`", (call, value) => ({
		...call.wire.errorFrame(...streamedError(call, value)),
		event: "error",
	})),
	errorEvent("stream-error-text", 'the same as {"error": "text"}', (call, value) => ({
		data: JSON.stringify({ error: streamedError(call, value)[1].message }),
	})),
	{
		...errorEvent(
			"stream-error-choice",
			"the same beside a choice that finishes with `error` (OpenRouter)",
			(call, value) => {
				const [code, { message }] = streamedError(call, value);
				const choices = [
					{ index: 0, delta: { content: "" }, finish_reason: "error", native_finish_reason: null },
				];
				return {
					data: JSON.stringify({
						id: "gen-1",
						object: "chat.completion.chunk",
						choices,
						error: { code, message },
					}),
				};
			},
		),
		wires: ["openai"],
	},
	{
		name: "stream-error-first",
		row: "16",
		does: "opens the stream and sends the error before any content",
		on: "stream",
		value: "the status it means (503; Anthropic 529)",
		play: (call, value) => sendFrames(call, [call.wire.errorFrame(...streamedError(call, value))]),
	},
	{
		name: "stream-error-bare",
		row: "16",
		does: "breaks the stream off with the plain JSON error, without `data:`",
		on: "stream",
		value: "the status it means (503; Anthropic 529)",
		play(call, value) {
			call.openStream();
			call.response.end(
				encodeOpen(call, start(call.frames, undefined)) + call.wire.error(...streamedError(call, value)),
			);
		},
	},
];

export const streamFaults: readonly Fault[] = [...errors, ...cuts, ...slow];
