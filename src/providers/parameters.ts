import { UnsupportedError } from "../errors.ts";
import type { Parameters } from "../types.ts";
import type { ParameterName, ProviderRow } from "./provider-row.ts";

/** What a parameter is called in messages to people. */
const shown: Readonly<Record<ParameterName, string>> = {
	temperature: "temperature",
	maxTokens: "max tokens",
	topP: "top_p",
	topK: "top_k",
	stop: "stop",
	seed: "seed",
	presencePenalty: "presence penalty",
	frequencyPenalty: "frequency penalty",
	responseFormat: "response format",
	reasoningEffort: "reasoning effort",
	thinkingBudget: "a thinking budget",
};

/** Fields of a body that are not the user's to set as raw parameters. */
const reserved = ["model", "messages", "contents", "stream", "n"];

/**
 * Raises UnsupportedError, before anything is sent, for a parameter that the provider refuses or would silently
 * ignore, and for a raw one that would change what kind of request this is.
 */
export function checkParameters(provider: ProviderRow, parameters: Parameters): void {
	for (const name of provider.refuses) {
		if (parameters[name] !== undefined) throw unsupported(provider, shown[name]);
	}
	if (parameters.reasoningEffort !== undefined && parameters.thinkingBudget !== undefined) {
		throw new UnsupportedError("reasoning effort and a thinking budget cannot both be given");
	}
	for (const name of reserved) {
		if (parameters.extra !== undefined && Object.hasOwn(parameters.extra, name)) {
			throw new UnsupportedError(`the raw parameter "${name}" is set by llmx itself`, {
				hint: name === "n" ? "ask for several answers with -n" : "leave it out",
			});
		}
	}
}

/** The error for something that a provider or model cannot take. */
export function unsupported(provider: ProviderRow, what: string, model?: string): UnsupportedError {
	const who = model === undefined ? provider.label : `${provider.label} (${model})`;
	return new UnsupportedError(`${who} does not take ${what}`, {
		hint: "leave it out, or choose another model; -p NAME=VALUE passes a provider's own parameter as it is",
	});
}
