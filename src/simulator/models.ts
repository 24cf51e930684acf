import type { Random } from "./random.ts";
import type { SimulatedRequest } from "./request.ts";
import { hostileText, markdownSample, unicodeSample } from "./samples.ts";
import { schemaInstance } from "./schema-instance.ts";

/** One model of the simulator. */
export interface SimulatedModel {
	/** The id, or the shape of a family of ids such as `words-N`. */
	readonly id: string;
	readonly does: string;
	readonly contextWindow: number;
}

export const simulatedModels: readonly SimulatedModel[] = [
	{ id: "echo", does: "answers the last user text exactly", contextWindow: 1_000_000 },
	{
		id: "words-N",
		does: "answers N words, always the same (with n > 1, different ones for each answer)",
		contextWindow: 128_000,
	},
	{ id: "slow", does: "echo, 500 ms to the first token, then 20 tokens a second", contextWindow: 128_000 },
	{
		id: "reason",
		does: "thinks first, then echo; reasoning in the wire's own field",
		contextWindow: 128_000,
	},
	{
		id: "reason-field",
		does: "the same in `reasoning` (OpenRouter, Cerebras, Groq)",
		contextWindow: 128_000,
	},
	{ id: "reason-think", does: "the same as a <think> block inside the text", contextWindow: 128_000 },
	{
		id: "json",
		does: "a JSON object about the prompt, or an instance of the schema asked for",
		contextWindow: 128_000,
	},
	{ id: "markdown", does: "a rich markdown sample", contextWindow: 128_000 },
	{ id: "unicode", does: "emoji, combining marks, CJK, right-to-left text", contextWindow: 128_000 },
	{
		id: "hostile",
		does: "terminal control sequences meant to do harm when printed raw",
		contextWindow: 128_000,
	},
	{ id: "history", does: "the conversation as the server saw it, as JSON", contextWindow: 128_000 },
	{ id: "request", does: "the request body as the server saw it, as JSON", contextWindow: 128_000 },
	{
		id: "fault:NAME",
		does: "every request meets the fault NAME (see the fault table)",
		contextWindow: 128_000,
	},
];

/** Tokens of a prompt that a server keeps and reads again, as Anthropic bills them. */
export interface KeptTokens {
	readonly read: number;
	readonly written: number;
}

/** One answer before it takes a wire's form. */
export interface SimulatedChoice {
	readonly text: string;
	readonly reasoning: string;
	readonly finish: "stop" | "length";
}

export interface SimulatedAnswer {
	readonly choices: readonly SimulatedChoice[];
	readonly reasoningForm: "native" | "field" | "think";
	readonly inputTokens: number;
	/** Reasoning included. */
	readonly outputTokens: number;
	readonly reasoningTokens: number;
	/** Of the input tokens, those that the server had kept, and those that it keeps from now on. */
	readonly kept?: KeptTokens | undefined;
	/** Set by models with a pace of their own. */
	readonly pace: AnswerPace | undefined;
}

export interface AnswerPace {
	readonly firstTokenMs: number;
	readonly tokensPerSecond: number;
}

/** The simulator's token rule: UTF-8 bytes divided by 4, rounded up. */
export function countTokens(text: string): number {
	return Math.ceil(Buffer.byteLength(text) / 4);
}

/** What one image, document or sound counts, whatever its size. */
const attachmentTokens = 256;

const slowPace: AnswerPace = { firstTokenMs: 500, tokensPerSecond: 20 };

/** Answers as the request's model does. Unknown ids echo, so that any real model name can point here. */
export function answerOf(request: SimulatedRequest): SimulatedAnswer {
	const { model, n } = request;
	const reasons = model.startsWith("reason") && (request.wantsReasoning || model !== "reason");
	const reasoning = reasons ? reasoningFor(request.prompt) : "";
	const choices: SimulatedChoice[] = [];
	let outputTokens = 0;
	let reasoningTokens = 0;
	for (let index = 0; index < n; index++) {
		const choice = limit(request, textFor(request, index), reasoning);
		const spent = reasoning === "" ? 0 : countTokens(choice.reasoning);
		reasoningTokens += spent;
		outputTokens += spent + countTokens(choice.text);
		choices.push(choice);
	}
	return {
		choices,
		reasoningForm: model === "reason-think" ? "think" : model === "reason-field" ? "field" : "native",
		inputTokens: inputTokensOf(request),
		outputTokens,
		reasoningTokens,
		pace: model === "slow" ? slowPace : undefined,
	};
}

