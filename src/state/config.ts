import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { findLookalike, findParameter } from "../parameters/names.ts";
import { type ParameterKey, type Parameters, parameterNames, rowOf } from "../parameters/table.ts";
import type { OwnPrices } from "../types.ts";
import {
	ConfigProblem,
	fieldsOf,
	flag,
	listOf,
	number,
	oneOf,
	optional,
	plainObject,
	recordOf,
	text,
	unknownField,
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
	readonly wire?: (typeof wires)[number];
	/** `$NAME` in a value stands for a variable of the environment. */
	readonly headers?: Readonly<Record<string, string>>;
	readonly schema_form?: (typeof schemaForms)[number];
	readonly max_tokens_field?: (typeof limitFields)[number];
	/** What its models take besides text. */
	readonly takes?: readonly (typeof partKinds)[number][];
	/** It has a copy of this batch API at its base URL. */
	readonly jobs?: (typeof jobApis)[number];
}

const wires = ["openai", "responses", "gemini", "anthropic"] as const;
const jobApis = ["openai"] as const;
const schemaForms = ["field", "prompt"] as const;
const limitFields = ["max_tokens", "max_completion_tokens", "by-model"] as const;
const partKinds = ["image", "file", "audio"] as const;

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
	/** Silences of an answer in seconds, instead of 600 and 120. */
	readonly timeouts: {
		readonly firstContent: number | undefined;
		readonly idle: number | undefined;
	};
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
		throw new ConfigError(`${path}:${lineInJson(text)}: not valid JSON`, {
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
	"timeouts",
	"cache",
] as const;

function readConfig(value: unknown): Config {
	const root = fieldsOf(value, [], configFields);
	const budget = fieldsOf(root.budget ?? {}, ["budget"], ["daily", "monthly"]);
	const timeouts = fieldsOf(root.timeouts ?? {}, ["timeouts"], ["first_content", "idle"]);
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
		timeouts: {
			firstContent: optional(number(1))(timeouts.first_content, ["timeouts", "first_content"]),
			idle: optional(number(1))(timeouts.idle, ["timeouts", "idle"]),
		},
		cache: {
			enabled: optional(flag)(cache.enabled, ["cache", "enabled"]) ?? true,
			maxAgeDays: optional(number(0))(cache.max_age_days, ["cache", "max_age_days"]),
		},
	};
	for (const name of Object.keys(config.aliases)) checkAlias(name, config.aliases);
	for (const id of Object.keys(config.providers)) {
		if (!/^[a-z0-9][a-z0-9_-]*$/.test(id))
			throw new ConfigProblem(["providers", id], `invalid provider name "${id}"`, "use a-z, 0-9, _ and -");
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

/** Fields of a model's parameters. */
export const parameterFields: readonly string[] = [...parameterNames, "extra"];

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
	"wire",
	"headers",
	"schema_form",
	"max_tokens_field",
	"takes",
	"jobs",
] as const;

function readParameters(value: unknown, path: JsonPath): Parameters {
	const read: Record<string, unknown> = {};
	const names = new Map<ParameterKey, string>();
	for (const [name, item] of Object.entries(plainObject(value, path))) {
		const at = [...path, name];
		if (name === "extra") {
			read.extra = plainObject(item, at);
			continue;
		}
		const key = findParameter(name)?.key;
		if (key === undefined) throw unknownField(path, name, parameterFields, nameOf(findLookalike(name)));
		const { accepts } = rowOf(key);
		const parameter = accepts.read(item);
		if (parameter === null) throw wrong(at, accepts.wanted, item);
		const before = names.get(key);
		if (before !== undefined) throw new ConfigProblem(at, `"${before}" and "${name}" are the same parameter`);
		names.set(key, name);
		if (parameter !== undefined) read[key] = parameter;
	}
	return read;
}

function nameOf(key: ParameterKey | undefined): string | undefined {
	return key && rowOf(key).name;
}

function readPreset(value: unknown, path: JsonPath): Preset {
	if (typeof value === "string") {
		// A text that says where the input goes is the whole prompt; any other is the system prompt.
		const field = /(?<!\\)\{\{\s*input\s*\}\}/.test(value) ? "prompt" : "system";
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
	if (preset.system === undefined && preset.prompt === undefined)
		throw new ConfigProblem(path, `"${path.join(".")}" needs a "system" or a "prompt"`);
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
		wire: optional(oneOf(wires))(fields.wire, [...path, "wire"]),
		headers: optional((given: unknown, at: JsonPath) => recordOf(given, at, text))(fields.headers, [
			...path,
			"headers",
		]),
		schema_form: optional(oneOf(schemaForms))(fields.schema_form, [...path, "schema_form"]),
		max_tokens_field: optional(oneOf(limitFields))(fields.max_tokens_field, [...path, "max_tokens_field"]),
		takes: optional(listOf(oneOf(partKinds)))(fields.takes, [...path, "takes"]),
		jobs: optional(oneOf(jobApis))(fields.jobs, [...path, "jobs"]),
	};
	return withoutUndefined(provider) as UserProvider;
}
