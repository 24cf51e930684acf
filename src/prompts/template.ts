import { UsageError } from "../errors.ts";
import { nearestNames } from "../state/nearest.ts";
import { isObject, numberText } from "./json.ts";

/** Values of a template's variables, by name; a name with dots may lead into nested ones. */
export type TemplateValues = Readonly<Record<string, unknown>>;

/** A text with variables, ready to be filled in many times. */
export interface Template {
	/** The variables, each once, in the order of the text. */
	readonly names: readonly string[];
	/**
	 * The text with its variables filled in: strings exactly, other values as JSON. Values are never expanded again.
	 * @throws MissingVariableError for a variable that has no value, or null
	 */
	fill(values: TemplateValues): string;
}

/** A variable without a value. */
export class MissingVariableError extends Error {
	readonly variable: string;

	constructor(what: string, variable: string, values: TemplateValues, isNull: boolean) {
		const known = Object.keys(values);
		const [nearest] = nearestNames(variable, known, 1);
		const listed = known.slice(0, 12).join(", ") || "nothing";
		const help = nearest === undefined ? `there is: ${listed}` : `did you mean {{${nearest}}}?`;
		super(`${what} needs a value for {{${variable}}}; ${isNull ? "it is null" : help}`);
		this.variable = variable;
	}
}

const placeholder = /\\\{[{%]|\{\{\s*([^{}]*?)\s*\}\}/g;

/**
 * Compiles `Translate {{text}} into {{language}}`. A variable is named as the value is, or by a path into nested values
 * (`turns.0`). `\{{` and `\{%` stand for a literal `{{` and `{%`.
 * @param what names the text in messages: `the template`, `the preset "x"`
 * @throws UsageError for a variable without a name, for a `{{` that nothing closes, and for a `{%`, which only a program would mean
 */
export function compileTemplate(source: string, what = "the template"): Template {
	const literals: string[] = [];
	const variables: string[] = [];
	let literal = "";
	let end = 0;
	const takeLiteral = (to: number) => {
		const text = source.slice(end, to);
		if (text.includes("{{"))
			throw new UsageError(`${what} has a {{ that is not closed`, {
				hint: "close it with }}, or write \\{{ for literal braces",
			});
		if (text.includes("{%"))
			throw new UsageError(`${what} has {% … %}, but only {{variables}} are filled in`, {
				hint: "write \\{% for a literal {%",
			});
		literal += text;
	};
	for (const match of source.matchAll(placeholder)) {
		takeLiteral(match.index);
		end = match.index + match[0].length;
		if (match[1] === undefined) {
			literal += match[0].slice(1);
			continue;
		}
		if (match[1] === "") throw new UsageError(`${what} has an empty variable: {{}}`);
		literals.push(literal);
		variables.push(match[1]);
		literal = "";
	}
	takeLiteral(source.length);
	return {
		names: [...new Set(variables)],
		fill(values) {
			let text = "";
			for (const [index, name] of variables.entries()) text += literals[index] + textOf(values, name, what);
			return text + literal;
		},
	};
}

function textOf(values: TemplateValues, name: string, what: string): string {
	const value = Object.hasOwn(values, name) ? values[name] : follow(values, name.split("."));
	if (value === undefined || value === null)
		throw new MissingVariableError(what, name, values, value === null);
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
