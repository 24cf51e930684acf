import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { type OwnPrices, type Parameters, type ReasoningEffort, reasoningEfforts } from "../types.ts";
import {
	ConfigProblem,
	fieldsOf,
	flag,
	number,
	optional,
	plainObject,
	type Reader,
	recordOf,
	text,
	webAddress,
	withoutUndefined,
	wrong,
} from "./config-reader.ts";
import { describeFileError } from "./file-errors.ts";
import { type JsonPath, lineInJson } from "./json-lines.ts";
import { readPrices } from "./money/price-config.ts";

/** A named system prompt or prompt template; `{{input}}` stands for what the user types, `{{name}}` for a variable. */
export interface Preset {
	readonly system?: string | undefined;
	readonly prompt?: string | undefined;
	readonly model?: string | undefined;
	/** Values of variables that the caller does not give. */
	readonly variables: Readonly<Record<string, string>>;
	readonly parameters: Parameters;
}

/** A server that the user adds, as the file has it: what `defineProvider` takes. */
export interface UserProvider {
	readonly base_url: string;
	/** The environment variable that holds its key, besides `<ID>_API_KEY`. */
	readonly key_env?: string;
	readonly key_required?: boolean;
	/** Its name in sentences. */
	readonly label?: string;
	/** It charges nothing. */
	readonly local?: boolean;
	readonly default_model?: string;
	/** It charges nothing, though it is not a server of the user's own. */
	readonly free?: boolean;
	/** What its answers say of their cost is what they cost. */
	readonly reports_cost?: boolean;
}

/** USD that may be spent in a calendar day and month. */
export interface Budget {
	readonly daily?: number | undefined;
	readonly monthly?: number | undefined;
}

/** What the config file says, with its defaults filled in. */
export interface Config {
	readonly defaultModel: string | undefined;
	readonly aliases: Readonly<Record<string, string>>;
	/** Parameters of a model, by the model string or alias they are for. */
	readonly models: Readonly<Record<string, Parameters>>;
	readonly presets: Readonly<Record<string, Preset>>;
	readonly providers: Readonly<Record<string, UserProvider>>;
	readonly prices: OwnPrices;
	readonly budget: Budget;
	readonly cache: {
		readonly enabled: boolean;
		/** Older answers are asked for again; undefined: they never get old. */
		readonly maxAgeDays: number | undefined;
	};
}

/**
 * Reads the config file; one that does not exist is empty. Throws ConfigError with file, line and the nearest known
 * name. The checks are by hand because a schema library would cost every command more than its start.
 */
export function loadConfig(path: string): Config {
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR") return parseConfig("{}", path);
		throw new ConfigError(`cannot read the config ${path}: ${describeFileError(error)}`, {
			hint: "move what is there elsewhere, or make it readable",
			cause: error,
		});
	}
	return parseConfig(text, path);
}

/** As `loadConfig`, for a text; `path` is for its messages. */
export function parseConfig(text: string, path: string): Config {
	let value: unknown;
	try {
		value = JSON.parse(text.replace(/^\uFEFF/, ""));
	} catch (error) {
		throw new ConfigError(`${path}:${lineInJson(text)}: this is not JSON`, {
			hint: "check the commas and quotes around that line; comments are not allowed",
			cause: error,
		});
	}
	try {
		return readConfig(value);
	} catch (error) {
		if (!(error instanceof ConfigProblem)) throw error;
		throw new ConfigError(`${path}:${lineInJson(text, error.path)}: ${error.message}`, { hint: error.hint });
	}
}

/** Every field of the config file, in the order in which `config show` prints them. */
export const configFields = [
	"default_model",
	"aliases",
	"models",
	"presets",
	"providers",
	"prices",
	"budget",
	"cache",
] as const;

function readConfig(value: unknown): Config {
	const root = fieldsOf(value, [], configFields);
	const budget = fieldsOf(root.budget ?? {}, ["budget"], ["daily", "monthly"]);
	const cache = fieldsOf(root.cache ?? {}, ["cache"], ["enabled", "max_age_days"]);
	const config: Config = {
		defaultModel: optional(text)(root.default_model, ["default_model"]),
		aliases: recordOf(root.aliases, ["aliases"], text),
		models: recordOf(root.models, ["models"], readParameters),
		presets: recordOf(root.presets, ["presets"], readPreset),
		providers: recordOf(root.providers, ["providers"], readProvider),
		prices: recordOf(root.prices, ["prices"], readPrices),
		budget: {
			daily: optional(number(0))(budget.daily, ["budget", "daily"]),
			monthly: optional(number(0))(budget.monthly, ["budget", "monthly"]),
		},
		cache: {
			enabled: optional(flag)(cache.enabled, ["cache", "enabled"]) ?? true,
			maxAgeDays: optional(number(0))(cache.max_age_days, ["cache", "max_age_days"]),
		},
	};
	for (const name of Object.keys(config.aliases)) checkAlias(name, config.aliases);
	for (const id of Object.keys(config.providers)) {
		if (!/^[a-z0-9][a-z0-9_-]*$/.test(id)) {
			throw new ConfigProblem(["providers", id], `"${id}" cannot name a provider`, "use a-z, 0-9, _ and -");
		}
	}
	return config;
}

