import { toMessages } from "../content/messages.ts";
import type { CallOptions, ChatInput, GenerateOptions, GenerateRow } from "../options.ts";
import type { Message, Parameters } from "../types.ts";

/** What to ask: a history, or a prompt with a system text, which the cache keeps apart. */
export interface Question {
	readonly messages: readonly Message[];
	/** Set when the question is one prompt of `generate`: its cache key has a shape of its own. */
	readonly prompt?: { readonly text: string; readonly system: string | undefined } | undefined;
	readonly parameters: Parameters;
	/** How many answers. */
	readonly n: number;
}

/** A record, so that a parameter forgotten here does not compile. */
const isParameter: Readonly<Record<keyof Parameters, true>> = {
	temperature: true,
	maxTokens: true,
	topP: true,
	topK: true,
	stop: true,
	seed: true,
	presencePenalty: true,
	frequencyPenalty: true,
	responseFormat: true,
	reasoningEffort: true,
	thinkingBudget: true,
	extra: true,
};
const parameterNames = Object.keys(isParameter) as (keyof Parameters)[];

/** What shapes the answer, and nothing else of the options: all of it goes into the cache key. */
function pickParameters(options: Parameters): Parameters {
	const picked: Record<string, unknown> = {};
	for (const name of parameterNames) {
		if (options[name] !== undefined) picked[name] = options[name];
	}
	return picked;
}

/** The question of a chat. */
export function toQuestion(messages: ChatInput, options: CallOptions): Question {
	return {
		messages: toMessages(messages),
		prompt: undefined,
		parameters: pickParameters(options),
		n: options.n ?? 1,
	};
}

/** Makes the questions of many rows with the same options; a row's own settings win. */
export function questionMaker(options: GenerateOptions): (row: GenerateRow) => Question {
	const common = pickParameters(options);
	return (row) => {
		const system = row.system ?? options.systemPrompt;
		const messages: Message[] = system === undefined ? [] : [{ role: "system", content: system }];
		if (row.messages) messages.push(...toMessages(row.messages));
		else messages.push({ role: "user", content: row.prompt ?? "" });
		return {
			messages,
			prompt: row.messages ? undefined : { text: row.prompt ?? "", system },
			parameters: row.parameters ? { ...common, ...pickParameters(row.parameters) } : common,
			n: row.n ?? options.n ?? 1,
		};
	};
}
