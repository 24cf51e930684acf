import { UsageError } from "../../errors.ts";
import { findParameter } from "../../parameters/names.ts";
import { rowOf } from "../../parameters/table.ts";
import { configFields, parameterFields, presetFields } from "../../state/config.ts";
import { priceFields } from "../../state/money/price-config.ts";
import { didYouMean } from "../../state/nearest.ts";
import { providerFields } from "../../state/provider-config.ts";

type JsonObject = Record<string, unknown>;

/** Fields that may stand below a name of the user's own, by section; a section without any holds values directly. */
const fieldsBelowName: Readonly<Record<string, readonly string[]>> = {
	aliases: [],
	models: parameterFields,
	presets: presetFields,
	providers: providerFields,
	prices: priceFields,
};

/**
 * The path of a config key such as `budget.daily`, `aliases.fast` or `models.gpt-4.1-mini.temperature`. Names may
 * hold dots: what is before the last known field is the name. `value` is what is to be put there. Throws UsageError for an unknown section.
 */
export function configPath(key: string, value?: unknown): string[] {
	const dot = key.indexOf(".");
	const section = dot < 0 ? key : key.slice(0, dot);
	const rest = dot < 0 ? "" : key.slice(dot + 1);
	if (!(configFields as readonly string[]).includes(section))
		throw new UsageError(`the config has no field "${section}"`, {
			hint: didYouMean(section, configFields) ?? `it may have: ${configFields.join(", ")}`,
		});
	if (rest === "") return [section];
	const fields = fieldsBelowName[section];
	if (fields === undefined) return [section, ...rest.split(".")];
	// A header may be called like a field, or hold dots.
	const header = /^(.+?)\.headers\.(.+)$/.exec(rest);
	if (header !== null && fields.includes("headers"))
		return [section, header[1] ?? "", "headers", header[2] ?? ""];
	for (const field of fields) {
		if (rest.endsWith(`.${field}`)) return [section, rest.slice(0, -field.length - 1), field];
	}
	const nameOf = (field: string) => (value === undefined ? field : usualName(field));
	// Variables of a preset have names of their own: presets.review.variables.language.
	const nested = /^(.+)\.(variables|parameters|extra)\.([^.]+)$/.exec(rest);
	if (nested !== null && fields.includes(nested[2] as string)) {
		const [, name = "", group = "", field = ""] = nested;
		return [section, name, group, group === "parameters" ? nameOf(field) : field];
	}
	// A plain value cannot be a whole model or provider: the last word is meant as a field, and misspelt.
	const dotInRest = rest.lastIndexOf(".");
	const isPlain = value !== undefined && typeof value !== "object";
	if (isPlain && dotInRest > 0 && section !== "aliases" && section !== "presets") {
		const field = rest.slice(dotInRest + 1);
		return [section, rest.slice(0, dotInRest), section === "models" ? nameOf(field) : field];
	}
	return [section, rest];
}

/** What is put into the file is called as the documentation calls it, so that nothing gets in twice. */
function usualName(field: string): string {
	const found = findParameter(field);
	return found === undefined ? field : rowOf(found.key).name;
}

/** JSON where the value is JSON, else a text. */
export function configValue(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}

/** A copy of a config with a value put in, or, for undefined, taken out together with what it leaves empty. */
export function withValue(config: JsonObject, path: readonly string[], value: unknown): JsonObject {
	const [name, ...rest] = path as readonly [string, ...string[]];
	const copy = { ...config };
	if (rest.length === 0) {
		if (value === undefined) delete copy[name];
		else copy[name] = value;
		return copy;
	}
	const below = Object.hasOwn(copy, name) ? copy[name] : undefined;
	const inner =
		typeof below === "object" && below !== null && !Array.isArray(below) ? (below as JsonObject) : {};
	const changed = withValue(inner, rest, value);
	if (value === undefined && Object.keys(changed).length === 0) delete copy[name];
	else copy[name] = changed;
	return copy;
}

/** What is at a path; undefined when nothing is. */
export function valueAt(config: JsonObject, path: readonly string[]): unknown {
	let value: unknown = config;
	for (const name of path) {
		if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
		value = (value as JsonObject)[name];
	}
	return value;
}
