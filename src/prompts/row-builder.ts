import { attachmentPart } from "../content/attachments.ts";
import { toMessages } from "../content/messages.ts";
import { LlmxError } from "../errors.ts";
import type { ContentPart, Message, Parameters } from "../types.ts";
import type { AttachmentFolder } from "./attachment-folder.ts";
import type { RawRow } from "./input.ts";
import { isFilled, isObject, isSet, numberText } from "./json.ts";
import { isLink, linkedImage } from "./linked-image.ts";
import { missingField, missingPrompt } from "./missing-field.ts";
import { describe, isParameter, ParameterReader, RowProblem } from "./parameters.ts";
import { readId } from "./row-id.ts";
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
	/** What is expected of its answer; undefined when the row says nothing about it. */
	readonly expected?: unknown;
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
	/** The field or column that holds the id; false: rows are numbered. Undefined: `id`, or else the number. */
	readonly id?: string | false | undefined;
	/** The field or column that holds the answer that is expected; undefined: none is. */
	readonly expect?: string | undefined;
	/**
	 * Rows are data, as those of a table or under a template: a field called `temperature` or `model` is one like any
	 * other and sets nothing.
	 */
	readonly fieldsAreData?: boolean;
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

const ownFields = new Set(["messages", "system", "model", "parameters", "attachments"]);
const bodyFields = new Set(["model", "messages", "stream", "stream_options"]);
const none: ReadonlySet<string> = new Set();

/** What rows have been made of so far, by the names of their fields. */
export interface FieldUse {
	/** Rows whose id is one of theirs, and rows that are known by their number. */
	ids: number;
	numbers: number;
	/** Rows whose prompt is a field or a template, and rows that bring messages. */
	prompts: number;
	messages: number;
	/** Fields that set a parameter, a model or a system text. */
	readonly parameters: Set<string>;
	/** Fields that would set one if rows were not data. */
	readonly unused: Set<string>;
}

/** Turns rows as they were read into requests. */
export class RowBuilder {
	readonly #options: RowOptions;
	readonly use: FieldUse = {
		ids: 0,
		numbers: 0,
		prompts: 0,
		messages: 0,
		parameters: new Set(),
		unused: new Set(),
	};

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
		const { template, column, id: idField, fieldsAreData = false, attachments } = this.#options;
		const reader = new ParameterReader();
		let metadata: Record<string, unknown> | undefined;
		for (const name of Object.keys(fields)) {
			const isPrompt = name === column && template === undefined;
			if (isPrompt || name === (idField ?? "id")) continue;
			const sets = name !== column && (ownFields.has(name) || isParameter(name));
			// Whoever permits files means the column that names them.
			if (sets && (!fieldsAreData || (name === "attachments" && attachments !== undefined))) {
				if (isParameter(name)) reader.take(name, fields[name]);
				if (isFilled(fields[name]) && name !== "messages") this.use.parameters.add(name);
				continue;
			}
			if (sets && isFilled(fields[name])) this.use.unused.add(name);
			// Without a prototype, so that a field called __proto__ is one like any other.
			metadata ??= Object.create(null) as Record<string, unknown>;
			metadata[name] = fields[name];
		}
		const own = fieldsAreData ? {} : fields;
		const { parameters } = own;
		if (isObject(parameters)) reader.takeAll(parameters, none);
		else if (isSet(parameters))
			throw new RowProblem(`"parameters" must be an object, not ${describe(parameters)}`);
		const ownSystem = optionalText(own.system, "system");
		const attached = fieldsAreData && attachments === undefined ? [] : this.#attach(fields.attachments);
		const id = this.#idOf(raw, fields);
		if (isSet(own.messages)) {
			if (template !== undefined)
				throw new RowProblem('the row has "messages", to which a template cannot apply');
			if (attached.length > 0)
				throw new RowProblem('"attachments" go with a prompt; put parts into "messages"');
			const messages = this.#withSystem(own.messages, ownSystem);
			this.use.messages += 1;
			return this.#finish(raw, id, fields, own.model, reader, metadata, messages);
		}
		const input = template === undefined ? readPrompt(fields, column) : template(fields);
		if (input.trim() === "" && attached.length === 0) throw new RowProblem("the prompt is empty");
		const filled = this.#options.preset?.(input, textsOf(fields));
		const text = filled?.prompt ?? input;
		const system = ownSystem ?? this.#options.system ?? filled?.system;
		const content = attached.length === 0 ? text : [...attached, { type: "text" as const, text }];
		this.use.prompts += 1;
		const messages: Message[] = [{ role: "user", content }];
		if (system !== undefined) messages.unshift({ role: "system", content: system });
		const row = this.#finish(raw, id, fields, own.model, reader, metadata, messages);
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
		this.use.messages += 1;
		const { id: idField } = this.#options;
		const id = idField === undefined ? readId(custom_id, raw.number) : this.#idOf(raw, fields);
		if (idField === undefined) this.use.ids += 1;
		return this.#finish(raw, id, fields, body.model, reader, extra, messages);
	}

	#idOf(raw: RawRow, fields: Readonly<Record<string, unknown>>): string {
		const { id: name } = this.#options;
		const value = name === false ? undefined : fields[name ?? "id"];
		if (typeof name === "string" && !isSet(value)) throw missingField(name, fields, "--id");
		if (isSet(value)) this.use.ids += 1;
		else this.use.numbers += 1;
		return readId(value, raw.number);
	}

	#finish(
		raw: RawRow,
		id: string,
		fields: Readonly<Record<string, unknown>>,
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
			expected: this.#expectedOf(fields),
			metadata,
		};
	}

	#expectedOf(fields: Readonly<Record<string, unknown>>): unknown {
		const { expect } = this.#options;
		if (expect === undefined) return undefined;
		const value = fields[expect];
		if (value === undefined) throw missingField(expect, fields, "--expect");
		return isFilled(value) ? value : undefined;
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
	if (value === undefined) throw missingPrompt(column, fields);
	throw new RowProblem(`"${column}" must be a text, not ${describe(value)}`);
}
