import type { Call } from "../call.ts";
import { arrayEnd, encodeElement, encodeEvent, type WireEvent, type WireEvents } from "../wires/wire.ts";

/** The frames of a stream as text, open at its end: a JSON array is not closed. */
export function encodeOpen(call: Call, frames: readonly WireEvent[], first = true): string {
	if (call.request.streamFormat === "array")
		return frames.map((frame, index) => encodeElement(frame, first && index === 0)).join("");
	return frames.map((frame) => encodeEvent(frame, call.wire.lineEnd)).join("");
}

/** What ends the body when it ends well. */
export function closing(call: Call): string {
	return call.request.streamFormat === "array" ? arrayEnd : "";
}

/** The stream up to some content frames: half of them unless `value` says how many. */
export function start(frames: WireEvents, value: string | undefined): WireEvent[] {
	const count = value === undefined ? Math.ceil(frames.content.length / 2) : Number(value);
	return [...frames.opening, ...frames.content.slice(0, count)];
}

/** Sends frames as they are and ends the body cleanly. */
export function sendFrames(call: Call, frames: readonly WireEvent[]): void {
	call.openStream();
	call.response.end(call.encode(frames));
}
