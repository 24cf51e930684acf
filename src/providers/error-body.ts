/** What a provider says about a failure, whatever form it says it in. */
export interface ErrorDetail {
	/** The server's own words, raw: redact and shorten before showing them. */
	readonly message: string;
	/** Every code, type, status and reason found, lower-case. */
	readonly codes: readonly string[];
	/** An HTTP-like number given as a code. */
	readonly status: number | undefined;
	/** Sizes of a prompt that is too long, in tokens, where the body gives them as fields. */
	readonly promptTokens: number | undefined;
	readonly contextTokens: number | undefined;
	/** The parsed body, for hints that are buried in it. */
	readonly body: unknown;
}

type Json = Record<string, unknown>;

export function isObject(value: unknown): value is Json {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Parses JSON; undefined where it is none. Python's json.dumps writes NaN and Infinity, which are read as null. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		if (!/NaN|Infinity/.test(text)) return undefined;
		return parseStrictJson(text.replaceAll(stringOrNoNumber, (_, string?: string) => string ?? "null"));
	}
}

/** A whole JSON string, which stays as it is, or one of Python's words for a number that JSON cannot write. */
const stringOrNoNumber = /("[^"\\]*(?:\\.[^"\\]*)*")|-?(?:NaN|Infinity)/g;

function parseStrictJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return undefined;
	}
}

/** Reads the body of an error response, JSON or not. */
export function readErrorText(text: string): ErrorDetail {
	const parsed = parseJson(text);
	return parsed === undefined || parsed === null ? describe(text, undefined) : readErrorBody(parsed);
}

/**
 * Reads a parsed error in any of the known forms: `{error: {…}}` (OpenAI, Gemini, Anthropic), `{error: "…", code}`
 * (xAI), `{detail}` (Mistral, FastAPI), `{object: "error", message}` (vLLM), `[{error}]` (Gemini arrays),
 * `{base_resp: {status_code, status_msg}}` (MiniMax), `{code, msg}`, `{error_code, error_msg}` (Baidu), text.
 */
export function readErrorBody(body: unknown): ErrorDetail {
	if (Array.isArray(body)) return body.length > 0 ? readErrorBody(body[0]) : describe("", body);
	if (!isObject(body)) return describe(typeof body === "string" ? body : "", body);
	const inner = [body.error, body.base_resp].find(isObject) ?? body;
	return describe(messageOf(body, inner), body, inner);
}

function messageOf(body: Json, inner: Json): string {
	if (typeof body.error === "string") return body.error;
	const raw = isObject(inner.metadata) ? inner.metadata.raw : undefined;
	const message =
		textOf(inner.message) ??
		textOf(body.message) ??
		textOf(body.detail) ??
		textOf(body.errors) ??
		textOf(inner.msg) ??
		textOf(inner.status_msg) ??
		textOf(inner.error_msg);
	// OpenRouter's own message says only that the provider failed; what the provider said is in `raw`.
	if (typeof raw === "string" && raw !== "")
		return message ? `${message}: ${rawMessage(raw)}` : rawMessage(raw);
	return message ?? "";
}

function rawMessage(raw: string): string {
	const parsed = parseJson(raw);
	return parsed === undefined ? raw : readErrorBody(parsed).message || raw;
}

/** Text, or the texts of a list of FastAPI validation errors. */
function textOf(value: unknown): string | undefined {
	if (typeof value === "string") return value;
	if (isObject(value)) return textOf(value.message) ?? textOf(value.detail) ?? textOf(value.msg);
	if (!Array.isArray(value)) return undefined;
	const texts = value.slice(0, 5).map((item) => {
		const where = isObject(item) && Array.isArray(item.loc) ? `${item.loc.join(".")}: ` : "";
		return where + (textOf(item) ?? "");
	});
	return texts.join("; ");
}

function describe(message: string, body: unknown, inner?: Json): ErrorDetail {
	const codes: string[] = [];
	let status: number | undefined;
	const add = (value: unknown) => {
		if (typeof value === "number") status ??= value;
		else if (typeof value === "string" && value !== "") {
			if (/^[45]\d\d$/.test(value)) status ??= Number(value);
			else codes.push(value.toLowerCase());
		}
	};
	for (const source of isObject(body) && inner !== body ? [inner, body] : [inner]) {
		if (source === undefined) continue;
		add(source.code);
		// MiniMax's codes are its own: https://platform.minimax.io/docs/api-reference/errorcode
		if (source.status_code !== undefined) codes.push(`base_resp_${source.status_code}`);
		add(source.status);
		add(source.type);
		add(source.error_type);
		const nested = source.innererror ?? source.inner_error;
		if (isObject(nested)) add(nested.code);
		const metadata = source.metadata;
		if (isObject(metadata)) add(metadata.error_type);
		for (const item of Array.isArray(source.details) ? source.details : [])
			if (isObject(item)) add(item.reason);
	}
	return {
		message,
		codes,
		status,
		promptTokens: numberOf(inner?.n_prompt_tokens),
		contextTokens: numberOf(inner?.n_ctx),
		body,
	};
}

function numberOf(value: unknown): number | undefined {
	return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

/** Whether a parsed payload that came with status 200 is an error in disguise. */
export function isErrorPayload(payload: unknown, eventName?: string | null): boolean {
	if (eventName === "error") return true;
	if (!isObject(payload)) return false;
	if (payload.object === "error" || payload.type === "error" || saysError(payload.error)) return true;
	const answered = ["choices", "candidates", "content", "output", "usage"].some(
		(field) => payload[field] !== undefined && payload[field] !== null,
	);
	if (answered) return false;
	const isAlone = Object.keys(payload).length === 1;
	if ("detail" in payload || (payload.error && isAlone) || payload.success === false) return true;
	if (Array.isArray(payload.errors) && saysError(payload.errors)) return true;
	return codeOf(payload.base_resp, "status_code") || codeOf(payload, "code") || codeOf(payload, "error_code");
}

/**
 * Whether a field for an error says anything. Gateways put an empty one into good answers
 * (`{"message": "", "type": "", "code": null}`, https://github.com/BerriAI/litellm/issues/18493).
 */
export function saysError(error: unknown): boolean {
	if (isObject(error)) return Object.values(error).some(saysError);
	if (Array.isArray(error)) return error.some(saysError);
	return typeof error === "string"
		? error.trim() !== ""
		: error !== undefined && error !== null && error !== false && error !== 0;
}

/** A code of failure beside a message, as `{"code": 1302, "msg": "…"}` or MiniMax's `base_resp`: 0 and 200 mean success. */
function codeOf(source: unknown, field: string): boolean {
	if (!isObject(source)) return false;
	const code = source[field];
	const isFailure =
		typeof code === "number"
			? code !== 0 && code !== 200
			: typeof code === "string" && !/^(?:0|200|ok|success)?$/i.test(code);
	return (
		isFailure &&
		[source.msg, source.message, source.status_msg, source.error_msg].some(
			(text) => typeof text === "string" && text !== "",
		)
	);
}
