import { toMessages } from "../content/messages.ts";
import { UsageError } from "../errors.ts";
import type { AskOptions, CallOptions, ChatInput, GenerateOptions, GenerateRow } from "../options.ts";
import { findMisspelt, findParameter } from "../parameters/names.ts";
import { type Parameters, parameterKeys, parameters, rowOf } from "../parameters/table.ts";
import { refusal } from "../parameters/values.ts";
import type { Message } from "../types.ts";

/** What to ask: a history, or a prompt with a system text, which the cache keeps apart. */
export interface Question {
	readonly messages: readonly Message[];
	/** Set when the question is one prompt of `generate`: its cache key has a shape of its own. */
	readonly prompt?: { readonly text: string; readonly system: string | undefined } | undefined;
	readonly parameters: Parameters;
	/** How many answers. */
	readonly n: number;
}

/**
 * What shapes the answer, and nothing else of the options: all of it goes into the cache key.
 * @throws UsageError for a value that a parameter cannot have, and for a parameter under a name that is not llmx's
 */
function pickParameters(options: Parameters): Parameters {
	const picked: Record<string, unknown> = {};
	for (const key of parameterKeys) {
		const value = options[key];
		if (value === undefined) continue;
		const { accepts } = rowOf(key);
		const read = accepts.read(value);
		if (read === null) throw new UsageError(refusal(key, accepts, value));
		if (read !== undefined) picked[key] = read;
	}
	for (const name of Object.keys(options)) refuseMisspelling(name);
	if (options.extra !== undefined) picked.extra = options.extra;
	return picked;
}

/** TypeScript sees `max_tokens` and `temprature`; in JavaScript they would be sent nowhere, without a word. */
function refuseMisspelling(name: string): void {
	if (Object.hasOwn(parameters, name) || otherOptions.has(name)) return;
	const key = findParameter(name)?.key ?? findMisspelt(name);
	if (key === undefined) return;
	throw new UsageError(`unknown option "${name}"`, { hint: `did you mean "${key}"?` });
}

/** No parameter is mistaken for one of these, however a parameter to come is called. */
const otherOptions: ReadonlySet<string> = new Set<keyof GenerateOptions | keyof AskOptions>([
	"cache",
	"signal",
	"n",
	"onRetry",
	"systemPrompt",
	"streamed",
	"continues",
	"onPart",
	"onRestart",
	"extra",
]);

/** What an answer is of whose question is not at hand. It is in no cache. */
export function unknownQuestion(n: number): Question {
	return { messages: [], prompt: undefined, parameters: {}, n };
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
	let lastGiven: Parameters | undefined;
	let last = common;
	/** Rows that share parameters, which nobody can change any more, share what is made of them. */
	const parametersOf = (given: Parameters): Parameters => {
		if (given !== lastGiven || !Object.isFrozen(given)) {
			last = { ...common, ...pickParameters(given) };
			lastGiven = given;
		}
		return last;
	};
	return (row) => {
		const system = row.system ?? options.systemPrompt;
		const messages: Message[] = system === undefined ? [] : [{ role: "system", content: system }];
		if (row.messages) messages.push(...toMessages(row.messages));
		else messages.push({ role: "user", content: row.prompt ?? "" });
		return {
			messages,
			prompt: row.messages ? undefined : { text: row.prompt ?? "", system },
			parameters: row.parameters ? parametersOf(row.parameters) : common,
			n: row.n ?? options.n ?? 1,
		};
	};
}
