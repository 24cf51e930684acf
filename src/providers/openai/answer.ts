import type { FinishReason } from "../../types.ts";
import { isObject } from "../error-body.ts";

/** What one message, or one delta of it, says on the OpenAI wire. */
export interface MessageParts {
	readonly text: string;
	readonly reasoning: string;
	/** OpenAI's own words where the model refused to answer. */
	readonly refusal: string;
}

const nothing: MessageParts = { text: "", reasoning: "", refusal: "" };

/** Reads a message or delta; all forms of reasoning are kept apart from the text. */
export function readMessage(message: unknown): MessageParts {
	if (!isObject(message)) return nothing;
	const { content, refusal } = message;
	let text = "";
	let reasoning = readReasoning(message);
	if (typeof content === "string") text = content;
	else if (Array.isArray(content)) {
		for (const part of content) {
			if (typeof part === "string") text += part;
			if (!isObject(part)) continue;
			// Mistral's content is a list in which `thinking` holds a list of text parts.
			if (part.type === "thinking") reasoning += textOf(part.thinking);
			else if (typeof part.text === "string") text += part.text;
		}
	} else if (content !== null && content !== undefined) {
		// Not as the wire has it, but paid for: servers that were asked for JSON answer with an object or a number.
		text = JSON.stringify(content);
	}
	return {
		text,
		reasoning,
		refusal: typeof refusal === "string" ? refusal : "",
	};
}

/** `reasoning_content` (DeepSeek, xAI, Z.ai), `reasoning` (OpenRouter, Groq, Cerebras), or `reasoning_details`. */
function readReasoning(message: Record<string, unknown>): string {
	if (typeof message.reasoning_content === "string" && message.reasoning_content !== "")
		return message.reasoning_content;
	if (typeof message.reasoning === "string" && message.reasoning !== "") return message.reasoning;
	// The details repeat what the other fields say, so they count only where those are missing.
	return Array.isArray(message.reasoning_details) ? textOf(message.reasoning_details) : "";
}

function textOf(value: unknown): string {
	if (typeof value === "string") return value;
	if (!Array.isArray(value)) return "";
	let text = "";
	for (const part of value) {
		if (!isObject(part)) continue;
		if (typeof part.text === "string") text += part.text;
		else if (typeof part.summary === "string") text += part.summary;
	}
	return text;
}

/** The finish reasons of a server that gave the answer up: vLLM's `abort`, Z.ai's `network_error`, DeepSeek's shortage. */
const givenUp = new Set([
	"abort",
	"aborted",
	"cancelled",
	"canceled",
	"error",
	"failed",
	"insufficient_system_resource",
	"interrupted",
	"network_error",
	"server_error",
	"timeout",
]);

/** Why the answer ended; undefined while the provider has not said. `aborted`: the server gave it up. */
export function openAiFinish(raw: unknown): FinishReason | "aborted" | undefined {
	if (typeof raw !== "string" || raw === "") return undefined;
	const reason = raw.toLowerCase();
	if (givenUp.has(reason)) return "aborted";
	switch (reason) {
		case "stop":
		case "eos": // Together
		case "eos_token":
		case "end_turn":
		case "stop_sequence":
			return "stop";
		case "length":
		case "max_tokens":
		case "model_length": // Mistral
			return "length";
		case "content_filter":
		case "safety":
		case "sensitive": // Z.ai
			return "content-filter";
		case "tool_calls":
		case "function_call":
		case "tool_use":
			return "tool-calls";
		default:
			return "other";
	}
}

/** Why a filter stepped in, as far as the provider says: Azure and OpenAI list categories. */
export function filterReason(choice: Record<string, unknown>): string {
	const results = choice.content_filter_results;
	if (!isObject(results)) return "content filter";
	const hit = Object.entries(results).filter(([, result]) => isObject(result) && result.filtered === true);
	return hit.length === 0 ? "content filter" : `content filter: ${hit.map(([name]) => name).join(", ")}`;
}
