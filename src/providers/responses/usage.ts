import type { Charges } from "../../types.ts";
import { type AnswerHeaders, openAiCharges } from "../charges.ts";
import { isObject } from "../error-body.ts";
import type { ProviderRow } from "../provider-row.ts";
import type { OutputItems } from "./items.ts";

type Json = Readonly<Record<string, unknown>>;

/** `usage` of a response under the names of chat completions, which differ in nothing else. */
export function chatUsage(usage: unknown): Json | undefined {
	if (!isObject(usage)) return undefined;
	return {
		...usage,
		prompt_tokens: usage.input_tokens,
		completion_tokens: usage.output_tokens,
		prompt_tokens_details: usage.input_tokens_details,
		completion_tokens_details: usage.output_tokens_details,
	};
}

/** What a response is billed for besides its tokens. */
export function responsesCharges(
	provider: ProviderRow,
	response: Json,
	items: OutputItems,
	headers: AnswerHeaders,
): Charges {
	const charges = openAiCharges(provider, { ...response, usage: chatUsage(response.usage) }, headers);
	const searches = items.count("web_search_call");
	const [tool] = items.billedTools;
	return {
		...charges,
		...(searches > 0 && { webSearches: searches }),
		...(tool !== undefined && { untold: tool.replace(/_call$/, "").replaceAll("_", " ") }),
	};
}
