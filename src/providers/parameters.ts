import { UnsupportedError } from "../errors.ts";
import { type Parameters, parameterKeys, rowOf, type WireFormat } from "../parameters/table.ts";
import { isOnWire } from "../parameters/wire-fields.ts";
import { isObject } from "./error-body.ts";
import type { ProviderRow } from "./provider-row.ts";

/** Fields of a body that are not the user's to set as raw parameters. */
const reserved = ["model", "messages", "input", "contents", "stream", "n"];

/** Besides those, on one wire. An answer in the background would be paid for and never fetched. */
const reservedOn: Partial<Readonly<Record<WireFormat, readonly string[]>>> = {
	responses: ["background"],
	gemini: ["candidateCount", "candidate_count"],
};

const answerCounts = new Set(["n", "candidateCount", "candidate_count"]);

/** Objects of raw fields, as the SDKs wrap them. */
const wrappers = ["config", "generationConfig", "extra_body"];

/**
 * Raises UnsupportedError, before anything is sent, for a parameter that the provider refuses or would silently
 * ignore, and for a raw one that would change what kind of request this is.
 */
export function checkParameters(provider: ProviderRow, parameters: Parameters): void {
	if (checked.get(parameters) === provider) return;
	for (const key of parameterKeys) {
		if (parameters[key] === undefined) continue;
		if (provider.refuses.includes(key) || !isOnWire(provider.wire, key))
			throw unsupported(provider, rowOf(key).name);
	}
	if (parameters.reasoningEffort !== undefined && parameters.thinkingBudget !== undefined)
		throw new UnsupportedError("reasoning_effort and thinking_budget cannot be combined");
	const { extra = {} } = parameters;
	const holders = [extra, ...wrappers.map((name) => extra[name]).filter(isObject)];
	for (const name of [...reserved, ...(reservedOn[provider.wire] ?? [])]) {
		if (holders.some((holder) => Object.hasOwn(holder, name)))
			throw new UnsupportedError(`the raw parameter "${name}" is set by llmx itself`, {
				hint: answerCounts.has(name) ? "ask for several answers with -n" : "leave it out",
			});
	}
	// What is in `extra` is still the caller's, who may change it.
	if (parameters.extra === undefined) checked.set(parameters, provider);
}

/** Those of all rows of a run are one object. */
const checked = new WeakMap<Parameters, ProviderRow>();

/** The error for something that a provider or model cannot take. */
export function unsupported(provider: ProviderRow, what: string, model?: string): UnsupportedError {
	const who = model === undefined ? provider.label : `${provider.label} (${model})`;
	return new UnsupportedError(`${who} does not take ${what}`, {
		hint: "leave it out, or choose another model; -p NAME=VALUE passes a provider's own parameter as it is",
	});
}
