import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readBoundedSync } from "../content/bounded-read.ts";
import { UsageError } from "../errors.ts";
import { describeFileError } from "../state/file-errors.ts";
import { type JsonSchemaFormat, type Parameters, type ReasoningEffort, reasoningEfforts } from "../types.ts";

/** What commander collects for the options below. */
export interface ParameterFlags {
	readonly param?: Readonly<Record<string, unknown>>;
	readonly temperature?: number;
	readonly maxTokens?: number;
	readonly topP?: number;
	readonly stop?: readonly string[];
	readonly seed?: number;
	readonly effort?: ReasoningEffort;
	readonly thinkingBudget?: number;
	readonly schema?: string;
}

/** Adds the options that shape an answer; `ask`, `chat` and `batch` share them. */
export function addParameterOptions(command: Command): Command {
	return command
		.option("--temperature <number>", "randomness, 0 for the most likely answer", parseNumber)
		.option("--max-tokens <count>", "longest answer in tokens", parseCount)
		.option("--top-p <number>", "nucleus sampling", parseNumber)
		.option("--stop <text>", "stop before this text (repeatable)", collect)
		.option("--seed <integer>", "for repeatable answers where the provider has them", parseInteger)
		.addOption(new Option("--effort <level>", "how hard a reasoning model thinks").choices(reasoningEfforts))
		.option("--thinking-budget <tokens>", "tokens for thinking, 0 for none", parseCount)
		.option("--schema <file|json>", "JSON Schema that the answer must satisfy")
		.option(
			"-p, --param <key=value>",
			"raw provider parameter, the value as JSON or text (repeatable)",
			collectParam,
		);
}

/**
 * Turns the flags into parameters.
 * @param cwd folder that a schema path is relative to
 * @throws UsageError for a schema that cannot be read
 */
export function readParameters(flags: ParameterFlags, cwd: string): Parameters {
	const { param, effort, schema, temperature, maxTokens, topP, stop, seed, thinkingBudget } = flags;
	return {
		...(temperature !== undefined && { temperature }),
		...(maxTokens !== undefined && { maxTokens }),
		...(topP !== undefined && { topP }),
		...(stop !== undefined && { stop }),
		...(seed !== undefined && { seed }),
		...(effort !== undefined && { reasoningEffort: effort }),
		...(thinkingBudget !== undefined && { thinkingBudget }),
		...(schema !== undefined && { responseFormat: readSchema(schema, cwd) }),
		...(param !== undefined && { extra: param }),
	};
}

/** A schema is given as JSON, or as the path of a file that holds it. */
function readSchema(value: string, cwd: string): JsonSchemaFormat {
	const inline = /^\s*[[{]/.test(value);
	const source = inline ? "--schema" : value;
	const text = inline ? value : readFile(value, cwd);
	let schema: unknown;
	try {
		schema = JSON.parse(text);
	} catch (error) {
		throw new UsageError(`${source} is no JSON Schema: ${(error as Error).message}`, { cause: error });
	}
	if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
		throw new UsageError(`${source} is no JSON Schema: it must be an object`);
	}
	const { title } = schema as { title?: unknown };
	// Providers take letters, digits, dashes and underscores as a schema's name, 64 at the most.
	const name = typeof title === "string" ? title.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 64) : "";
	return { type: "json-schema", name: name || "answer", schema: schema as Record<string, unknown> };
}

function readFile(path: string, cwd: string): string {
	try {
		const bytes = readBoundedSync(resolve(cwd, path), { name: path });
		return new TextDecoder().decode(bytes);
	} catch (error) {
		if (error instanceof UsageError) throw error;
		throw new UsageError(`cannot read ${path}: ${describeFileError(error)}`, {
			hint: "--schema takes the path of a file, or the JSON Schema itself",
			cause: error,
		});
	}
}

export function parseNumber(value: string): number {
	const number = Number(value);
	if (value.trim() === "" || !Number.isFinite(number)) throw new InvalidArgumentError("It must be a number.");
	return number;
}

function parseInteger(value: string): number {
	const number = parseNumber(value);
	if (!Number.isSafeInteger(number)) throw new InvalidArgumentError("It must be a whole number.");
	return number;
}

/** Zero or more. */
export function parseCount(value: string): number {
	const number = parseInteger(value);
	if (number < 0) throw new InvalidArgumentError("It must not be negative.");
	return number;
}

/** One or more. */
export function parsePositive(value: string): number {
	const number = parseInteger(value);
	if (number < 1) throw new InvalidArgumentError("It must be at least 1.");
	return number;
}

/** More than zero, fractions allowed: seconds, USD. */
export function parseAmount(value: string): number {
	const number = parseNumber(value);
	if (number <= 0) throw new InvalidArgumentError("It must be more than 0.");
	return number;
}

export function collect(value: string, previous: readonly string[] = []): readonly string[] {
	return [...previous, value];
}

/** `NAME=VALUE`, the value as text. */
export function collectText(
	value: string,
	previous: Readonly<Record<string, string>> = {},
): Record<string, string> {
	const equals = value.indexOf("=");
	if (equals < 1) throw new InvalidArgumentError("It must be NAME=VALUE.");
	return { ...previous, [value.slice(0, equals)]: value.slice(equals + 1) };
}

function collectParam(
	value: string,
	previous: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
	const equals = value.indexOf("=");
	if (equals < 1) throw new InvalidArgumentError("It must be KEY=VALUE.");
	const text = value.slice(equals + 1);
	let parsed: unknown = text;
	try {
		parsed = JSON.parse(text);
	} catch {
		// Not JSON: it is meant as text.
	}
	return { ...previous, [value.slice(0, equals)]: parsed };
}
