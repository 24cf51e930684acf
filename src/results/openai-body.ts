import type { ChatCompletion, ChatCompletionMessage } from "openai/resources/chat/completions";
import { choicesOf, toResponseRow } from "../state/result-row.ts";
import type { AnswerChoice, Result, Usage } from "../types.ts";

const finishReasons = {
	stop: "stop",
	length: "length",
	"content-filter": "content_filter",
	"tool-calls": "tool_calls",
	other: "stop",
} as const;

/**
 * A result as OpenAI's `chat.completion` object, as its SDK's own type reads it.
 * https://platform.openai.com/docs/api-reference/chat/object
 */
export function toChatCompletion(result: Result, model: string, hash: string): ChatCompletion {
	const response = toResponseRow(result.response);
	const choices = choicesOf(result);
	return {
		id: response?.id ?? `chatcmpl-${hash}`,
		object: "chat.completion",
		created: response?.created ?? Math.floor(Date.now() / 1000),
		model: response?.model ?? model,
		choices: result.texts.map((text, index) => toChoice(text, choices[index] as AnswerChoice, index)),
		...(result.usage !== null && { usage: toOpenAiUsage(result.usage) }),
		...(response?.service_tier !== undefined && {
			service_tier: response.service_tier as NonNullable<ChatCompletion["service_tier"]>,
		}),
		...(response?.system_fingerprint !== undefined && { system_fingerprint: response.system_fingerprint }),
	};
}

function toChoice(
	text: string,
	{ finishReason, details = {} }: AnswerChoice,
	index: number,
): ChatCompletion.Choice {
	const { toolCalls, refusal = null, annotations, logprobs = null, audio, images } = details;
	// What llmx hands on as the provider has written it.
	const handedOn = {
		...(toolCalls !== undefined && { tool_calls: toolCalls }),
		...(annotations !== undefined && { annotations }),
		...(audio !== undefined && { audio }),
		...(images !== undefined && { images }),
	} as Pick<ChatCompletionMessage, "tool_calls" | "annotations" | "audio">;
	return {
		index,
		message: {
			role: "assistant",
			content: text === "" && toolCalls !== undefined ? null : text,
			refusal,
			...handedOn,
		},
		logprobs: logprobs as ChatCompletion.Choice["logprobs"],
		finish_reason: finishReasons[finishReason],
	};
}

function toOpenAiUsage(usage: Usage): NonNullable<ChatCompletion["usage"]> {
	return {
		prompt_tokens: usage.inputTokens,
		completion_tokens: usage.outputTokens,
		total_tokens: usage.inputTokens + usage.outputTokens,
		prompt_tokens_details: {
			cached_tokens: usage.cachedInputTokens,
			audio_tokens: usage.audioInputTokens,
		},
		completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
	};
}
