import { UsageError } from "../errors.ts";
import { nearestNames } from "../state/nearest.ts";
import { isObject, numberText } from "./json.ts";

/** Renders a row's fields into text. Throws MissingVariableError when a variable has no value. */
export interface Template {
	(fields: Readonly<Record<string, unknown>>): string;
	/** Its variables, in their order. */
	readonly names: readonly string[];
}

/** A variable of the template that a row does not have. */
export class MissingVariableError extends Error {}

const placeholder = /\\\{[{%]|\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Compiles `Translate {{text}} into {{language}}`. A name is a field or column as it is written, or else a path into
 * nested values (`turns.0`). `\{{` and `\{%` stand for a literal `{{` and `{%`; values are never expanded again. Text stays exact,
 * other values are written as JSON.
 * @throws UsageError when the template names no variable at all, leaves a brace open, or has more than variables
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
			literal += match[0].slice(1);
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
	const bare = source.replace(placeholder, "");
	if (bare.includes("{{")) {
		throw new UsageError("the template leaves a variable open: {{ without }}", {
			hint: "\\{{ stands for a literal pair of braces",
		});
	}
	if (bare.includes("{%")) {
		throw new UsageError("the template has {% … %}, but only {{variables}} are filled in", {
			hint: "\\{% stands for a literal {%",
		});
	}
	const render = (fields: Readonly<Record<string, unknown>>) => {
		let text = "";
		for (const [index, name] of names.entries()) text += literals[index] + lookUp(fields, name);
		return text + literal;
	};
	return Object.assign(render, { names });
}

function lookUp(fields: Readonly<Record<string, unknown>>, name: string): string {
	const value = Object.hasOwn(fields, name) ? fields[name] : follow(fields, name.split("."));
	if (value === undefined || value === null) {
		if (value === null) throw new MissingVariableError(`the template's {{${name}}} is null in this row`);
		const [nearest] = nearestNames(name, Object.keys(fields), 1);
		const known = Object.keys(fields).slice(0, 12).join(", ");
		const hint =
			nearest === undefined ? `the row has: ${known || "nothing"}` : `did you mean {{${nearest}}}?`;
		throw new MissingVariableError(`the template's {{${name}}} is missing; ${hint}`);
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
