import { type Parameters, type ReasoningEffort, type ResponseFormat, reasoningEfforts } from "../types.ts";
import { isObject, numberText } from "./json.ts";

/** Something about a row that must be mended before anything is sent; the reader adds file and line. */
export class RowProblem extends Error {}

type Writable = { -readonly [Name in keyof Parameters]: Parameters[Name] };
type Reader = (value: unknown, name: string) => unknown;

/** Row fields that shape the answer, in the names of OpenAI's wire, which most prompt files use. */
const readers: Readonly<Record<string, readonly [field: keyof Parameters, read: Reader]>> = {
	temperature: ["temperature", readNumber],
	max_tokens: ["maxTokens", readPositive],
	max_completion_tokens: ["maxTokens", readPositive],
	top_p: ["topP", readNumber],
	top_k: ["topK", readPositive],
	stop: ["stop", readStop],
	seed: ["seed", readInteger],
	presence_penalty: ["presencePenalty", readNumber],
	frequency_penalty: ["frequencyPenalty", readNumber],
	response_format: ["responseFormat", readFormat],
	reasoning_effort: ["reasoningEffort", readEffort],
	thinking_budget: ["thinkingBudget", readInteger],
};

/**
 * Fields by which some servers and proxies let a request choose where it goes and who pays. A prompts file often comes
 * from somebody else, so a row may not set them.
 */
const forbidden =
	/^(?:x[-_])?(?:api[-_]?(?:key|base|version|type)|base[-_]?url|(?:extra|default)?[-_]?headers|authorization|organization|user[-_]config|fallbacks|model[-_]list|(?:aws|vertex|azure|litellm)[-_].*)$/i;

/** True for a row field that sets a parameter. */
export function isParameter(name: string): boolean {
	return Object.hasOwn(readers, name) || name === "n";
}

/** Collects the parameters of one row. */
export class ParameterReader {
	readonly parameters: Writable = {};
	n: number | undefined;
	#extra: Record<string, unknown> | undefined;

	/** Takes a field for which `isParameter` holds. Null and the empty cell of a table leave it unset. */
	take(name: string, value: unknown): void {
		if (value === undefined || value === null || value === "") return;
		if (name === "n") {
			this.n = readPositive(value, name);
			return;
		}
		const [field, read] = readers[name] as (typeof readers)[string];
		const result = read(value, name);
		if (result !== undefined) Object.assign(this.parameters, { [field]: result });
	}

	/** Takes a provider's own field, to be sent as it is. */
	takeExtra(name: string, value: unknown): void {
		if (forbidden.test(name)) throw new RowProblem(`a row may not set ${JSON.stringify(name)}`);
		this.#extra ??= Object.create(null) as Record<string, unknown>;
		this.#extra[name] = value;
		this.parameters.extra = this.#extra;
	}

	/** Takes every field of a `parameters` object or a request body but those named. */
	takeAll(fields: Readonly<Record<string, unknown>>, except: ReadonlySet<string>): void {
		for (const [name, value] of Object.entries(fields)) {
			if (except.has(name)) continue;
			if (isParameter(name)) this.take(name, value);
			else this.takeExtra(name, value);
		}
	}
}

function readNumber(value: unknown, name: string): number {
	// Cells of a table are text.
	const text = typeof value === "string" ? value.trim() : numberText(value);
	const number = text ? Number(text) : Number.NaN;
	if (Number.isFinite(number)) return number;
	throw new RowProblem(`"${name}" must be a number, not ${describe(value)}`);
}

function readInteger(value: unknown, name: string): number {
	const number = readNumber(value, name);
	if (Number.isSafeInteger(number)) return number;
	throw new RowProblem(`"${name}" must be a whole number, not ${describe(value)}`);
}

function readPositive(value: unknown, name: string): number {
	const number = readInteger(value, name);
	if (number > 0) return number;
	throw new RowProblem(`"${name}" must be at least 1, not ${number}`);
}

function readStop(value: unknown): readonly string[] {
	if (typeof value === "string") return [value];
	if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
	throw new RowProblem(`"stop" must be a text or a list of texts, not ${describe(value)}`);
}

function readEffort(value: unknown): ReasoningEffort {
	const effort = reasoningEfforts.find((candidate) => candidate === value);
	if (effort !== undefined) return effort;
	throw new RowProblem(
		`"reasoning_effort" must be one of ${reasoningEfforts.join(", ")}, not ${describe(value)}`,
	);
}

function readFormat(value: unknown): ResponseFormat | undefined {
	if (isObject(value)) {
		if (value.type === "text") return undefined;
		if (value.type === "json_object" || value.type === "json") return { type: "json" };
		const format = value.json_schema;
		if (value.type === "json_schema" && isObject(format) && isObject(format.schema)) {
			const name = typeof format.name === "string" ? format.name : "answer";
			return { type: "json-schema", name, schema: format.schema };
		}
	}
	throw new RowProblem(
		'"response_format" must be {"type": "json_object"} or {"type": "json_schema", "json_schema": {"name": …, "schema": {…}}}',
	);
}

/** A value as a problem quotes it: its kind, and itself when it is short. */
export function describe(value: unknown): string {
	const number = numberText(value);
	if (number !== undefined) return number;
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	if (typeof value === "object") return "an object";
	const text = JSON.stringify(value) ?? "nothing";
	return text.length <= 40 ? text : `${text.slice(0, 37)}…"`;
}
