import { attachmentPart } from "../content/attachments.ts";
import { toMessages } from "../content/messages.ts";
import { LlmxError } from "../errors.ts";
import type { Parameters } from "../parameters/table.ts";
import { describeValue } from "../parameters/values.ts";
import type { ContentPart, Message } from "../types.ts";
import type { AttachmentFolder } from "./attachment-folder.ts";
import { FieldUse } from "./field-use.ts";
import type { RawRow } from "./input.ts";
import { isFilled, isObject, isSet, numberText } from "./json.ts";
import { isLink, linkedImage } from "./linked-image.ts";
import { missingField, missingPrompt } from "./missing-field.ts";
import { ParameterReader, RowProblem, setsParameter } from "./parameters.ts";
import type { CompiledPreset } from "./presets.ts";
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
	readonly preset: Pick<CompiledPreset, "names" | "fill"> | undefined;
	/** Values of variables that rows need not have, and that win over theirs. */
	readonly variables?: Readonly<Record<string, string>> | undefined;
	/** For rows that bring no system text. */
	readonly system: string | undefined;
	/** For rows that do not set them. */
	readonly parameters: Parameters;
	readonly n: number;
	/** Where rows may attach files from; undefined: they may not. */
	readonly attachments: AttachmentFolder | undefined;
	/** Called with a field that looks like a parameter and is not taken as one; `line` is the row's. */
	readonly onWarning?: ((warning: { readonly line: number; readonly text: string }) => void) | undefined;
}

const ownFields = new Set(["messages", "system", "model", "parameters", "attachments"]);
const bodyFields = new Set(["model", "messages", "stream", "stream_options"]);
const none: ReadonlySet<string> = new Set();
/** A file of odd names must not fill the terminal. */
const mostWarnings = 20;

/** Turns rows as they were read into requests. */
export class RowBuilder {
	readonly #options: RowOptions;
	/** Of rows that have no parameters of their own: one object, which says that they are the same. */
	readonly #shared: Parameters;
	readonly use = new FieldUse();

	readonly #warned = new Set<string>();
	/** Fields that the template or the preset asks for: they are data. */
	readonly #filledIn: ReadonlySet<string>;

	constructor(options: RowOptions) {
		this.#options = options;
		this.#shared = Object.freeze({ ...options.parameters });
		this.#filledIn = new Set([...(options.template?.names ?? []), ...(options.preset?.names ?? [])]);
	}

	/** @throws RowProblem when the row cannot be sent as it is */
	build(raw: RawRow): BatchRow {
		try {
			const { value } = raw;
			if (typeof value === "string") return this.#fromFields(raw, { [this.#options.column]: value });
			if (!isObject(value))
				throw new RowProblem(`a row must be a string or an object, not ${describeValue(value)}`);
			if (isObject(value.body) && value.custom_id !== undefined)
				return this.#fromOpenAi(raw, value, value.body);
			return this.#fromFields(raw, value);
		} catch (error) {
			if (error instanceof RowProblem) throw error;
			if (error instanceof MissingVariableError) throw new RowProblem(error.message);
			if (error instanceof LlmxError)
				throw new RowProblem(error.hint ? `${error.message}; ${error.hint}` : error.message);
			throw error;
		}
	}

