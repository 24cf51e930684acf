import type { FinishReason, Usage } from "../../types.ts";
import type { AnswerPart } from "../adapter.ts";
import { AnswerReader, noParts } from "../answer-reader.ts";
import { anthropicCharges } from "../charges.ts";
import { openAiResponse } from "../details.ts";
import { isObject } from "../error-body.ts";
import { aborted, blocked, emptyEnd, incomplete, notAnAnswer } from "../failure.ts";
import { optionalTokens, tokens } from "../usage.ts";

type Json = Record<string, unknown>;

/** https://docs.anthropic.com/en/api/messages-streaming: unknown events may come, and are to be passed over. */
const types = new Set([
	"message",
	"message_start",
	"message_delta",
	"message_stop",
	"content_block_start",
	"content_block_delta",
	"content_block_stop",
]);

/** Reads the events of one answer; a whole message counts as one event. */
export class AnthropicReader extends AnswerReader {
	#stopReason: string | undefined;
	#refusal = "refusal";
	/** As the API counts; later events replace the fields that they name. */
	#reported: Json | undefined;

	protected understands(payload: Json): boolean {
		return typeof payload.type === "string" && types.has(payload.type);
	}

	protected noteUsage(payload: Json): void {
		this.#readUsage(payload.usage);
	}

	protected read(payload: Json): readonly AnswerPart[] {
		switch (payload.type) {
			case "message":
				return this.#readMessage(payload);
			case "message_start":
				if (isObject(payload.message)) this.#readStart(payload.message);
				return noParts;
			case "content_block_start":
				return this.#readBlock(payload.content_block, Number(payload.index ?? 0));
			case "content_block_delta":
				return this.#readBlock(payload.delta, Number(payload.index ?? 0));
			case "message_delta":
				this.#readUsage(payload.usage);
				if (isObject(payload.delta)) this.#readStop(payload.delta);
				return noParts;
			case "message_stop":
				this.done = true;
				return noParts;
			default:
				return noParts;
		}
	}

	protected complete(): readonly AnswerPart[] {
		const context = this.failureContext;
		if (this.#stopReason === "refusal") throw blocked(context, this.#refusal);
		if (this.#stopReason === undefined && !this.done)
			throw incomplete(context, "it ended without a stop reason");
		// A pause is to be gone on from with the tools of the turn, and llmx runs none.
		if (this.#stopReason === "pause_turn") throw aborted(context, this.#stopReason);
		const finishReason = finishReasonOf(this.#stopReason);
		const isEmpty = this.received.text === "" && this.details.details === undefined;
		if (finishReason === "other" && isEmpty) throw emptyEnd(context, this.#stopReason);
		return [this.finishPart(finishReason)];
	}

	#readMessage(message: Json): readonly AnswerPart[] {
		if (!Array.isArray(message.content)) throw notAnAnswer(this.failureContext);
		this.#readStart(message);
		this.#readStop(message);
		return message.content.flatMap((block, place) => this.#readBlock(block, place));
	}

	#readStart(message: Json): void {
		this.#readUsage(message.usage);
		const { id, model } = message;
		const { service_tier, speed } = isObject(message.usage) ? message.usage : {};
		this.response = openAiResponse({ id, model, service_tier, speed });
	}

	/** A block of a message, the start of one, or a delta of one: all name their text by what it is. */
	#readBlock(block: unknown, place: number): readonly AnswerPart[] {
		if (!isObject(block)) return noParts;
		this.#readDetails(block, place);
		if (typeof block.text === "string" && block.text !== "")
			return [{ type: "text-delta", text: block.text }];
		if (typeof block.thinking === "string" && block.thinking !== "")
			return [{ type: "reasoning-delta", text: block.thinking }];
		return noParts;
	}

	#readDetails(block: Json, place: number): void {
		if (Array.isArray(block.citations)) this.details.addAnnotations(block.citations);
		switch (block.type) {
			case "text":
			case "text_delta":
			case "thinking":
			case "thinking_delta":
			case "signature_delta":
			case "redacted_thinking":
				return;
			case "citations_delta":
				this.details.addAnnotations([block.citation]);
				return;
			case "input_json_delta":
				this.details.addArguments(place, String(block.partial_json ?? ""));
				return;
			case "tool_use": {
				const isWhole = isObject(block.input) && Object.keys(block.input).length > 0;
				this.details.addCall(place, {
					id: String(block.id ?? ""),
					name: String(block.name ?? ""),
					// A stream begins with an empty object, and the text of the real one follows.
					arguments: isWhole ? JSON.stringify(block.input) : "",
				});
				return;
			}
			default:
				this.details.addPart(block);
		}
	}

	#readStop(source: Json): void {
		if (typeof source.stop_reason !== "string") return;
		this.#stopReason = source.stop_reason;
		this.finished = true;
		const details = source.stop_details;
		if (!isObject(details)) return;
		const category = typeof details.category === "string" ? ` (${details.category})` : "";
		const explanation = typeof details.explanation === "string" ? `: ${details.explanation}` : "";
		this.#refusal = `refusal${category}${explanation}`;
	}

	#readUsage(raw: unknown): void {
		if (!isObject(raw)) return;
		const said = Object.entries(raw).filter(([, value]) => value !== null);
		this.#reported = { ...this.#reported, ...Object.fromEntries(said) };
		this.usage = anthropicUsage(this.#reported);
		this.charges = anthropicCharges(this.#reported);
	}
}

function finishReasonOf(reason: string | undefined): FinishReason {
	switch (reason) {
		case "end_turn":
		case "stop_sequence":
			return "stop";
		case "max_tokens":
		case "model_context_window_exceeded":
			return "length";
		case "tool_use":
			return "tool-calls";
		default:
			return "other";
	}
}

/** Reads `usage`, or null when it is missing or makes no sense. `input_tokens` leaves the cached ones out. */
function anthropicUsage(raw: unknown): Usage | null {
	if (!isObject(raw)) return null;
	const input = tokens(raw.input_tokens);
	const output = tokens(raw.output_tokens);
	const cached = optionalTokens(raw.cache_read_input_tokens);
	const written = optionalTokens(raw.cache_creation_input_tokens);
	if (input === undefined || output === undefined || cached === undefined || written === undefined)
		return null;
	const details = isObject(raw.output_tokens_details) ? raw.output_tokens_details : {};
	return {
		inputTokens: input + cached + written,
		cachedInputTokens: cached,
		cacheWriteTokens: written,
		audioInputTokens: 0,
		outputTokens: output,
		reasoningTokens: Math.min(tokens(details.thinking_tokens) ?? 0, output),
	};
}
