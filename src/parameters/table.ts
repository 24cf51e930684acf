import { reasoningEfforts } from "../types.ts";
import { choice, integer, number, responseFormat, strings, type ValueKind } from "./values.ts";

/** The language a provider speaks on the wire; each has one adapter. */
export type WireFormat = "openai" | "responses" | "gemini" | "anthropic";

/** A form of its own, which the wire's request builder writes. */
export const shaped = Symbol("shaped");

/** The field of the request body that holds a parameter as it is. */
export type WireField = string | typeof shaped;

/** One parameter: everything about it but what a wire makes of it where that is `shaped`. */
export interface ParameterRow<Value> {
	/** Its name in rows, `/set`, the config and messages. */
	readonly name: string;
	/** Other tools' words for exactly this: where they stand, it is meant. */
	readonly alsoCalled: readonly string[];
	/** Words that may mean this or something else: of one in a row the user is told. */
	readonly lookalikes: readonly string[];
	/** Commander's: the option, and what stands for its value. */
	readonly flag: string;
	/** One line of help. */
	readonly help: string;
	readonly accepts: ValueKind<Value>;
	/** How each wire calls it; a wire that is not named has nothing of the kind, and its providers refuse it. */
	readonly wires: Readonly<Partial<Record<WireFormat, WireField>>>;
}

type RowInput<Value> = Omit<ParameterRow<Value>, "alsoCalled" | "lookalikes"> &
	Partial<Pick<ParameterRow<Value>, "alsoCalled" | "lookalikes">>;

function row<Value>(input: RowInput<Value>): ParameterRow<Value> {
	return { alsoCalled: [], lookalikes: [], ...input };
}

/** The same form of its own on every wire. */
const shapedEverywhere: ParameterRow<unknown>["wires"] = {
	openai: shaped,
	responses: shaped,
	anthropic: shaped,
	gemini: shaped,
};

/**
 * What shapes an answer, a row each, in the order of help. The flags of `ask`, `chat` and `batch`, the fields of rows,
 * `/set`, the config and its presets, the cache key, request bodies and refusals are all made from this table.
 */
export const parameters = {
	/** How freely the model chooses its words; 0 gives the most likely answer. */
	temperature: row({
		name: "temperature",
		lookalikes: ["temp"],
		flag: "--temperature <number>",
		help: "sampling temperature; 0 gives the most likely answer",
		accepts: number(0, 2),
		wires: {
			openai: "temperature",
			responses: "temperature",
			anthropic: "temperature",
			gemini: "temperature",
		},
	}),
	/** Upper bound of the answer in tokens, reasoning included where the provider counts it so. */
	maxTokens: row({
		name: "max_tokens",
		alsoCalled: [
			"max_completion_tokens",
			"max_output_tokens",
			"max_new_tokens",
			"max_tokens_to_sample",
			"num_predict",
			"n_predict",
		],
		flag: "--max-tokens <tokens>",
		help: "maximum length of the answer in tokens",
		accepts: integer(1),
		// OpenAI's newer models call it otherwise: see `maxTokensField` of a provider.
		wires: {
			openai: "max_tokens",
			responses: "max_output_tokens",
			anthropic: "max_tokens",
			gemini: "maxOutputTokens",
		},
	}),
	/** Nucleus sampling: the share of probability, from 0 to 1, that the next token is drawn from. */
	topP: row({
		name: "top_p",
		flag: "--top-p <number>",
		help: "nucleus sampling: only the most likely tokens, up to this total probability",
		accepts: number(0, 1),
		wires: { openai: "top_p", responses: "top_p", anthropic: "top_p", gemini: "topP" },
	}),
	/** How many of the likeliest tokens the next one is drawn from. */
	topK: row({
		name: "top_k",
		flag: "--top-k <count>",
		help: "sample from this many of the most likely tokens",
		accepts: integer(0),
		wires: { openai: "top_k", anthropic: "top_k", gemini: "topK" },
	}),
	/** Texts before which the answer ends. */
	stop: row({
		name: "stop",
		alsoCalled: ["stop_sequences", "stop_strings"],
		lookalikes: ["stop_words", "stop_sequence"],
		flag: "--stop <text>",
		help: "stop before this text (repeatable)",
		accepts: strings,
		wires: { openai: "stop", anthropic: "stop_sequences", gemini: "stopSequences" },
	}),
	/** The same seed gives the same answer, as far as the provider can. */
	seed: row({
		name: "seed",
		alsoCalled: ["random_seed"],
		flag: "--seed <integer>",
		help: "seed for reproducible answers, where the provider supports it",
		accepts: integer(),
		// Mistral calls it otherwise: see `seedField` of a provider.
		wires: { openai: "seed", gemini: "seed" },
	}),
	/** Above 0 the model is kept from what it has already mentioned. */
	presencePenalty: row({
		name: "presence_penalty",
		flag: "--presence-penalty <number>",
		help: "penalize tokens that have already been used",
		accepts: number(-2, 2),
		wires: { openai: "presence_penalty", gemini: "presencePenalty" },
	}),
	/** Above 0 the model is kept from repeating itself, the more the more often it does. */
	frequencyPenalty: row({
		name: "frequency_penalty",
		flag: "--frequency-penalty <number>",
		help: "penalize tokens by how often they have been used",
		accepts: number(-2, 2),
		wires: { openai: "frequency_penalty", gemini: "frequencyPenalty" },
	}),
	/** How hard a reasoning model thinks; `none` switches it off where the model allows that. */
	reasoningEffort: row({
		name: "reasoning_effort",
		alsoCalled: ["effort"],
		lookalikes: ["thinking_effort", "thinking_level", "reasoning_level"],
		flag: "--effort <level>",
		help: "how much effort a reasoning model puts into thinking",
		accepts: choice(reasoningEfforts),
		wires: shapedEverywhere,
	}),
	/** Tokens that a model may spend on thinking; 0 switches it off where the model allows that. */
	thinkingBudget: row({
		name: "thinking_budget",
		alsoCalled: ["budget_tokens", "thinking_budget_tokens"],
		flag: "--thinking-budget <tokens>",
		help: "thinking budget in tokens; 0 turns thinking off",
		accepts: integer(0),
		wires: shapedEverywhere,
	}),
	/** JSON, or JSON that satisfies a schema. */
	responseFormat: row({
		name: "response_format",
		alsoCalled: ["response_schema", "response_json_schema"],
		lookalikes: ["schema", "json_schema", "output_schema"],
		flag: "--schema <file|json>",
		help: "JSON Schema that the answer must match",
		accepts: responseFormat,
		wires: shapedEverywhere,
	}),
};

type Table = typeof parameters;

/** llmx's own name of a parameter: `maxTokens`. */
export type ParameterKey = keyof Table;

type Shaping = {
	readonly [Key in ParameterKey]?: (Table[Key] extends ParameterRow<infer Value> ? Value : never) | undefined;
};

/** What shapes an answer, in llmx's own names; each adapter translates it or refuses it before sending. */
export interface Parameters extends Shaping {
	/** Raw fields merged into the provider's request body as they are (`-p key=value`). */
	readonly extra?: Readonly<Record<string, unknown>> | undefined;
}

/** Every key, in the order of the table. */
export const parameterKeys = Object.keys(parameters) as readonly ParameterKey[];

/** Their names in files, in the order of the table. */
export const parameterNames: readonly string[] = parameterKeys.map((key) => parameters[key].name);

/** A parameter's row when only what every row has is wanted. */
export function rowOf(key: ParameterKey): ParameterRow<unknown> {
	return parameters[key];
}
