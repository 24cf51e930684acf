import {
	type DetailsRow,
	fromDetailsRow,
	fromResponseRow,
	isDetailsRow,
	isResponseRow,
	type ResponseRow,
	toDetailsRow,
	toResponseRow,
} from "../state/result-row.ts";
import { fromUsageRow, isUsageRow, toUsageRow, type UsageRow } from "../state/usage-row.ts";
import { type FinishReason, isFinishReason } from "../types.ts";
import type { CachedAnswer } from "./answer.ts";

export interface StoredAnswer {
	readonly answer: CachedAnswer;
	/** ms since 1970. */
	readonly createdAt: number;
}

/** A row as it is stored. */
export interface StoredRow {
	readonly choices: readonly StoredChoice[];
	readonly usage: UsageRow | null;
	readonly cost_usd: number | null;
	/** Absent where the provider said nothing of the response. */
	readonly response?: ResponseRow;
	readonly created_at: number;
}

interface StoredChoice {
	readonly text: string;
	readonly reasoning: string | null;
	readonly finish_reason: FinishReason;
	/** Absent where the answer is text alone. */
	readonly details?: DetailsRow;
}

export function toStoredRow(answer: CachedAnswer, createdAt: number): StoredRow {
	const { choices, usage, costUsd } = answer;
	const response = toResponseRow(answer.response);
	return {
		choices: choices.map((choice) => ({
			text: choice.text,
			reasoning: choice.reasoning,
			finish_reason: choice.finishReason,
			...(choice.details !== undefined && { details: toDetailsRow(choice.details) }),
		})),
		usage: toUsageRow(usage),
		cost_usd: costUsd,
		...(response !== undefined && { response }),
		created_at: createdAt,
	};
}

/**
 * The answer of a row; undefined when the row is damaged, somebody else's, or of a newer llmx that says more in it:
 * such an answer is asked for again.
 */
export function readStoredRow(value: unknown): StoredAnswer | undefined {
	if (!isStoredRow(value)) return undefined;
	return {
		answer: {
			choices: value.choices.map((choice) => ({
				text: choice.text,
				reasoning: choice.reasoning,
				finishReason: choice.finish_reason,
				...(choice.details !== undefined && { details: fromDetailsRow(choice.details) }),
			})),
			usage: fromUsageRow(value.usage),
			costUsd: value.cost_usd,
			...(value.response !== undefined && { response: fromResponseRow(value.response) }),
		},
		createdAt: value.created_at,
	};
}

const rowFields = ["choices", "usage", "cost_usd", "created_at"];
const choiceFields = ["text", "reasoning", "finish_reason"];
function isStoredRow(value: unknown): value is StoredRow {
	if (!hasExactly(value, rowFields, "response")) return false;
	if (value.response !== undefined && !isResponseRow(value.response)) return false;
	const { choices, usage, cost_usd, created_at } = value;
	return (
		Array.isArray(choices) &&
		choices.length > 0 &&
		choices.every(isStoredChoice) &&
		(usage === null || isUsageRow(usage)) &&
		(cost_usd === null || (Number.isFinite(cost_usd) && (cost_usd as number) >= 0)) &&
		Number.isFinite(created_at)
	);
}

function isStoredChoice(value: unknown): value is StoredChoice {
	if (!hasExactly(value, choiceFields, "details")) return false;
	if (value.details !== undefined && !isDetailsRow(value.details)) return false;
	const { text, reasoning, finish_reason } = value;
	const isText = typeof text === "string" && (typeof reasoning === "string" || reasoning === null);
	return isText && isFinishReason(finish_reason);
}

/** Whether a value has these fields, perhaps the optional one, and no others. */
function hasExactly(
	value: unknown,
	names: readonly string[],
	optional: string,
): value is Record<string, unknown> {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
	const found = Object.keys(value).filter((name) => name !== optional);
	return found.length === names.length && names.every((name) => Object.hasOwn(value, name));
}
