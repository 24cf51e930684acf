import { setImmediate as nextTurn } from "node:timers/promises";
import { type Call, json } from "../call.ts";
import { allFrames, encodeEvent } from "../wires/wire.ts";
import type { Fault } from "./fault.ts";

/** A stream that is right but written in another of the ways that servers write one. */
export function spelling(name: string, does: string, rewrite: (text: string, call: Call) => string): Fault {
	return {
		name,
		row: "22",
		does,
		on: "stream",
		play(call) {
			if (call.request.streamFormat === "array") {
				call.send(200, json, call.encode(allFrames(call.frames)));
				return;
			}
			call.openStream();
			call.response.end(
				rewrite(
					allFrames(call.frames)
						.map((frame) => encodeEvent(frame, "\n"))
						.join(""),
					call,
				),
			);
		},
	};
}

export const spellingFaults: readonly Fault[] = [
	spelling("sse-lf", "ends lines with LF", (text) => text),
	spelling("sse-crlf", "ends lines with CRLF", (text) => text.replaceAll("\n", "\r\n")),
	spelling("sse-cr", "ends lines with CR", (text) => text.replaceAll("\n", "\r")),
	spelling("sse-bom", "begins with a byte order mark", (text) => `\ufeff${text}`),
	spelling("sse-no-space", "writes `data:` without a space", (text) =>
		text.replaceAll(/^(data|event): /gm, "$1:"),
	),
	spelling("sse-fields", "adds `id`, `retry`, unknown fields and comments", (text) =>
		text.replaceAll(/^data: /gm, ": comment\nid: 7\nretry: 10\nother: x\nnocolon\ndata: "),
	),
	spelling("sse-named-events", "names every event", (text) => {
		const named = text.startsWith("event: ");
		return named ? text : text.replaceAll(/^data: /gm, "event: message\ndata: ");
	}),
	spelling("sse-multiline", "spreads the JSON of a frame over several `data:` lines", (text) =>
		text.replaceAll(/^data: (\{.*)$/gm, (_line, data: string) =>
			JSON.stringify(JSON.parse(data), null, 1)
				.split("\n")
				.map((line) => `data: ${line}`)
				.join("\n"),
		),
	),
	{
		name: "byte-split",
		row: "22",
		does: "sends every byte in a write of its own, so that characters are split",
		async play(call) {
			const { request } = call;
			const bytes = Buffer.from(request.stream ? call.encode(allFrames(call.frames)) : call.plainBody);
			call.openStream(request.stream ? call.streamType : json);
			for (let at = 0; at < bytes.length && !call.ended; at++) {
				call.response.write(bytes.subarray(at, at + 1));
				await nextTurn();
			}
			call.response.end();
		},
	},
	{
		name: "comments",
		row: "22",
		does: "sends comments before the first event, as OpenRouter does",
		on: "stream",
		value: "how many (10)",
		play(call, value = "10") {
			call.openStream();
			const quiet =
				call.request.streamFormat === "array" ? "" : ": OPENROUTER PROCESSING\n\n".repeat(Number(value));
			call.response.end(quiet + call.encode(allFrames(call.frames)));
		},
	},
];
