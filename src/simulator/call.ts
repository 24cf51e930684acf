import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { type AnswerPace, answerOf, type SimulatedAnswer } from "./models.ts";
import type { KeptPrompts } from "./prompt-cache.ts";
import type { SimulatedRequest, WireName } from "./request.ts";
import { anthropicWire } from "./wires/anthropic.ts";
import { geminiWire } from "./wires/gemini.ts";
import { openAiWire } from "./wires/openai.ts";
import { responsesWire } from "./wires/responses.ts";
import {
	allFrames,
	arrayEnd,
	encodeElement,
	encodeEvent,
	encodeFrames,
	type Wire,
	type WireEvent,
	type WireEvents,
} from "./wires/wire.ts";

export const wires: Readonly<Record<WireName, Wire>> = {
	openai: openAiWire,
	responses: responsesWire,
	gemini: geminiWire,
	anthropic: anthropicWire,
};

export const eventStream = "text/event-stream; charset=utf-8";
export const json = "application/json; charset=utf-8";

export interface Host {
	/** Cuts every connection and refuses new ones for so many ms. */
	outage(ms: number): void;
	/** What of prompts is kept for requests to come. */
	readonly promptCache: KeptPrompts;
}

/** One request being answered. Faults work on it; the plain case answers through `answer()`. */
export class Call {
	/** What a call may do to the server as a whole. */
	readonly host: Host;
	readonly request: SimulatedRequest;
	readonly response: ServerResponse;
	readonly wire: Wire;
	readonly id: number;
	/** Headers that go out with every answer, as a flat list. */
	limitHeaders: readonly string[] = [];
	/** True once the client has gone or the answer is complete. */
	ended = false;
	#simulated: SimulatedAnswer | undefined;
	#wake: (() => void) | undefined;

	constructor(host: Host, request: SimulatedRequest, response: ServerResponse, id: number) {
		this.host = host;
		this.request = request;
		this.response = response;
		this.wire = wires[request.wire];
		this.id = id;
		response.once("close", () => {
			this.ended = true;
			this.#wake?.();
		});
	}

	/** The connection itself, for bytes that node:http would not send. */
	get socket(): Socket {
		return this.response.req.socket;
	}

	get answer(): SimulatedAnswer {
		this.#simulated ??= { ...answerOf(this.request), kept: this.host.promptCache.look(this.request) };
		return this.#simulated;
	}

	get plainBody(): string {
		return this.wire.plain(this.request, this.answer, this.id);
	}

	get frames(): WireEvents {
		return this.wire.frames(this.request, this.answer, this.id);
	}

	get streamType(): string {
		return this.request.streamFormat === "array" ? json : eventStream;
	}

	/** Replaces every choice's text. */
	say(text: string): void {
		const choices = this.answer.choices.map((choice) => ({ ...choice, text }));
		this.#simulated = { ...this.answer, choices };
	}

	/** Writes a piece of the body and waits until the kernel has it or the client is gone. */
	async write(piece: string | Buffer): Promise<void> {
		if (this.ended) return;
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
			this.response.write(piece, () => resolve());
		});
		this.#wake = undefined;
	}

	/** Waits; false when the client went away meanwhile. With Infinity only that ends it. */
	async sleep(ms: number): Promise<boolean> {
		if (!this.ended) {
			await new Promise<void>((resolve) => {
				const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined;
				this.#wake = () => {
					clearTimeout(timer);
					resolve();
				};
			});
			this.#wake = undefined;
		}
		return !this.ended;
	}

	/** A whole response with a content-length. */
	send(status: number, contentType: string, body: string | Buffer, headers: readonly string[] = []): void {
		if (status === 200) this.host.promptCache.keep(this.request);
		const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
		this.response.writeHead(status, [
			"content-type",
			contentType,
			"content-length",
			String(length),
			...headers,
			...this.limitHeaders,
		]);
		this.response.end(body);
	}

	/** Headers of a stream; what follows is written piece by piece. */
	openStream(contentType: string = this.streamType): void {
		this.host.promptCache.keep(this.request);
		this.response.writeHead(200, [
			"content-type",
			contentType,
			"cache-control",
			"no-cache",
			...this.limitHeaders,
		]);
	}

	/** The bytes of `frames` in the format this request asked for. */
	encode(frames: readonly WireEvent[]): string {
		return encodeFrames(frames, this.request.streamFormat, this.wire.lineEnd);
	}

	/** Answers as the model does. Without a pace everything goes out in one write. */
	async respond(pace: AnswerPace | undefined): Promise<void> {
		if (pace === undefined) {
			if (this.request.stream) {
				this.openStream();
				this.response.end(this.encode(allFrames(this.frames)));
			} else {
				this.send(200, json, this.plainBody);
			}
			return;
		}
		if (this.request.stream) {
			await this.#stream(pace);
			return;
		}
		const spoken = Number.isFinite(pace.tokensPerSecond)
			? (this.answer.outputTokens / pace.tokensPerSecond) * 1_000
			: 0;
		if (await this.sleep(pace.firstTokenMs + spoken)) this.send(200, json, this.plainBody);
	}

	/** Every frame at its due time, counted from the start, so that slow timers do not add up. */
	async #stream(pace: AnswerPace): Promise<void> {
		const { request, response, wire, frames } = this;
		const list = allFrames(frames);
		const array = request.streamFormat === "array";
		const betweenMs =
			(this.answer.outputTokens / pace.tokensPerSecond / Math.max(1, frames.content.length)) * 1_000;
		const firstContent = frames.opening.length;
		const lastContent = firstContent + frames.content.length - 1;
		const start = performance.now();
		this.openStream();
		response.flushHeaders();
		for (let index = 0; index < list.length; index++) {
			const spoken = Math.min(Math.max(0, index - firstContent), Math.max(0, lastContent - firstContent));
			const waitMs = start + pace.firstTokenMs + spoken * betweenMs - performance.now();
			if (waitMs > 0 && !(await this.sleep(waitMs))) return;
			const frame = list[index] as WireEvent;
			response.write(array ? encodeElement(frame, index === 0) : encodeEvent(frame, wire.lineEnd));
		}
		response.end(array ? arrayEnd : undefined);
	}
}
