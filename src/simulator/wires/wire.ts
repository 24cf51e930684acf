import type { SimulatedAnswer } from "../models.ts";
import type { SimulatedRequest } from "../request.ts";

/** One server-sent event (or one element of Gemini's JSON array). */
export interface WireEvent {
	readonly event?: string | undefined;
	readonly data: string;
}

/** A streamed answer, cut where the faults cut: `finish` carries the finish reason, `done` the end marker. */
export interface WireEvents {
	readonly opening: readonly WireEvent[];
	readonly content: readonly WireEvent[];
	readonly finish: readonly WireEvent[];
	readonly usage: readonly WireEvent[];
	readonly done: readonly WireEvent[];
}

/** What a wire's error says beside its status. */
export interface ErrorDetails {
	readonly message: string;
	/** OpenAI's `code`, or Gemini's `status` name when the default of the HTTP status is not meant. */
	readonly code?: string | number | null | undefined;
	/** OpenAI's and Anthropic's `type`. */
	readonly type?: string | undefined;
	readonly param?: string | null | undefined;
	/** Gemini's `error.details`. */
	readonly details?: readonly unknown[] | undefined;
}

/** Code for one wire format: how answers, streams, errors and model lists look as bytes. */
export interface Wire {
	readonly lineEnd: "\n" | "\r\n";
	plain(request: SimulatedRequest, answer: SimulatedAnswer, id: number): string;
	frames(request: SimulatedRequest, answer: SimulatedAnswer, id: number): WireEvents;
	error(status: number, details: ErrorDetails): string;
	/** An error as it comes inside a stream that began with 200. */
	errorFrame(status: number, details: ErrorDetails): WireEvent;
	models(ids: readonly { readonly id: string; readonly contextWindow: number }[]): string;
}

/** The instant every simulated answer claims to be made at, so that answers are the same in every run. */
export const createdAt = 1_767_225_600;

export function allFrames(frames: WireEvents): WireEvent[] {
	return [...frames.opening, ...frames.content, ...frames.finish, ...frames.usage, ...frames.done];
}

/** Frames as the bytes of a stream in the request's format. */
export function encodeFrames(frames: readonly WireEvent[], format: "sse" | "array", lineEnd: string): string {
	let text = "";
	if (format === "array") {
		for (let index = 0; index < frames.length; index++)
			text += encodeElement(frames[index] as WireEvent, index === 0);
		return `${text === "" ? "[" : text}${arrayEnd}`;
	}
	for (const frame of frames) text += encodeEvent(frame, lineEnd);
	return text;
}

export function encodeEvent(frame: WireEvent, lineEnd: string): string {
	return frame.event === undefined
		? `data: ${frame.data}${lineEnd}${lineEnd}`
		: `event: ${frame.event}${lineEnd}data: ${frame.data}${lineEnd}${lineEnd}`;
}

export function encodeElement(frame: WireEvent, first: boolean): string {
	return `${first ? "[" : "\n,\n"}${frame.data}`;
}

export const arrayEnd = "\n]\n";