/** An alias may name another alias, but not lead back to itself. */
function checkAlias(name: string, aliases: Readonly<Record<string, string>>): void {
	const seen = new Set([name]);
	for (
		let next = aliases[name];
		next !== undefined;
		next = Object.hasOwn(aliases, next) ? aliases[next] : undefined
	) {
		if (seen.has(next))
			throw new ConfigProblem(["aliases", name], `the alias "${name}" leads back to itself`);
		seen.add(next);
	}
}

const effort: Reader<ReasoningEffort> = (value, path) => {
	const known = reasoningEfforts.find((candidate) => candidate === value);
	if (known === undefined) throw wrong(path, `one of ${reasoningEfforts.join(", ")}`, value);
	return known;
};

const stopTexts: Reader<readonly string[]> = (value, path) =>
	Array.isArray(value) ? value.map((item, index) => text(item, [...path, index])) : [text(value, path)];

/** Fields of a model's parameters. */
export const parameterFields = [
	"temperature",
	"max_tokens",
	"top_p",
	"top_k",
	"stop",
	"seed",
	"presence_penalty",
	"frequency_penalty",
	"reasoning_effort",
	"thinking_budget",
	"extra",
] as const;

/** Fields of a preset that is not a mere text. */
export const presetFields = ["system", "prompt", "model", "variables", "parameters"] as const;

/** Fields of a provider. */
export const providerFields = [
	"base_url",
	"key_env",
	"key_required",
	"label",
	"local",
	"default_model",
	"free",
	"reports_cost",
] as const;

function readParameters(value: unknown, path: JsonPath): Parameters {
	const fields = fieldsOf(value, path, parameterFields);
	const at = (name: string): JsonPath => [...path, name];
	const parameters = {
		temperature: optional(number(0))(fields.temperature, at("temperature")),
		maxTokens: optional(number(1, true))(fields.max_tokens, at("max_tokens")),
		topP: optional(number(0))(fields.top_p, at("top_p")),
		topK: optional(number(0, true))(fields.top_k, at("top_k")),
		stop: optional(stopTexts)(fields.stop, at("stop")),
		seed: optional(number(-Infinity, true))(fields.seed, at("seed")),
		presencePenalty: optional(number(-Infinity))(fields.presence_penalty, at("presence_penalty")),
		frequencyPenalty: optional(number(-Infinity))(fields.frequency_penalty, at("frequency_penalty")),
		reasoningEffort: optional(effort)(fields.reasoning_effort, at("reasoning_effort")),
		thinkingBudget: optional(number(0, true))(fields.thinking_budget, at("thinking_budget")),
		extra: optional(plainObject)(fields.extra, at("extra")),
	};
	return withoutUndefined(parameters) as Parameters;
}

function readPreset(value: unknown, path: JsonPath): Preset {
	if (typeof value === "string") {
		// A text that says where the input goes is the whole prompt; any other is the system prompt.
		const field = /\{\{\s*input\s*\}\}/.test(value) ? "prompt" : "system";
		return { [field]: text(value, path), variables: {}, parameters: {} };
	}
	const fields = fieldsOf(value, path, presetFields);
	const preset: Preset = {
		system: optional(text)(fields.system, [...path, "system"]),
		prompt: optional(text)(fields.prompt, [...path, "prompt"]),
		model: optional(text)(fields.model, [...path, "model"]),
		variables: recordOf(fields.variables, [...path, "variables"], text),
		parameters: readParameters(fields.parameters ?? {}, [...path, "parameters"]),
	};
	if (preset.system === undefined && preset.prompt === undefined) {
		throw new ConfigProblem(path, `"${path.join(".")}" needs a "system" or a "prompt"`);
	}
	return preset;
}

function readProvider(value: unknown, path: JsonPath): UserProvider {
	const fields = fieldsOf(value, path, providerFields);
	if (fields.base_url === undefined) throw new ConfigProblem(path, `"${path.join(".")}" needs a "base_url"`);
	const provider = {
		base_url: webAddress(fields.base_url, [...path, "base_url"]),
		key_env: optional(text)(fields.key_env, [...path, "key_env"]),
		key_required: optional(flag)(fields.key_required, [...path, "key_required"]),
		label: optional(text)(fields.label, [...path, "label"]),
		local: optional(flag)(fields.local, [...path, "local"]),
		default_model: optional(text)(fields.default_model, [...path, "default_model"]),
		free: optional(flag)(fields.free, [...path, "free"]),
		reports_cost: optional(flag)(fields.reports_cost, [...path, "reports_cost"]),
	};
	return withoutUndefined(provider) as UserProvider;
}
