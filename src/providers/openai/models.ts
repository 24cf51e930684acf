import type { ParameterKey, Parameters } from "../../parameters/table.ts";

/**
 * What models do not take, by name; other providers serve OpenAI's under the same names. A row with its source and the
 * day on which it was read.
 */
interface ModelRule {
	readonly models: RegExp;
	/** Id of the provider whose own rule it is; others may translate. */
	readonly at?: string;
	/** Left out of a request with a note, unless `unless` holds. */
	readonly leavesOut: readonly ParameterKey[];
	readonly unless?: ((parameters: Parameters) => boolean) | undefined;
}

const sampling = ["temperature", "topP", "presencePenalty", "frequencyPenalty"] as const;
const thinksNot = ({ reasoningEffort, thinkingBudget }: Parameters) =>
	reasoningEffort === "none" || thinkingBudget === 0;

const rules: readonly ModelRule[] = [
	// https://platform.openai.com/docs/guides/reasoning, 2026-11-29: o1, o3 and o4 take no sampling parameters.
	{ models: /^o[1-9]\d*(?:$|-)/, leavesOut: sampling },
	// https://platform.openai.com/docs/api-reference/chat/create, 2026-11-29: `stop` not with o3, o4-mini and gpt-5.
	{ models: /^(?:o[3-9]|o\d\d)(?:$|-)|^gpt-5(?:$|-(?!chat))/, leavesOut: ["stop"] },
	// https://platform.openai.com/docs/guides/latest-model, 2026-11-29: gpt-5, -mini and -nano take none at any effort.
	{ models: /^gpt-5(?:$|-(?!chat))/, leavesOut: sampling },
	// The same page: from gpt-5.1 on they are taken with effort none alone, which those models begin with only when asked.
	{ models: /^gpt-(?:5\.\d+|[6-9]|[1-9]\d)(?!.*-chat)/, leavesOut: sampling, unless: thinksNot },
	// https://docs.x.ai/docs/guides/reasoning and github.com/acedergren/opencode-oci-provider v0.2.3, 2026-11-29: whether
	// these think is in their names, and effort is "not supported".
	{
		models: /^grok-(?:4\.20(?!.*multi-agent)|4(?:-1)?-fast|4(?:-\d{4})?$|code-fast)/,
		at: "xai",
		leavesOut: ["reasoningEffort"],
	},
];

/** The name of a model without a vendor's prefix or a fine-tune's. */
export function bareName(modelId: string): string {
	return modelId.slice(modelId.lastIndexOf("/") + 1).replace(/^ft:/, "");
}

/** The parameters that a model does not take in this request. */
export function refusedBy(
	modelId: string,
	parameters: Parameters,
	provider: string,
): readonly ParameterKey[] {
	const known = rulesOf(modelId);
	if (known.length === 0) return [];
	const hit = known.filter(({ at = provider, unless }) => at === provider && unless?.(parameters) !== true);
	return [...new Set(hit.flatMap(({ leavesOut }) => leavesOut))].filter(
		(field) => parameters[field] !== undefined,
	);
}

/** Those of the model that was last asked about: a run asks about one. */
let lastRules: { readonly modelId: string; readonly rules: readonly ModelRule[] } | undefined;

function rulesOf(modelId: string): readonly ModelRule[] {
	if (lastRules?.modelId !== modelId) {
		const name = bareName(modelId);
		lastRules = { modelId, rules: rules.filter(({ models }) => models.test(name)) };
	}
	return lastRules.rules;
}

/**
 * Models that think and can tell of it in a summary.
 * https://platform.openai.com/docs/guides/reasoning, 2026-11-29
 */
export function summarizesThoughts(modelId: string): boolean {
	return /^(?:o[1-9]|codex-|gpt-(?:[5-9]|[1-9]\d)(?!\S*-chat))/.test(bareName(modelId));
}
