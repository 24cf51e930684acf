import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { readBoundedSync } from "../content/bounded-read.ts";
import { UsageError } from "../errors.ts";
import { type ParameterRow, type Parameters, parameterKeys, rowOf } from "../parameters/table.ts";
import { refusal } from "../parameters/values.ts";
import { describeFileError } from "../state/file-errors.ts";

/** What commander collects for the options below, besides a value for each row of the table. */
export interface ParameterFlags {
	readonly param?: Readonly<Record<string, unknown>>;
}

/**
 * Adds the options that shape an answer; `ask`, `chat` and `batch` share them.
 * @param cwd folder that the path of a JSON Schema is relative to
 */
export function addParameterOptions(command: Command, cwd: string): Command {
	const hint = `see llmx ${command.name()} --help`;
	for (const key of parameterKeys) {
		const row = rowOf(key);
		const option = optionOf(row);
		const read = key === "responseFormat" ? readSchema(cwd) : readText(hint);
		const parse = (text: string, previous: unknown) => {
			const value = read(`${option.long}`, row, text);
			return row.accepts.isList ? [...((previous ?? []) as unknown[]), ...(value as unknown[])] : value;
		};
		command.addOption(option.argParser(parse));
		const alias = aliasOf(row);
		if (alias !== undefined)
			command.addOption(alias.argParser(parse).hideHelp().conflicts(option.attributeName()));
	}
	return command.option(
		"-p, --param <key=value>",
		"provider-specific parameter, sent as is; the value is JSON or text (repeatable)",
		collectParam,
	);
}

/** How the schema of `--schema` is asked for. */
export function schemaFormOption(): Option {
	const help = "ask for the schema in a field of its own or in the prompt, whatever is known of the provider";
	return new Option("--schema-form <form>", help).choices(["field", "prompt"]);
}

function optionOf({ flag, help, accepts: { range, choices } }: ParameterRow<unknown>): Option {
	const option = new Option(flag, range === undefined ? help : `${help} (${range})`);
	return choices === undefined ? option : option.choices(choices);
}

/** `--reasoning-effort` for `--effort`: whoever knows a parameter from a file finds its flag. */
function aliasOf({ name, flag }: ParameterRow<unknown>): Option | undefined {
	const long = `--${name.replaceAll("_", "-")}`;
	return flag.startsWith(`${long} `) ? undefined : new Option(flag.replace(/^--[\w-]+/, long));
}

/** The parameters that were given as flags. */
export function readParameters(flags: ParameterFlags): Parameters {
	const parameters: Record<string, unknown> = {};
	const given = flags as Readonly<Record<string, unknown>>;
	for (const key of parameterKeys) {
		const row = rowOf(key);
		const value = given[optionOf(row).attributeName()] ?? given[aliasOf(row)?.attributeName() ?? ""];
		// Commander makes "" of an undefined value, which stands for a parameter that is not set.
		if (value !== undefined && value !== "") parameters[key] = value;
	}
	return flags.param === undefined ? parameters : { ...parameters, extra: flags.param };
}

function readText(hint: string) {
	return (flag: string, { accepts }: ParameterRow<unknown>, text: string): unknown => {
		const value = accepts.read(text);
		if (value === null) throw new UsageError(refusal(flag, accepts, text), { hint });
		return value;
	};
}

/** Besides what every field takes, `--schema` takes the path of a file that holds a schema. */
function readSchema(cwd: string) {
	return (flag: string, { accepts }: ParameterRow<unknown>, text: string): unknown => {
		const value = accepts.read(text);
		if (value !== null) return value;
		const isInline = /^\s*[[{]/.test(text);
		const source = isInline ? flag : text;
		const json = isInline ? text : readFile(text, cwd);
		let schema: unknown;
		try {
			schema = JSON.parse(json);
		} catch (error) {
			throw new UsageError(`${source} is not valid JSON: ${(error as Error).message}`, { cause: error });
		}
		const format = accepts.read(schema);
		if (format === null) throw new UsageError(refusal(source, accepts, schema));
		return format;
	};
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
