import { attachmentPart } from "../content/attachments.ts";
import { toMessages } from "../content/messages.ts";
import { LlmxError } from "../errors.ts";
import type { ContentPart, Message, Parameters } from "../types.ts";
import type { AttachmentFolder } from "./attachment-folder.ts";
import type { RawRow } from "./input.ts";
import { isObject, numberText } from "./json.ts";
import { describe, isParameter, ParameterReader, RowProblem } from "./parameters.ts";
import { MissingVariableError, type Template } from "./template.ts";

/** One row of a prompts file as a request, before a model's defaults. */
export interface BatchRow {
	/** Of the row's first character in the file, counted from 1. */
	readonly line: number;
	readonly id: string;
	/** The row's own model, which wins over `-m`. */
	readonly model: string | undefined;
	readonly messages: readonly Message[];
	/** Set when the row is one plain prompt. */
	readonly prompt: { readonly text: string; readonly system: string | undefined } | undefined;
	readonly parameters: Parameters;
	readonly n: number;
	/** The row attaches images by their addresses, so its provider has to fetch them. */
	readonly linksImages: boolean;
	/** What the row holds beside the request, untouched. */
	readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** Puts a row's text into a named prompt. Throws UsageError when a variable of it has no value. */
export type RowPreset = (
	input: string,
	fields: Readonly<Record<string, string>>,
) => { readonly prompt: string; readonly system: string | undefined };

export interface RowOptions {
	/** The field or column that holds the prompt. */
	readonly column: string;
	readonly template: Template | undefined;
	/** Applied to what the column or the template gives. */
	readonly preset: RowPreset | undefined;
	/** For rows that bring no system text. */
	readonly system: string | undefined;
	/** For rows that do not set them. */
	readonly parameters: Parameters;
	readonly n: number;
	/** Where rows may attach files from; undefined: they may not. */
	readonly attachments: AttachmentFolder | undefined;
}

const ownFields = new Set(["id", "messages", "system", "model", "parameters", "attachments"]);
const bodyFields = new Set(["model", "messages", "stream", "stream_options"]);
const none: ReadonlySet<string> = new Set();

/** Turns rows as they were read into requests. */
export class RowBuilder {
	readonly #options: RowOptions;

	constructor(options: RowOptions) {
		this.#options = options;
	}

	/** @throws RowProblem when the row cannot be sent as it is */
	build(raw: RawRow): BatchRow {
		try {
			const { value } = raw;
			if (typeof value === "string") return this.#fromFields(raw, { [this.#options.column]: value });
			if (!isObject(value)) throw new RowProblem(`a row must be a text or an object, not ${describe(value)}`);
			if (isObject(value.body) && value.custom_id !== undefined) {
				return this.#fromOpenAi(raw, value, value.body);
			}
			return this.#fromFields(raw, value);
		} catch (error) {
			if (error instanceof RowProblem) throw error;
			if (error instanceof MissingVariableError) throw new RowProblem(error.message);
			if (error instanceof LlmxError) {
				throw new RowProblem(error.hint ? `${error.message}; ${error.hint}` : error.message);
			}
			throw error;
		}
	}

	#fromFields(raw: RawRow, fields: Readonly<Record<string, unknown>>): BatchRow {
		const { template, column } = this.#options;
		const reader = new ParameterReader();
		let metadata: Record<string, unknown> | undefined;
		for (const name of Object.keys(fields)) {
			if (isParameter(name) && name !== column) reader.take(name, fields[name]);
			else if (!ownFields.has(name) && (name !== column || template !== undefined)) {
				// Without a prototype, so that a field called __proto__ is one like any other.
				metadata ??= Object.create(null) as Record<string, unknown>;
				metadata[name] = fields[name];
			}
		}
		const { parameters } = fields;
		if (isObject(parameters)) reader.takeAll(parameters, none);
		else if (isSet(parameters))
			throw new RowProblem(`"parameters" must be an object, not ${describe(parameters)}`);
		const own = optionalText(fields.system, "system");
		const attached = this.#attach(fields.attachments);
		const id = readId(fields.id, raw.number);
		if (isSet(fields.messages)) {
			if (template !== undefined)
				throw new RowProblem('the row has "messages", to which a template cannot apply');
			if (attached.length > 0)
				throw new RowProblem('"attachments" go with a prompt; put parts into "messages"');
			return this.#finish(raw, id, fields.model, reader, metadata, this.#withSystem(fields.messages, own));
		}
		const input = template === undefined ? readPrompt(fields, column) : template(fields);
		if (input.trim() === "" && attached.length === 0) throw new RowProblem("the prompt is empty");
		const filled = this.#options.preset?.(input, textsOf(fields));
		const text = filled?.prompt ?? input;
		const system = own ?? this.#options.system ?? filled?.system;
		const content = attached.length === 0 ? text : [...attached, { type: "text" as const, text }];
		const messages: Message[] = [{ role: "user", content }];
		if (system !== undefined) messages.unshift({ role: "system", content: system });
		const row = this.#finish(raw, id, fields.model, reader, metadata, messages);
		if (attached.length === 0) return { ...row, prompt: { text, system } };
		return { ...row, linksImages: attached.some((part) => part.type === "image" && part.url !== undefined) };
	}