	#fromFields(raw: RawRow, fields: Readonly<Record<string, unknown>>): BatchRow {
		const { template, variables, column, id: idField, fieldsAreData = false, attachments } = this.#options;
		const reader = this.#reader(raw);
		let metadata: Record<string, unknown> | undefined;
		for (const name of Object.keys(fields)) {
			const isPrompt = name === column && template === undefined;
			if (isPrompt || name === (idField ?? "id")) continue;
			if (name !== column && this.#takes(name, fields[name], reader)) continue;
			// Without a prototype, so that a field called __proto__ is one like any other.
			metadata ??= Object.create(null) as Record<string, unknown>;
			metadata[name] = fields[name];
		}
		const own = fieldsAreData ? {} : fields;
		const { parameters } = own;
		if (isObject(parameters)) reader.takeAll(parameters, none);
		else if (isSet(parameters))
			throw new RowProblem(`"parameters" must be an object, not ${describeValue(parameters)}`);
		const ownSystem = optionalText(own.system, "system");
		const attached = fieldsAreData && attachments === undefined ? [] : this.#attach(fields.attachments);
		const id = this.#idOf(raw, fields);
		if (isSet(own.messages)) {
			if (template !== undefined)
				throw new RowProblem('a template cannot be applied to a row with "messages"');
			if (attached.length > 0)
				throw new RowProblem('"attachments" need a prompt; with "messages", add them as parts');
			const messages = this.#withSystem(own.messages, ownSystem);
			this.use.messages += 1;
			return this.#finish(raw, id, fields, own.model, reader, metadata, messages);
		}
		const values = variables === undefined ? fields : { ...fields, ...variables };
		const input = template === undefined ? readPrompt(fields, column) : template.fill(values);
		if (input.trim() === "" && attached.length === 0) throw new RowProblem("the prompt is empty");
		const filled = this.#options.preset?.fill(input, values);
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

	/** Takes a field that is part of the request; false for one of the user's own data. */
	#takes(name: string, value: unknown, reader: ParameterReader): boolean {
		const { fieldsAreData = false, attachments } = this.#options;
		const isOwn = ownFields.has(name);
		// Whoever permits files means the column that names them.
		if (fieldsAreData && !(name === "attachments" && attachments !== undefined)) {
			if (isFilled(value) && (isOwn || setsParameter(name, value))) this.use.unused.add(name);
			return false;
		}
		if (!isOwn && !reader.takeField(name, value, this.#filledIn.has(name))) return false;
		if (isFilled(value) && name !== "messages") this.use.parameters.add(name);
		return true;
	}

	/** Collects a row's parameters. A field is warned of once in a file, where it is first met. */
	#reader({ line }: RawRow): ParameterReader {
		return new ParameterReader((name, text) => {
			if (this.#warned.has(name) || this.#warned.size >= mostWarnings) return;
			this.#warned.add(name);
			this.#options.onWarning?.({ line, text });
		});
	}

	/** A line of OpenAI's Batch API: `{custom_id, method, url, body}`. */
	#fromOpenAi(
		raw: RawRow,
		fields: Readonly<Record<string, unknown>>,
		body: Readonly<Record<string, unknown>>,
	): BatchRow {
		const { custom_id, url } = fields;
		if (this.#options.template !== undefined || this.#options.preset !== undefined)
			throw new RowProblem("a template or preset cannot be applied to an OpenAI Batch line");
		if (isSet(url) && !(typeof url === "string" && /\/chat\/completions$/.test(url)))
			throw new RowProblem(`only /v1/chat/completions lines can be sent, not ${describeValue(url)}`);
		if (body.stream === true) throw new RowProblem('streaming is not supported in a batch; remove "stream"');
		const reader = this.#reader(raw);
		reader.takeAll(body, bodyFields);
		const metadata: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
		for (const name of Object.keys(fields))
			if (!["custom_id", "method", "url", "body"].includes(name)) metadata[name] = fields[name];
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
			parameters: Object.keys(parameters).length === 0 ? this.#shared : { ...this.#shared, ...parameters },
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
		if (!Array.isArray(value)) throw new RowProblem(`"messages" must be a list, not ${describeValue(value)}`);
		if (value.length === 0) throw new RowProblem('"messages" is empty');
		const messages = toMessages(value);
		const hasSystem = messages.some(({ role }) => role === "system");
		if (hasSystem && own !== undefined)
			throw new RowProblem('both "system" and "messages" contain a system prompt');
		const system = own ?? (hasSystem ? undefined : this.#options.system);
		return system === undefined ? messages : [{ role: "system", content: system }, ...messages];
	}

	#attach(value: unknown): readonly ContentPart[] {
		if (!isSet(value) || value === "") return [];
		const sources = typeof value === "string" ? [value] : value;
		if (!Array.isArray(sources) || !sources.every((source) => typeof source === "string"))
			throw new RowProblem(
				`"attachments" must be a path, a URL or a list of them, not ${describeValue(value)}`,
			);
		return sources.map((source) => {
			if (isLink(source)) return linkedImage(source);
			if (this.#options.attachments === undefined)
				throw new RowProblem(
					`the row attaches the file ${describeValue(source)}; allow it with --allow-files DIR`,
				);
			return attachmentPart(source, this.#options.attachments.read(source));
		});
	}
}

function optionalText(value: unknown, name: string): string | undefined {
	if (!isSet(value) || value === "") return undefined;
	if (typeof value !== "string")
		throw new RowProblem(`"${name}" must be a string, not ${describeValue(value)}`);
	return value;
}

function readPrompt(fields: Readonly<Record<string, unknown>>, column: string): string {
	const value = fields[column];
	if (typeof value === "string") return value;
	const number = numberText(value);
	if (number !== undefined) return number;
	if (value === undefined) throw missingPrompt(column, fields);
	throw new RowProblem(`"${column}" must be a string, not ${describeValue(value)}`);
}
