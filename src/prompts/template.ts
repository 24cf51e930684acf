import { UsageError } from "../errors.ts";
import { isObject, numberText } from "./json.ts";

/** Renders a row's fields into text. Throws MissingVariableError when a variable has no value. */
export type Template = (fields: Readonly<Record<string, unknown>>) => string;

/** A variable of the template that a row does not have. */
export class MissingVariableError extends Error {}

const placeholder = /\\\{\{|\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Compiles `Translate {{text}} into {{language}}`. A name is a field or column as it is written, or else a path into
 * nested values (`turns.0`). `\{{` stands for a literal `{{`; values are never expanded again. Text stays exact,
 * other values are written as JSON.
 * @throws UsageError when the template names no variable at all or leaves a brace open
 */
export function compileTemplate(source: string): Template {
	const literals: string[] = [];
	const names: string[] = [];
	let literal = "";
	let end = 0;
	for (const match of source.matchAll(placeholder)) {
		literal += source.slice(end, match.index);
		end = match.index + match[0].length;
		if (match[1] === undefined) {
			literal += "{{";
			continue;
		}
		if (match[1] === "") throw new UsageError("the template has an empty variable: {{}}");
		literals.push(literal);
		names.push(match[1]);
		literal = "";
	}
	literal += source.slice(end);
	if (names.length === 0) {
		throw new UsageError("the template names no variable, so every prompt would be the same", {
			hint: "write the name of a field or column in double braces: {{prompt}}",
		});
	}
	return (fields) => {
		let text = "";
		for (const [index, name] of names.entries()) text += literals[index] + lookUp(fields, name);
		return text + literal;
	};
}

function lookUp(fields: Readonly<Record<string, unknown>>, name: string): string {
	const value = Object.hasOwn(fields, name) ? fields[name] : follow(fields, name.split("."));
	if (value === undefined || value === null) {
		const known = Object.keys(fields).slice(0, 12).join(", ");
		const why = value === null ? "is null" : "is missing";
		throw new MissingVariableError(`the template's {{${name}}} ${why}; the row has: ${known || "nothing"}`);
	}
	if (typeof value === "string") return value;
	return numberText(value) ?? JSON.stringify(value);
}

function follow(value: unknown, path: readonly string[]): unknown {
	let current = value;
	for (const step of path) {
		if (Array.isArray(current)) current = /^\d+$/.test(step) ? current[Number(step)] : undefined;
		else if (isObject(current) && Object.hasOwn(current, step)) current = current[step];
		else return undefined;
	}
	return current;
}
