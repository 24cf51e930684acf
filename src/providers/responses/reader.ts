import { AnswerText } from "../../answer-text.ts";
import type { FinishReason } from "../../types.ts";
import type { AnswerPart } from "../adapter.ts";
import { AnswerReader, noParts } from "../answer-reader.ts";
import { credible } from "../charges.ts";
import { openAiResponse } from "../details.ts";
import { isObject, saysError } from "../error-body.ts";
import { aborted, type Bill, blocked, emptyEnd, failed, incomplete, reportedFailure } from "../failure.ts";
import { splitThinking, ThinkSplitter } from "../think-splitter.ts";
import { openAiUsage } from "../usage.ts";
import { itemText, OutputItems } from "./items.ts";
import { chatUsage, responsesCharges } from "./usage.ts";

type Json = Record<string, unknown>;

/** Events that end an answer; each holds the whole of it. */
const ends = new Set(["response.completed", "response.incomplete", "response.failed", "response.cancelled"]);

/**
 * Follows one answer of the Responses API; a whole one counts as the event that ends it.
 * https://platform.openai.com/docs/api-reference/responses-streaming, 2026-11-29
 */
export class ResponsesReader extends AnswerReader {
	/** The response as the last event has it. */
	#response: Json | undefined;
	#refusal = "";
	/** Pieces of the text, or of the reasoning, have come. */
	#hasSaid = false;
	#hasThought = false;
	readonly #items = new OutputItems(this.details);
	readonly #splitter = new ThinkSplitter();

	protected override isEndMark(data: string): boolean {
		return /^\[done\]$/i.test(data);
	}

	protected override readBill(payload: Json): Bill {
		return {
			usage: credible(openAiUsage(chatUsage(payload.usage)), new AnswerText()),
			charges: responsesCharges(this.provider, payload, this.#items, this.headers),
		};
	}

	protected understands({ type, object, output }: Json): boolean {
		return (
			object === "response" || Array.isArray(output) || (typeof type === "string" && /^response\./.test(type))
		);
	}

	protected noteUsage(payload: Json): void {
		this.usage = openAiUsage(chatUsage(payload.usage)) ?? this.usage;
		this.charges = responsesCharges(this.provider, payload, this.#items, this.headers);
	}

	protected read(payload: Json): readonly AnswerPart[] {
		const { type, delta, item, output_index: place } = payload;
		if (typeof type !== "string" || !type.startsWith("response.")) return this.#readEnd(payload);
		if (ends.has(type)) return isObject(payload.response) ? this.#readEnd(payload.response) : noParts;
		switch (type) {
			case "response.created":
			case "response.in_progress":
			case "response.queued":
				if (isObject(payload.response)) this.#noteResponse(payload.response);
				return noParts;
			case "response.output_item.added":
				if (isObject(item)) this.#items.begin(item, Number(place ?? 0));
				return noParts;
			case "response.output_item.done":
				if (isObject(item)) this.#items.take(item, Number(place ?? 0));
				return noParts;
			case "response.output_text.delta":
				if (typeof delta !== "string" || delta === "") return noParts;
				return this.#items.isCommentary(Number(place ?? 0)) ? this.#think(delta) : this.#say(delta);
			case "response.refusal.delta":
				if (typeof delta === "string") this.#refusal += delta;
				return noParts;
			case "response.reasoning_summary_part.added":
				return Number(payload.summary_index) > 0 ? this.#think("\n\n") : noParts;
			case "response.reasoning_summary_text.delta":
			case "response.reasoning_text.delta":
				return typeof delta === "string" ? this.#think(delta) : noParts;
			default:
				return noParts;
		}
	}

	protected complete(): readonly AnswerPart[] {
		const held = this.#splitter.end();
		const last = partsOf(held.text, held.reasoning);
		for (const part of last) this.received.add(part);
		const context = this.failureContext;
		const { text } = this.received;
		if (this.#refusal !== "") throw blocked(context, this.#refusal);
		if (!this.finished) throw incomplete(context, "the stream ended before the response did");
		const { status, incomplete_details: cut } = this.#response ?? {};
		const reason = isObject(cut) ? cut.reason : undefined;
		if (reason === "content_filter") throw blocked(context, "content filter");
		const finishReason = finishOf(status, reason, this.details.hasToolCalls);
		if (finishReason === "aborted") throw aborted(context, status);
		if (finishReason === "other" && text === "" && this.details.details === undefined)
			throw emptyEnd(context, reason ?? status);
		if (finishReason === "stop" && text === "" && !this.#items.hasAnswer)
			throw failed(context, "malformed_response", "the answer holds no message");
		return [...last, this.finishPart(finishReason)];
	}

	/** The response at its end, or a whole one. What no event before it has said is taken from here. */
	#readEnd(response: Json): readonly AnswerPart[] {
		const output = Array.isArray(response.output) ? response.output.filter(isObject) : [];
		for (const [place, item] of output.entries()) this.#items.take(item, place);
		this.#noteResponse(response);
		this.noteUsage(response);
		if (saysError(response.error)) throw reportedFailure(response, this.failureContext);
		this.finished = true;
		this.done = true;
		const said = itemText(output);
		if (this.#refusal === "") this.#refusal = said.refusal;
		const split = said.reasoning === "" ? splitThinking(said.text) : said;
		return partsOf(this.#hasSaid ? "" : split.text, this.#hasThought ? "" : split.reasoning);
	}

	#noteResponse(response: Json): void {
		const { id, model, created_at: created, service_tier } = response;
		this.#response = response;
		this.response = { ...this.response, ...openAiResponse({ id, model, created, service_tier }) };
	}

	#say(delta: string): readonly AnswerPart[] {
		this.#hasSaid = true;
		if (this.#hasThought) return partsOf(delta, "");
		const { text, reasoning } = this.#splitter.push(delta);
		return partsOf(text, reasoning);
	}

	#think(delta: string): readonly AnswerPart[] {
		this.#hasThought = true;
		return partsOf("", delta);
	}
}

function partsOf(text: string, reasoning: string): readonly AnswerPart[] {
	const parts: AnswerPart[] = [];
	if (reasoning !== "") parts.push({ type: "reasoning-delta", text: reasoning });
	if (text !== "") parts.push({ type: "text-delta", text });
	return parts;
}

/** Why the answer ended. `aborted`: the server gave it up, or has not come to its end. */
function finishOf(status: unknown, reason: unknown, hasCalls: boolean): FinishReason | "aborted" {
	switch (status) {
		case "completed":
			return hasCalls ? "tool-calls" : "stop";
		case "incomplete":
			return reason === "max_output_tokens" || reason === "max_tokens" ? "length" : "other";
		case "failed":
		case "cancelled":
		case "queued":
		case "in_progress":
		case undefined:
		case null:
			return "aborted";
		default:
			return "other";
	}
}
