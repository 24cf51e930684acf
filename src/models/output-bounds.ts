/** How long answers are before any has come. */
import type { Parameters } from "../parameters/table.ts";
import type { ReasoningEffort } from "../types.ts";
import type { Range } from "./media-tokens.ts";

/** Answers of unknown length are taken to be between so many tokens, unless something bounds them. */
export const assumedOutput: Range = { low: 50, high: 4_000 };

/** The same for models that think, by how hard: what they think is billed as output. */
const thinkingOutput: Readonly<Record<ReasoningEffort, Range>> = {
	none: { low: 50, high: 4_000 },
	minimal: { low: 50, high: 6_000 },
	low: { low: 100, high: 12_000 },
	medium: { low: 200, high: 25_000 },
	high: { low: 500, high: 50_000 },
	xhigh: { low: 1_000, high: 80_000 },
	max: { low: 1_000, high: 128_000 },
};

const thinking =
	/(?:^|\/)(?:o\d|gpt-[5-9](?!.*chat)|gpt-oss|grok-(?:[4-9]|3-mini)(?!.*non-reasoning)|deepseek-(?:r\d|reasoner|v[4-9]|flash)|gemini-(?:2\.5-pro|[3-9])|glm-(?:4\.[5-9]|[5-9])|kimi-k(?:2\.[5-9]|[3-9])|magistral|minimax-m|qwq|qwen3(?!.*instruct)|sonar-reasoning|nemotron)|(?:reasoning|thinking)(?!.*non)/;

/** Whether a model thinks before it answers unless it is told otherwise; or does so because of the parameters. */
export function thinks(modelId: string, { reasoningEffort, thinkingBudget }: Parameters): boolean {
	if (reasoningEffort === "none" || thinkingBudget === 0) return false;
	if (reasoningEffort !== undefined || (thinkingBudget ?? 0) > 0) return true;
	return isThinker(modelId);
}

/** That of the model that was asked about last: an estimate asks for each of its rows. */
let lastThinker: { readonly modelId: string; readonly thinks: boolean } | undefined;

function isThinker(modelId: string): boolean {
	if (lastThinker?.modelId !== modelId) {
		const id = modelId.toLowerCase();
		lastThinker = { modelId, thinks: !/non-reasoning/.test(id) && thinking.test(id) };
	}
	return lastThinker.thinks;
}

/** Where answers of a model are known to end: what its answers were in the user's own ledger. */
export interface SeenOutput extends Range {
	readonly answers: number;
}

export interface OutputQuestion {
	readonly modelId: string;
	readonly parameters: Parameters;
	/** What the request itself sets as the bound of an answer; undefined when it sets none. */
	readonly bound: number | undefined;
	/** The longest answer that the model gives; null when unknown. */
	readonly maxOutput: number | null;
	readonly seen: SeenOutput | undefined;
}

/** How the length of an answer was come by: its own bound, the effort, the user's ledger, or a guess. */
export type OutputBasis = "bound" | "effort" | "seen" | "assumed";

/** Output tokens of one answer between two bounds. */
export function outputRange(question: OutputQuestion): Range & { readonly basis: OutputBasis } {
	const { modelId, parameters, bound, maxOutput, seen } = question;
	const most = maxOutput ?? Infinity;
	const capped = ({ low, high }: Range, basis: OutputBasis) => ({
		low: Math.min(low, most),
		high: Math.min(high, most),
		basis,
	});
	if (bound !== undefined) return { low: Math.min(assumedOutput.low, bound), high: bound, basis: "bound" };
	const isThinking = thinks(modelId, parameters);
	const isSteered = parameters.reasoningEffort !== undefined || (parameters.thinkingBudget ?? 0) > 0;
	if (seen !== undefined && !(isThinking && isSteered)) return capped(seen, "seen");
	if (!isThinking) return capped(assumedOutput, "assumed");
	const { low, high } = thinkingOutput[parameters.reasoningEffort ?? "medium"];
	const budget = parameters.thinkingBudget ?? 0;
	return capped({ low, high: budget > 0 ? budget + assumedOutput.high : high }, "effort");
}