	/** A line of OpenAI's Batch API: `{custom_id, method, url, body}`. */
	#fromOpenAi(
		raw: RawRow,
		fields: Readonly<Record<string, unknown>>,
		body: Readonly<Record<string, unknown>>,
	): BatchRow {
		const { custom_id, url } = fields;
		if (this.#options.template !== undefined || this.#options.preset !== undefined) {
			throw new RowProblem(
				"an OpenAI Batch line brings its messages, to which no template or preset can apply",
			);
		}
		if (isSet(url) && !(typeof url === "string" && /\/chat\/completions$/.test(url))) {
			throw new RowProblem(`only /v1/chat/completions lines can be sent, not ${describe(url)}`);
		}
		if (body.stream === true) throw new RowProblem('the body asks for a stream; leave "stream" out');
		const reader = new ParameterReader();
		reader.takeAll(body, bodyFields);
		const metadata: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
		for (const name of Object.keys(fields)) {
			if (!["custom_id", "method", "url", "body"].includes(name)) metadata[name] = fields[name];
		}
		const extra = Object.keys(metadata).length > 0 ? metadata : undefined;
		const messages = this.#withSystem(body.messages, undefined);
		return this.#finish(raw, readId(custom_id, raw.number), body.model, reader, extra, messages);
	}

	#finish(
		raw: RawRow,
		id: string,
		model: unknown,
		{ parameters, n }: ParameterReader,
		metadata: BatchRow["metadata"],
		messages: readonly Message[],
	): BatchRow {
		return {
			line: raw.line,
			id,
			model: optionalText(model, "model"),
			messages,
			prompt: undefined,
			parameters: { ...this.#options.parameters, ...parameters },
			n: n ?? this.#options.n,
			linksImages: false,
			metadata,
		};
	}

	#withSystem(value: unknown, own: string | undefined): readonly Message[] {
		if (!Array.isArray(value)) throw new RowProblem(`"messages" must be a list, not ${describe(value)}`);
		if (value.length === 0) throw new RowProblem('"messages" is empty');
		const messages = toMessages(value);
		const hasSystem = messages.some(({ role }) => role === "system");
		if (hasSystem && own !== undefined)
			throw new RowProblem('a system text in "system" and another in "messages"');
		const system = own ?? (hasSystem ? undefined : this.#options.system);
		return system === undefined ? messages : [{ role: "system", content: system }, ...messages];
	}

	#attach(value: unknown): readonly ContentPart[] {
		if (!isSet(value) || value === "") return [];
		const sources = typeof value === "string" ? [value] : value;
		if (!Array.isArray(sources) || !sources.every((source) => typeof source === "string")) {
			throw new RowProblem(`"attachments" must be a path, a URL or a list of them, not ${describe(value)}`);
		}
		return sources.map((source) => {
			if (isLink(source)) return linkedImage(source);
			if (this.#options.attachments === undefined) {
				throw new RowProblem(`the row attaches the file ${describe(source)}; --allow-files DIR permits that`);
			}
			return attachmentPart(source, this.#options.attachments.read(source));
		});
	}
}

function isLink(source: string): boolean {
	return /^https?:\/\//i.test(source);
}

const notAnImage = /\.(?:pdf|docx?|txt|csv|json|wav|mp3|flac|ogg|m4a|mp4)$/i;

/** Throws RowProblem for an address that cannot be an image's: no provider fetches anything else. */
function linkedImage(address: string): ContentPart {
	const url = URL.canParse(address) ? new URL(address) : undefined;
	if (url === undefined) throw new RowProblem(`${describe(address)} is no address`);
	if (notAnImage.test(url.pathname)) {
		throw new RowProblem(`${describe(address)} is no image; download it, and attach the file`);
	}
	return { type: "image", url: address };
}

/** The id of a row, whatever else is in it. Throws RowProblem when it cannot be one. */
export function idOf({ value, number }: RawRow): string {
	if (!isObject(value)) return String(number);
	const isOpenAi = isObject(value.body) && value.custom_id !== undefined;
	return readId(isOpenAi ? value.custom_id : value.id, number);
}

function isSet(value: unknown): boolean {
	return value !== undefined && value !== null;
}

function readId(value: unknown, number: number): string {
	if (!isSet(value)) return String(number);
	const id = typeof value === "string" ? value : numberText(value);
	if (id === undefined) throw new RowProblem(`an id must be a text or a number, not ${describe(value)}`);
	if (id === "") throw new RowProblem("the id is empty");
	return id;
}

function optionalText(value: unknown, name: string): string | undefined {
	if (!isSet(value) || value === "") return undefined;
	if (typeof value !== "string") throw new RowProblem(`"${name}" must be a text, not ${describe(value)}`);
	return value;
}

function textsOf(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
	return Object.fromEntries(
		Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === "string"),
	);
}

function readPrompt(fields: Readonly<Record<string, unknown>>, column: string): string {
	const value = fields[column];
	if (typeof value === "string") return value;
	const number = numberText(value);
	if (number !== undefined) return number;
	if (value === undefined) {
		const known = Object.keys(fields).slice(0, 12).join(", ") || "nothing";
		throw new RowProblem(
			`no field "${column}"; the row has: ${known} (--column NAME or --template says which)`,
		);
	}
	throw new RowProblem(`"${column}" must be a text, not ${describe(value)}`);
}
