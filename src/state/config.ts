import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import { findLookalike, findParameter } from "../parameters/names.ts";
import { type ParameterKey, type Parameters, parameterNames, rowOf } from "../parameters/table.ts";
import type { OwnPrices } from "../types.ts";
import {
	ConfigProblem,
	fieldsOf,
	flag,
	number,
	optional,
	plainObject,
	recordOf,
	redisAddress,
	text,
	unknownField,
	wrong,
} from "./config-reader.ts";
import { describeFileError } from "./file-errors.ts";
import { type JsonPath, lineInJson } from "./json-lines.ts";
import { readPrices } from "./money/price-config.ts";
import { readProvider, type UserProvider } from "./provider-config.ts";

/** A named system prompt or prompt template; `{{input}}` stands for what the user types, `{{name}}` for a variable. */
export interface Preset {
	readonly system?: string | undefined;
	readonly prompt?: string | undefined;
	readonly model?: string | undefined;
	/** Values of variables that the caller does not give. */
	readonly variables: Readonly<Record<string, string>>;
	readonly parameters: Parameters;
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
	/** Silences of an answer in seconds, instead of 600 and 120. */
	readonly timeouts: {
		readonly firstContent: number | undefined;
		readonly idle: number | undefined;
	};
	readonly cache: {
		readonly enabled: boolean;
		/** Older answers are asked for again; undefined: they never get old. */
		readonly maxAgeDays: number | undefined;
		/** Of a Redis that holds the answers, with its password; undefined: a file of this machine does. */
		readonly url: string | undefined;
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
	const cache = fieldsOf(root.cache ?? {}, ["cache"], ["enabled", "max_age_days", "url"]);
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
			url: optional(redisAddress)(cache.url, ["cache", "url"]),
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
