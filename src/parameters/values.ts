/** Kinds of values: what a parameter accepts, and the one sentence that refuses what it does not. */
import type { ResponseFormat } from "../types.ts";

/**
 * What a value may be. A flag, a row of a prompts file, `/set`, the config and the library all read through it, so that
 * a value is accepted or refused everywhere alike.
 */
export interface ValueKind<Value> {
	/** Completes "must be …". */
	readonly wanted: string;
	/** The two bounds, where there are two, for help: `0 to 2`. */
	readonly range: string | undefined;
	/** All values there are, when they are few words. */
	readonly choices: readonly string[] | undefined;
	/** Several values may be given one after the other. */
	readonly isList: boolean;
	/** The value in llmx's own form; null when it is none. A number may be written as text: flags and cells hold nothing else. */
	read(value: unknown): Value | null;
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

function toNumber(value: unknown): number {
	if (typeof value === "number") return value;
	// An exact number of a prompts file is an object that is written as its digits.
	const text = typeof value === "string" ? value.trim() : JSON.stringify(value);
	return text !== undefined && decimal.test(text) ? Number(text) : Number.NaN;
}

function numbers(what: string, lowest: number, highest: number, isRight: (value: number) => boolean) {
	const range = highest < Infinity ? `${lowest} to ${highest}` : undefined;
	const atLeast = lowest > -Infinity ? `${what} of at least ${lowest}` : what;
	const wanted = range === undefined ? atLeast : `${what} from ${range}`;
	const read = (value: unknown) => {
		const number = toNumber(value);
		return isRight(number) && number >= lowest && number <= highest ? number : null;
	};
	return { wanted, range, choices: undefined, isList: false, read };
}

/** A finite number between two bounds, both allowed. */
export function number(lowest = -Infinity, highest = Infinity): ValueKind<number> {
	return numbers("a number", lowest, highest, Number.isFinite);
}

/** A number without a fraction that a double holds exactly. */
export function integer(lowest = -Infinity, highest = Infinity): ValueKind<number> {
	return numbers("a whole number", lowest, highest, Number.isSafeInteger);
}

/** One of a few words. */
export function choice<Word extends string>(words: readonly Word[]): ValueKind<Word> {
	return {
		wanted: `one of ${words.join(", ")}`,
		range: undefined,
		choices: words,
		isList: false,
		read: (value) => words.find((word) => word === value) ?? null,
	};
}

/** One string or several, none of them empty. */
export const strings: ValueKind<readonly string[]> = {
	wanted: "a non-empty string or a list of such strings",
	range: undefined,
	choices: undefined,
	isList: true,
	read(value) {
		const list = typeof value === "string" ? [value] : value;
		const isRight = Array.isArray(list) && list.every((item) => typeof item === "string" && item !== "");
		return isRight ? (list as readonly string[]) : null;
	},
};

/** Words that only a JSON Schema has. */
const schemaWords =
	/^(?:type|\$schema|\$ref|\$defs|\$id|definitions|properties|additionalProperties|patternProperties|required|items|prefixItems|enum|const|anyOf|oneOf|allOf|not|if|pattern|format|min.*|max.*|title|description)$/;

/**
 * The form of the answer, as OpenAI's `response_format`, as llmx's own object, or as the JSON Schema itself; as text
 * it is that JSON, `json` or `text`. Undefined stands for plain text, which is what every model gives unasked.
 */
export const responseFormat: ValueKind<ResponseFormat | undefined> = {
	wanted: '{"type": "json_object"}, {"type": "json_schema", "json_schema": {…}} or a JSON Schema',
	range: undefined,
	choices: undefined,
	isList: false,
	read(value) {
		if (typeof value === "string") return readFormatText(value.trim());
		if (!isObject(value)) return null;
		const { type } = value;
		if (type === "text") return undefined;
		if (type === "json_object" || type === "json") return { type: "json" };
		if (type === "json-schema") {
			const isOwn = isObject(value.schema) && typeof value.name === "string";
			return isOwn ? (value as unknown as ResponseFormat) : null;
		}
		if (type === "json_schema") {
			const format = value.json_schema;
			if (!isObject(format) || !isObject(format.schema)) return null;
			const name = typeof format.name === "string" ? format.name : "answer";
			return { type: "json-schema", name, schema: format.schema };
		}
		if (!isJsonSchema(value)) return null;
		const title = typeof value.title === "string" ? value.title : "";
		// Providers take letters, digits, dashes and underscores as a schema's name, at most 64 of them.
		const name = title.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64) || "answer";
		return { type: "json-schema", name, schema: value };
	},
};

function readFormatText(text: string): ResponseFormat | undefined | null {
	if (text === "text") return undefined;
	if (text === "json" || text === "json_object") return { type: "json" };
	if (!text.startsWith("{")) return null;
	try {
		return responseFormat.read(JSON.parse(text));
	} catch {
		return null;
	}
}

function isJsonSchema(value: Readonly<Record<string, unknown>>): boolean {
	const names = Object.keys(value);
	return names.length === 0 || names.some((name) => schemaWords.test(name));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `NAME must be a number from 0 to 2, not 3`; `name` is written as the reader knows it: a flag, a field, a path. */
export function refusal(
	name: string,
	{ wanted }: Pick<ValueKind<unknown>, "wanted">,
	value: unknown,
): string {
	return `${name} must be ${wanted}, not ${describeValue(value)}`;
}

/** A value as a message quotes it: its kind, and itself when it is short. */
export function describeValue(value: unknown): string {
	if (value === null) return "null";
	if (Array.isArray(value)) return "a list";
	if (typeof value === "string" && decimal.test(value) && value.length <= 40) return value;
	const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? "nothing");
	// What is written as digits is an exact number of a prompts file.
	if (typeof value === "object" && !decimal.test(text)) return "an object";
	return text.length <= 40 ? text : `${text.slice(0, 37)}…"`;
}
