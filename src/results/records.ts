import type { RowOutcome } from "../ask/run-control.ts";
import { AbortedError, CacheMissError, type ErrorClass, type LlmxError, RequestError } from "../errors.ts";
import { isObject } from "../prompts/json.ts";
import { decimal } from "../state/decimal.ts";
import { toResultRow } from "../state/result-row.ts";
import { toUsageRow } from "../state/usage-row.ts";
import type { Result, Usage } from "../types.ts";
import { toChatCompletion } from "./openai-body.ts";

/** What a record answers. */
export interface RecordKey {
	readonly id: string;
	readonly model: string;
	/** Of the request as the user gave it. */
	readonly hash: string;
	/** The record says that the row was interrupted: it is to be sent again. */
	readonly interrupted?: boolean;
}

/** A row that was sent, as far as its record is concerned. */
export interface RecordRow extends RecordKey {
	/** How many answers were asked for. */
	readonly n: number;
	/** Whether its answer is as expected; undefined where nothing is. */
	readonly pass?: boolean | undefined;
	readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** What a record says of its row that may change without its being asked again. */
export type RowNotes = Pick<RecordRow, "pass" | "metadata">;

/** `llmx`: fields on the top level. `openai`: the output lines of OpenAI's Batch API. */
export type OutputFormat = "llmx" | "openai";

export const outputFormats: readonly OutputFormat[] = ["llmx", "openai"];

/** How records are written and known again. */
export interface RecordFormat {
	result(row: RecordRow, result: Result): Readonly<Record<string, unknown>>;
	failure(row: RecordRow, failure: FailureRecord): Readonly<Record<string, unknown>>;
	/** Undefined when the line is not a result of this format; a failure is none. */
	readResultKey(line: string): RecordKey | undefined;
	/** Undefined when the line is not a failure of this format. */
	readFailureKey(line: string): RecordKey | undefined;
	/** The answers of a result, given as `parseJson` returned it. */
	answersOf(record: JsonRecord): readonly string[];
	/** The same result with other notes of its row. */
	withNotes(record: JsonRecord, notes: RowNotes): JsonRecord;
}

type JsonRecord = Readonly<Record<string, unknown>>;

/** `interrupted`: the run was stopped while the row was on its way; the row is missing rather than failed. */
export type FailureClass = ErrorClass | "interrupted" | "other";

type FailedRow = Pick<
	Extract<RowOutcome<unknown>, { ok: false }>,
	"error" | "attempts" | "partial" | "spent"
>;

/** Why a row has no answer. */
export interface FailureRecord {
	readonly errorClass: FailureClass;
	readonly status: number | null;
	readonly message: string;
	readonly maybeBilled: boolean;
	readonly attempts: number;
	readonly usage: Usage | null;
	/** USD of all its requests; null when one may have been billed and nobody says how much. */
	readonly costUsd: number | null;
	readonly partialText: string | null;
	/** Of several answers those that came; null when none did. */
	readonly texts: readonly string[] | null;
}

/** What an error row says of a row without an answer. Messages of our errors carry no keys. */
export function toFailure({ error, attempts, partial, spent }: FailedRow): FailureRecord {
	const request = error instanceof RequestError ? error : undefined;
	return {
		errorClass: request?.errorClass ?? (isInterruption(error) ? "interrupted" : "other"),
		status: request?.status ?? null,
		message: error.message,
		maybeBilled: spent.unknownCalls > 0,
		attempts,
		usage: partial === null ? (request?.usage ?? null) : partial.usage,
		costUsd: spent.unknownCalls > 0 ? null : spent.usd,
		partialText: request?.partialText ?? null,
		texts: partial === null ? null : partial.texts,
	};
}

/** The row itself is not to blame, and has not been tried: it is missing rather than failed. */
function isInterruption(error: LlmxError): boolean {
	return error instanceof AbortedError || error instanceof CacheMissError;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
	try {
		const value: unknown = JSON.parse(line);
		return isObject(value) ? value : undefined;
	} catch {
		return undefined;
	}
}

function toKey(id: unknown, fields: unknown, errorClass: unknown): RecordKey | undefined {
	if (typeof id !== "string" || !isObject(fields)) return undefined;
	const { model, hash } = fields;
	if (typeof model !== "string" || typeof hash !== "string" || !/^[0-9a-f]{32}$/.test(hash)) return undefined;
	return errorClass === "interrupted" ? { id, model, hash, interrupted: true } : { id, model, hash };
}

/** What was sent, got and paid for an answer that failed. */
function failureFigures(failure: FailureRecord): Readonly<Record<string, unknown>> {
	return {
		maybe_billed: failure.maybeBilled,
		attempts: failure.attempts,
		usage: toUsageRow(failure.usage),
		cost_usd: decimal(failure.costUsd),
		partial_text: failure.partialText,
		...(failure.texts && { texts: failure.texts }),
	};
}

const plain: RecordFormat = {
	result: (row, result) => {
		const { id, model, hash } = row;
		// The model as the user gave it: an alias stays one, so that the row is known again.
		const record = { id, ...toResultRow(result, row.n), model, hash };
		return row.pass === undefined && row.metadata === undefined ? record : { ...record, ...toNotes(row) };
	},
	failure: ({ id, model, hash, metadata }, failure) => ({
		id,
		model,
		error: { class: failure.errorClass, status: failure.status, message: failure.message },
		...failureFigures(failure),
		hash,
		...(metadata && { metadata }),
	}),
	readResultKey: (line) => {
		const fields = parseObject(line);
		return fields && !isObject(fields.error) ? toKey(fields.id, fields, undefined) : undefined;
	},
	readFailureKey: (line) => {
		const fields = parseObject(line);
		return isObject(fields?.error) ? toKey(fields.id, fields, fields.error.class) : undefined;
	},
	answersOf: ({ text, texts }) => (Array.isArray(texts) ? texts.map(String) : [String(text ?? "")]),
	withNotes: ({ pass: _pass, metadata: _metadata, ...record }, notes) => ({ ...record, ...toNotes(notes) }),
};

/** Last in a record, so that whether they have changed is seen at its end. */
function toNotes({ pass, metadata }: RowNotes): JsonRecord {
	return { ...(pass !== undefined && { pass }), ...(metadata && { metadata }) };
}

/** Field order as in OpenAI's files, and our own figures under `llmx`, where its readers do not look. */
const openai: RecordFormat = {
	result: ({ id, model, hash, ...notes }, result) => ({
		custom_id: id,
		id: `batch_req_${hash}`,
		response: {
			status_code: 200,
			request_id: hash,
			body: toChatCompletion(result, model, hash),
		},
		error: null,
		llmx: {
			model,
			...(result.reasoning !== null && { reasoning: result.reasoning }),
			usage: toUsageRow(result.usage),
			cost_usd: decimal(result.costUsd),
			cached: result.cached,
			attempts: result.attempts,
			latency_ms: result.latencyMs,
			hash,
			...toNotes(notes),
		},
	}),
	failure: ({ id, model, hash, metadata }, failure) => ({
		custom_id: id,
		id: `batch_req_${hash}`,
		response:
			failure.status === null
				? null
				: {
						status_code: failure.status,
						request_id: hash,
						body: { error: { message: failure.message, type: failure.errorClass } },
					},
		error: { code: failure.errorClass, message: failure.message },
		llmx: {
			model,
			...failureFigures(failure),
			hash,
			...(metadata && { metadata }),
		},
	}),
	readResultKey: (line) => {
		const fields = parseObject(line);
		return fields && !isObject(fields.error) ? toKey(fields.custom_id, fields.llmx, undefined) : undefined;
	},
	readFailureKey: (line) => {
		const fields = parseObject(line);
		return isObject(fields?.error) ? toKey(fields.custom_id, fields.llmx, fields.error.code) : undefined;
	},
	answersOf: ({ response }) => {
		const body = isObject(response) && isObject(response.body) ? response.body : {};
		const choices = Array.isArray(body.choices) ? body.choices : [];
		return choices.map(({ message }: { message?: { content?: unknown } }) => String(message?.content ?? ""));
	},
	withNotes: ({ llmx, ...record }, notes) => {
		const { pass: _pass, metadata: _metadata, ...own } = isObject(llmx) ? llmx : {};
		return { ...record, llmx: { ...own, ...toNotes(notes) } };
	},
};

export const recordFormats: Readonly<Record<OutputFormat, RecordFormat>> = { llmx: plain, openai };

/** What a table shows of a record. */
export interface ReadAnswer {
	readonly texts: readonly string[];
	readonly finishReason: string;
	/** Undefined when nothing was expected. */
	readonly pass: boolean | undefined;
}

/** The answers of a record of the `llmx` format. */
export function readAnswer(line: string): ReadAnswer {
	const fields = JSON.parse(line) as {
		readonly text?: string;
		readonly texts?: readonly string[];
		readonly finish_reason?: string;
		readonly pass?: boolean;
	};
	const { text, texts, finish_reason, pass } = fields;
	return { texts: texts ?? [text ?? ""], finishReason: finish_reason ?? "", pass };
}

/** What an error record of the `llmx` format says in one line. */
export function readErrorMessage(line: string): string {
	const { error } = JSON.parse(line) as {
		readonly error: { readonly class: string; readonly message: string };
	};
	return `${error.class}: ${error.message}`;
}
