import { UsageError } from "../errors.ts";
import type { JsonSchemaFormat } from "../types.ts";

/** Either the JSON of an answer, without a code fence around it, or what is wrong with the answer, in words. */
export type SchemaCheck =
	| { readonly ok: true; readonly text: string }
	| { readonly ok: false; readonly problems: readonly string[] };

/** Checks answers against one schema. */
export type SchemaChecker = (answer: string) => SchemaCheck;

/**
 * Makes a checker for a JSON Schema: draft 2020-12 where its `$schema` says so, else draft-07. The checker never throws.
 * @throws UsageError when the schema itself is invalid
 */
export async function createSchemaChecker({ schema }: JsonSchemaFormat): Promise<SchemaChecker> {
	const { compileSchema } = await import("./schema-validator.ts");
	let validate: (value: unknown) => string[];
	try {
		validate = compileSchema(schema);
	} catch (error) {
		throw new UsageError(`the JSON Schema is invalid: ${complaint(error)}`, { cause: error });
	}
	return (answer) => {
		const text = withoutFence(answer);
		let value: unknown;
		try {
			value = JSON.parse(text);
		} catch {
			return { ok: false, problems: ["the answer is not JSON"] };
		}
		const problems = validate(value);
		return problems.length === 0 ? { ok: true, text } : { ok: false, problems };
	};
}

/** The first thing that is wrong with a schema, as ajv says it without its own name for the schema. */
function complaint(error: unknown): string {
	const { message } = error as Error;
	return message.replace(/^schema is invalid: data/, "").replace(/, data\/.*$/s, "");
}

/** Models like to wrap JSON in a Markdown fence although they were told not to. */
function withoutFence(answer: string): string {
	const text = answer.trim();
	return /^```(?:json)?[ \t]*\n([\s\S]*?)\n?```$/i.exec(text)?.[1]?.trim() ?? text;
}

/** What to tell a model whose answer failed the check. */
export function repairPrompt(problems: readonly string[]): string {
	const list = problems.slice(0, 20).map((problem) => `- ${problem}`);
	return `Your answer does not satisfy the JSON Schema:\n${list.join("\n")}\nAnswer again with the corrected JSON only.`;
}
