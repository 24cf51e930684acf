import { type Call, json } from "../call.ts";
import type { WireName } from "../request.ts";
import type { WireEvent, WireEvents } from "../wires/wire.ts";
import type { Fault } from "./fault.ts";

// Bodies are taken apart and changed here; their shape is the wire's, which has no type of its own.
// biome-ignore lint/suspicious/noExplicitAny: JSON of four wires
export type Json = any;

export type Change = (body: Json, call: Call) => void;

/** Answers plainly with a changed body. */
function sendChanged(call: Call, change: Change): void {
	const body = JSON.parse(call.plainBody);
	change(body, call);
	call.send(200, json, JSON.stringify(body));
}

export function sendFrames(call: Call, frames: readonly WireEvent[]): void {
	call.openStream();
	call.response.end(call.encode(frames));
}

/** Frames with changed JSON; end markers stay as they are. */
export function changed(frames: readonly WireEvent[], call: Call, change: Change): WireEvent[] {
	return frames.map((frame) => {
		if (!frame.data.startsWith("{")) return frame;
		const body = JSON.parse(frame.data);
		change(body, call);
		return { ...frame, data: JSON.stringify(body) };
	});
}

/** A fault that changes the plain body in one way per wire, and the frames of a stream in another. */
export function contentFault(
	about: Omit<Fault, "play">,
	plain: Partial<Record<WireName, Change>>,
	stream: (frames: WireEvents, call: Call, value: string | undefined) => readonly WireEvent[],
): Fault {
	return {
		...about,
		play(call, value) {
			if (call.request.stream) sendFrames(call, stream(call.frames, call, value));
			else sendChanged(call, (body) => plain[call.request.wire]?.(body, call));
		},
	};
}

/** Statuses of a response that is not there, or not yet. */
const unfinished = new Set(["failed", "cancelled", "queued", "in_progress"]);

/** Ends the answer with another finish reason, after the first `share` of its content. */
export function finishing(
	about: Omit<Fault, "play">,
	reasons: Record<WireName, string>,
	share: number,
): Fault {
	const finish: Record<WireName, (body: Json, call: Call, reason: string) => void> = {
		openai(body, _call, reason) {
			for (const choice of body.choices) {
				choice.finish_reason = choice.finish_reason === null ? null : reason;
				if (choice.message !== undefined)
					choice.message.content = share === 0 ? null : firstPart(choice.message.content, share);
			}
		},
		responses(body, _call, reason) {
			const response = body.object === "response" ? body : body.response;
			response.status = unfinished.has(reason) ? reason : "incomplete";
			response.incomplete_details = unfinished.has(reason) ? null : { reason };
			for (const part of response.output.flatMap((item: Json) => item.content ?? []))
				part.text = firstPart(part.text, share);
			if (share === 0) response.output = [];
			if (response !== body) body.type = `response.${response.status}`;
		},
		gemini(body, _call, reason) {
			for (const candidate of body.candidates) {
				if (candidate.finishReason !== undefined) {
					const text = firstPart(candidate.content.parts.at(-1).text, share);
					candidate.finishReason = reason;
					candidate.content = share === 0 ? {} : { ...candidate.content, parts: [{ text }] };
					if (reason === "SAFETY")
						candidate.safetyRatings = [
							{ category: "HARM_CATEGORY_HATE_SPEECH", probability: "HIGH", blocked: true },
						];
				}
			}
		},
		anthropic(body, _call, reason) {
			const target = body.type === "message" ? body : body.type === "message_delta" ? body.delta : undefined;
			if (target === undefined) return;
			target.stop_reason = reason;
			if (reason === "refusal")
				target.stop_details = {
					type: "refusal",
					category: "cyber",
					explanation: "This request was blocked under the Usage Policy.",
				};
			if (body.type === "message")
				body.content =
					share === 0
						? []
						: body.content.map((block: Json) => ({ ...block, text: firstPart(block.text, share) }));
		},
	};
	return {
		...about,
		play(call, value) {
			const { wire, stream } = call.request;
			const reason = value ?? reasons[wire];
			const change: Change = (body) => finish[wire](body, call, reason);
			if (!stream) {
				sendChanged(call, change);
				return;
			}
			const { opening, content, finish: end, usage, done } = call.frames;
			const kept = content.slice(0, Math.ceil(content.length * share));
			// Before the end of a response its parts are told again, whole.
			const last = wire === "responses" ? end.slice(-1) : end;
			sendFrames(call, [...opening, ...kept, ...changed(last, call, change), ...usage, ...done]);
		},
	};
}

function firstPart(text: string, share: number): string {
	return text.slice(0, Math.ceil(text.length * share));
}
