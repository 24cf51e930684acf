import { isObject } from "../prompts/json.ts";
import type { ReportText } from "./format.ts";

/** A line of a results or errors file as a report shows it. */
export interface ReportRecord {
	readonly id: string;
	readonly model: string;
	/** Undefined for a failure. */
	readonly finishReason: string | undefined;
	/** Undefined for an answer. */
	readonly errorClass: string | undefined;
	readonly costUsd: number | null;
	readonly latencyMs: number | null;
	readonly inputTokens: number | null;
	readonly outputTokens: number | null;
	readonly cached: boolean;
	readonly pass: boolean | null;
	readonly text: ReportText;
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a record of either output format; undefined for any other line, and for a row that was only interrupted. */
export function readReportRecord(line: string): ReportRecord | undefined {
	let fields: unknown;
	try {
		fields = JSON.parse(line);
	} catch {
		return undefined;
	}
	if (!isObject(fields)) return undefined;
	return isObject(fields.llmx) ? fromOpenAi(fields, fields.llmx) : fromPlain(fields);
}

function fromPlain(fields: Fields): ReportRecord | undefined {
	const { id, model, error } = fields;
	if (typeof id !== "string" || typeof model !== "string") return undefined;
	const failure = isObject(error)
		? { class: textOf(error.class) ?? "other", message: textOf(error.message) }
		: undefined;
	const answers =
		failure === undefined ? answersOf(fields) : [textOf(fields.partial_text) ?? ""].filter(Boolean);
	if (answers === undefined) return undefined;
	return finish(id, model, fields, failure, textOf(fields.finish_reason), answers);
}

function fromOpenAi(fields: Fields, own: Fields): ReportRecord | undefined {
	const { custom_id: id, response, error } = fields;
	const { model } = own;
	if (typeof id !== "string" || typeof model !== "string") return undefined;
	if (isObject(error)) {
		const failure = { class: textOf(error.code) ?? "other", message: textOf(error.message) };
		return finish(id, model, own, failure, undefined, [textOf(own.partial_text) ?? ""].filter(Boolean));
	}
	const body = isObject(response) && isObject(response.body) ? response.body : {};
	const choices = Array.isArray(body.choices) ? body.choices.filter(isObject) : [];
	const answers = choices.map(({ message }) => (isObject(message) ? (textOf(message.content) ?? "") : ""));
	return finish(id, model, own, undefined, textOf(choices[0]?.finish_reason), answers);
}

function answersOf({ text, texts }: Fields): readonly string[] | undefined {
	if (typeof text === "string") return [text];
	return Array.isArray(texts) ? texts.map(String) : undefined;
}

function finish(
	id: string,
	model: string,
	fields: Fields,
	failure: { class: string; message: string | undefined } | undefined,
	finishReason: string | undefined,
	answers: readonly string[],
): ReportRecord | undefined {
	if (failure?.class === "interrupted") return undefined;
	const usage = isObject(fields.usage) ? fields.usage : {};
	const { reasoning, metadata } = fields;
	const cached = fields.cached === true;
	return {
		id,
		model,
		finishReason: failure === undefined ? (finishReason ?? "unknown") : undefined,
		errorClass: failure?.class,
		costUsd: numberOf(fields.cost_usd),
		// A row of a batch job says 0: nobody waited for it alone.
		latencyMs: cached || fields.latency_ms === 0 ? null : numberOf(fields.latency_ms),
		inputTokens: numberOf(usage.input_tokens),
		outputTokens: numberOf(usage.output_tokens),
		cached,
		pass: typeof fields.pass === "boolean" ? fields.pass : null,
		text: {
			a: answers,
			...(typeof reasoning === "string" && { reasoning }),
			...(metadata !== undefined && { metadata }),
			...(failure?.message !== undefined && { error: failure.message }),
		},
	};
}

function textOf(value: unknown): string | undefined {
	return typeof value === "string" ? value : undefined;
}

function numberOf(value: unknown): number | null {
	return typeof value === "number" && Number.isFinite(value) ? value : null;
}
