import type { AnswerChoice, AnswerDetails, ResponseInfo, Result } from "../types.ts";
import { decimal } from "./decimal.ts";
import { toUsageRow, type UsageRow } from "./usage-row.ts";

/** One answer as `ask --json` prints it and as a line of a batch's results holds it. */
export interface ResultRow extends DetailsRow {
	readonly model: string;
	/** The answer; `texts` instead when several were asked for. */
	readonly text?: string;
	readonly texts?: readonly string[];
	/** Only where the model showed its reasoning. */
	readonly reasoning?: string;
	readonly finish_reason: string;
	/** null when the provider did not say. */
	readonly usage: UsageRow | null;
	/** null when unknown. */
	readonly cost_usd: number | null;
	readonly cached: boolean;
	readonly attempts: number;
	readonly latency_ms: number;
	/** Where several answers were asked for: what else each of them is, when one is more than a text that ended by itself. */
	readonly choices?: readonly ChoiceRow[];
	/** What the provider says of the response; absent when it says nothing. */
	readonly response?: ResponseRow;
}

/** One of several answers, but for its text. */
export interface ChoiceRow extends DetailsRow {
	readonly finish_reason: string;
}

/** The row of a result; `n` above 1 makes it `texts`. */
export function toResultRow(result: Result, n = 1): ResultRow {
	const response = toResponseRow(result.response);
	const { choices = [] } = result;
	const isMore = choices.some(
		({ finishReason, details }) => finishReason !== "stop" || details !== undefined,
	);
	return {
		model: result.model,
		...(n > 1 ? { texts: result.texts } : { text: result.text }),
		...(result.reasoning === null ? {} : { reasoning: result.reasoning }),
		...(n > 1 ? {} : toDetailsRow(result.details)),
		finish_reason: result.finishReason,
		...(n > 1 && isMore && { choices: choices.map(toChoiceRow) }),
		usage: toUsageRow(result.usage),
		cost_usd: decimal(result.costUsd),
		cached: result.cached,
		attempts: result.attempts,
		latency_ms: result.latencyMs,
		...(response !== undefined && { response }),
	};
}

function toChoiceRow({ finishReason, details }: AnswerChoice): ChoiceRow {
	return { finish_reason: finishReason, ...toDetailsRow(details) };
}

/** What an answer holds besides its text, in the spelling of files. */
export interface DetailsRow {
	readonly tool_calls?: AnswerDetails["toolCalls"];
	readonly refusal?: string;
	readonly annotations?: readonly unknown[];
	readonly logprobs?: unknown;
	readonly audio?: unknown;
	readonly images?: readonly unknown[];
	readonly parts?: readonly unknown[];
}

export function toDetailsRow(details: AnswerDetails | undefined): DetailsRow {
	if (details === undefined) return {};
	const { toolCalls, ...rest } = details;
	return toolCalls === undefined ? rest : { tool_calls: toolCalls, ...rest };
}

/** Undefined where a row of a file has none of it. */
export function fromDetailsRow({ tool_calls: toolCalls, ...rest }: DetailsRow): AnswerDetails | undefined {
	const details = toolCalls === undefined ? rest : { toolCalls, ...rest };
	return Object.keys(details).length === 0 ? undefined : details;
}

/** What the provider says of a response, in the spelling of files. */
export interface ResponseRow {
	readonly id?: string;
	readonly model?: string;
	readonly created?: number;
	readonly service_tier?: string;
	readonly speed?: string;
	readonly system_fingerprint?: string;
}

/** Undefined where the provider says nothing. */
export function toResponseRow(response: ResponseInfo | undefined): ResponseRow | undefined {
	if (response === undefined || Object.keys(response).length === 0) return undefined;
	const { serviceTier, systemFingerprint, ...same } = response;
	if (serviceTier === undefined && systemFingerprint === undefined) return same;
	return {
		...same,
		...(serviceTier !== undefined && { service_tier: serviceTier }),
		...(systemFingerprint !== undefined && { system_fingerprint: systemFingerprint }),
	};
}

export function fromResponseRow(row: ResponseRow | undefined): ResponseInfo | undefined {
	if (row === undefined) return undefined;
	const { service_tier: serviceTier, system_fingerprint: systemFingerprint, ...same } = row;
	return {
		...same,
		...(serviceTier !== undefined && { serviceTier }),
		...(systemFingerprint !== undefined && { systemFingerprint }),
	};
}

/** Whether what a file holds may be details: its lists are lists, its texts texts. */
export function isDetailsRow(value: unknown): value is DetailsRow {
	if (!isRecord(value)) return false;
	return Object.entries(value).every(([name, field]) => {
		if (name === "tool_calls") return Array.isArray(field) && field.every(isToolCall);
		if (name === "refusal") return typeof field === "string";
		if (name === "annotations" || name === "images" || name === "parts") return Array.isArray(field);
		return name === "logprobs" || name === "audio";
	});
}

const responseFields = ["id", "model", "created", "service_tier", "system_fingerprint"];

export function isResponseRow(value: unknown): value is ResponseRow {
	if (!isRecord(value)) return false;
	return Object.entries(value).every(
		([name, field]) =>
			responseFields.includes(name) && typeof field === (name === "created" ? "number" : "string"),
	);
}

function isToolCall(value: unknown): boolean {
	if (!isRecord(value) || typeof value.id !== "string" || !isRecord(value.function)) return false;
	return typeof value.function.name === "string" && typeof value.function.arguments === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** All answers of a result, the only one included. */
export function choicesOf(result: Result): readonly AnswerChoice[] {
	const { finishReason, reasoning, details } = result;
	return result.choices ?? result.texts.map(() => ({ finishReason, reasoning, details }));
}