function inputTokensOf(request: SimulatedRequest): number {
	let tokens = 0;
	for (const turn of request.turns) tokens += countTokens(turn.text) + turn.attachments * attachmentTokens;
	return tokens;
}

function textFor(request: SimulatedRequest, index: number): string {
	const { format, model } = request;
	if (typeof format === "object") return JSON.stringify(schemaInstance(format.schema));
	if (format === "json" || model === "json")
		return JSON.stringify({
			prompt: request.prompt,
			words: request.prompt.split(/\s+/).filter(Boolean).length,
			ok: true,
		});
	const count = /^words-(\d{1,7})$/.exec(model);
	if (count !== null) return words(Number(count[1]), index);
	switch (model) {
		case "markdown":
			return markdownSample;
		case "unicode":
			return unicodeSample;
		case "hostile":
			return hostileText;
		case "history":
			return JSON.stringify(request.turns.map(({ role, text }) => ({ role, text })));
		case "request":
			return JSON.stringify(request.body);
		default:
			return request.prompt;
	}
}

/** Applies stop sequences and the token limit, which reasoning uses up first. */
function limit(request: SimulatedRequest, fullText: string, fullReasoning: string): SimulatedChoice {
	let text = fullText;
	for (const stop of request.stop) {
		const at = stop === "" ? -1 : text.indexOf(stop);
		text = at < 0 ? text : text.slice(0, at);
	}
	const { maxTokens } = request;
	if (maxTokens === undefined) return { text, reasoning: fullReasoning, finish: "stop" };
	const reasoning = firstTokens(fullReasoning, maxTokens);
	const kept = firstTokens(text, maxTokens - countTokens(reasoning));
	return {
		text: kept,
		reasoning,
		finish: kept.length < text.length || reasoning.length < fullReasoning.length ? "length" : "stop",
	};
}

function firstTokens(text: string, tokens: number): string {
	if (countTokens(text) <= tokens) return text;
	let bytes = 0;
	let end = 0;
	for (const character of text) {
		bytes += Buffer.byteLength(character);
		if (bytes > tokens * 4) break;
		end += character.length;
	}
	return text.slice(0, end);
}

function reasoningFor(prompt: string): string {
	return `The user wrote ${prompt.length} characters.\nRepeating them exactly is the right answer.\n`;
}

const vocabulary =
	"time year people way day man thing woman life child world school state family student group country problem hand part place case week company system program question work number night point home water room mother area money story fact month lot right study book eye job word business issue side kind head house service friend father power hour game line end member law car city name team minute idea body back parent face level office door health person art war history party result change morning reason research girl guy moment air teacher force".split(
		" ",
	);

function words(count: number, index: number): string {
	const chosen: string[] = [];
	for (let at = 0; at < count; at++)
		chosen.push(
			vocabulary[(at * 7 + Math.floor(at / vocabulary.length) + index * 13) % vocabulary.length] as string,
		);
	return chosen.join(" ");
}

/** Splits text into deltas of about a word, fewer and longer ones for long texts; no surrogate pair is cut. */
export function deltasOf(text: string): string[] {
	const longest = Math.max(1, Math.ceil(text.length / 1_000));
	const deltas: string[] = [];
	let start = 0;
	while (start < text.length) {
		let end = text.indexOf(" ", start + longest);
		end = end < 0 || end > start + longest + 24 ? Math.min(text.length, start + longest + 24) : end;
		const last = text.charCodeAt(end - 1);
		if (last >= 0xd800 && last <= 0xdbff && end < text.length) end++;
		deltas.push(text.slice(start, end));
		start = end;
	}
	return deltas;
}

/** Picks one of the given shares, or undefined for the rest of the probability. */
export function pickByRate<Name extends string>(
	rates: readonly (readonly [Name, number])[],
	random: Random,
): Name | undefined {
	let drawn = random();
	for (const [name, rate] of rates) {
		drawn -= rate;
		if (drawn < 0) return name;
	}
	return undefined;
}
