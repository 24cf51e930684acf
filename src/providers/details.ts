import type { AnswerDetails, ResponseInfo, ToolCall } from "../types.ts";
import { isObject, parseJson } from "./error-body.ts";

type Json = Record<string, unknown>;

interface OpenCall {
	id: string;
	name: string;
	arguments: string;
	extra: unknown;
}

/** Gathers what an answer holds besides its text, from a whole message or from the pieces of a stream. */
export class DetailCollector {
	/** Calls by their place in the answer. */
	#calls: Map<number, OpenCall> | undefined;
	#refusal = "";
	#annotations: unknown[] = [];
	#logprobs: Json | undefined;
	#audio: Json | undefined;
	readonly #images: unknown[] = [];
	readonly #parts: unknown[] = [];

	get hasToolCalls(): boolean {
		return this.#calls !== undefined;
	}

	/** Undefined where there is nothing but text. */
	get details(): AnswerDetails | undefined {
		if (this.#isEmpty) return undefined;
		const calls = [...(this.#calls ?? [])]
			.toSorted(([one], [other]) => one - other)
			.map(([, call]) => toToolCall(call));
		return {
			...(calls.length > 0 && { toolCalls: calls }),
			...(this.#refusal !== "" && { refusal: this.#refusal }),
			...(this.#annotations.length > 0 && { annotations: this.#annotations }),
			...(this.#logprobs !== undefined && { logprobs: this.#logprobs }),
			...(this.#audio !== undefined && { audio: this.#audio }),
			...(this.#images.length > 0 && { images: this.#images }),
			...(this.#parts.length > 0 && { parts: this.#parts }),
		};
	}

	get #isEmpty(): boolean {
		return (
			this.#calls === undefined &&
			this.#refusal === "" &&
			this.#logprobs === undefined &&
			this.#audio === undefined &&
			this.#annotations.length + this.#images.length + this.#parts.length === 0
		);
	}

	/** A message of the OpenAI wire, or a delta of one. */
	addMessage(message: unknown): void {
		if (!isObject(message)) return;
		const { tool_calls: calls, function_call: single, annotations, audio, images, refusal } = message;
		if (Array.isArray(calls)) for (const [place, call] of calls.entries()) this.#addCallPiece(call, place);
		else if (isObject(single)) this.#addCallPiece({ function: single }, 0);
		if (typeof refusal === "string") this.#refusal += refusal;
		if (Array.isArray(annotations)) this.#annotations.push(...annotations);
		if (Array.isArray(images)) this.#images.push(...images);
		if (isObject(audio)) this.#audio = joined(this.#audio, audio);
	}

	/** `logprobs` of a choice of the OpenAI wire, whole or in pieces. */
	addLogprobs(logprobs: unknown): void {
		if (isObject(logprobs)) this.#logprobs = joined(this.#logprobs, logprobs);
	}

	/** Sources that stand beside the answer, as Perplexity's `citations`; each event of a stream repeats them. */
	setCitations(citations: unknown): void {
		if (!Array.isArray(citations) || citations.length === 0) return;
		this.#annotations = citations.map((source) =>
			typeof source === "string" ? { type: "url_citation", url_citation: { url: source } } : source,
		);
	}

	addAnnotations(annotations: readonly unknown[]): void {
		this.#annotations.push(...annotations);
	}

	/** A call whose arguments are there, or come in `addArguments`. */
	addCall(place: number, call: { id: string; name: string; arguments: string; extra?: unknown }): void {
		this.#callsSoFar.set(place, { extra: undefined, ...call });
	}

	addArguments(place: number, piece: string): void {
		const call = this.#calls?.get(place);
		if (call !== undefined) call.arguments += piece;
	}

	/** Whatever else the answer holds, as it came. */
	addPart(part: unknown): void {
		this.#parts.push(part);
	}

	/** Most answers call nothing. */
	get #callsSoFar(): Map<number, OpenCall> {
		this.#calls ??= new Map();
		return this.#calls;
	}

	#addCallPiece(piece: unknown, place: number): void {
		if (!isObject(piece)) return;
		const at = typeof piece.index === "number" ? piece.index : place;
		const call = this.#callsSoFar.get(at) ?? { id: "", name: "", arguments: "", extra: undefined };
		this.#callsSoFar.set(at, call);
		const called = isObject(piece.function) ? piece.function : isObject(piece.custom) ? piece.custom : {};
		if (typeof piece.id === "string" && piece.id !== "") call.id = piece.id;
		if (typeof called.name === "string" && called.name !== "") call.name = called.name;
		const given = called.arguments ?? called.input;
		if (typeof given === "string") call.arguments += given;
		else if (isObject(given)) call.arguments = JSON.stringify(given);
		if (piece.extra_content !== undefined) call.extra = piece.extra_content;
	}
}

function toToolCall({ id, name, arguments: given, extra }: OpenCall): ToolCall {
	const call = { id, type: "function" as const, function: { name, arguments: given === "" ? "{}" : given } };
	return extra === undefined ? call : { ...call, extra_content: extra };
}

/** Two pieces of one object: texts of the same name are put together, and so are lists; of the rest the last counts. */
function joined(before: Json | undefined, piece: Json): Json {
	const whole: Json = { ...before };
	for (const [name, value] of Object.entries(piece)) {
		const old = whole[name];
		if (Array.isArray(old) && Array.isArray(value)) whole[name] = [...old, ...value];
		else if (typeof old === "string" && typeof value === "string" && name !== "id") whole[name] = old + value;
		else if (value !== null || old === undefined) whole[name] = value;
	}
	return whole;
}

/** What a payload of the OpenAI wire says of the response itself; undefined when it says nothing. */
export function openAiResponse(payload: Json): ResponseInfo | undefined {
	const { id, model, created, service_tier, speed, system_fingerprint } = payload;
	const info: { -readonly [Field in keyof ResponseInfo]: ResponseInfo[Field] } = {};
	if (typeof id === "string" && id !== "") info.id = id;
	if (typeof model === "string" && model !== "") info.model = model;
	if (typeof created === "number" && created > 0) info.created = created;
	if (typeof service_tier === "string") info.serviceTier = service_tier;
	if (typeof speed === "string") info.speed = speed;
	if (typeof system_fingerprint === "string") info.systemFingerprint = system_fingerprint;
	for (const _ in info) return info;
	return undefined;
}

/** The arguments of a call as an object; undefined where they are not a JSON object. */
export function argumentsOf({ function: { arguments: given } }: ToolCall): Json | undefined {
	if (given.trim() === "") return {};
	const parsed = parseJson(given);
	return isObject(parsed) ? parsed : undefined;
}
