import { createSchemaChecker, type SchemaChecker } from "../ask/schema.ts";
import { RequestError } from "../errors.ts";
import type { Parameters } from "../parameters/table.ts";
import type { JsonSchemaFormat, Result } from "../types.ts";
import { RowProblem } from "./parameters.ts";

/** Rows may bring schemas of their own; more different ones than this are a mistake. */
const mostSchemas = 1_000;

/** The JSON Schemas of a run, compiled once each. */
export class SchemaSet {
	readonly #formats = new Map<string, { readonly format: JsonSchemaFormat; readonly line: number }>();
	readonly #checkers = new Map<string, SchemaChecker>();
	/** Most rows share one object. */
	readonly #names = new WeakMap<object, string>();

	/** Takes the schema of a row, if it has one. Throws RowProblem when there are too many. */
	add({ responseFormat }: Parameters, line: number): void {
		if (responseFormat?.type !== "json-schema") return;
		const name = this.#nameOf(responseFormat);
		if (this.#formats.has(name)) return;
		if (this.#formats.size >= mostSchemas)
			throw new RowProblem(`more than ${mostSchemas} different JSON Schemas in one file`);
		this.#formats.set(name, { format: responseFormat, line });
	}

	/** Compiles what was added; `onProblem` hears of each schema that is invalid. */
	async compile(onProblem: (problem: { line: number; text: string }) => void): Promise<void> {
		for (const [name, { format, line }] of this.#formats) {
			try {
				this.#checkers.set(name, await createSchemaChecker(format));
			} catch (error) {
				onProblem({ line, text: (error as Error).message });
			}
		}
		this.#formats.clear();
	}

	/**
	 * Returns the result with its texts freed of code fences.
	 * @throws RequestError when an answer does not satisfy the row's schema
	 */
	judge({ responseFormat }: Parameters, result: Result, provider: string): Result {
		if (responseFormat?.type !== "json-schema") return result;
		const check = this.#checkers.get(this.#nameOf(responseFormat));
		if (check === undefined) return result;
		const texts = result.texts.map((answer) => {
			const checked = check(answer);
			if (checked.ok) return checked.text;
			throw new RequestError(
				`the answer does not match the schema: ${checked.problems[0] ?? "it is invalid"}`,
				{
					provider,
					errorClass: "schema",
					advice: { retry: "never", key: "keep" },
					maybeBilled: false,
					partialText: answer,
					usage: result.usage,
				},
			);
		});
		return { ...result, texts, text: texts[0] ?? "" };
	}

	#nameOf(format: JsonSchemaFormat): string {
		let name = this.#names.get(format);
		if (name === undefined) {
			name = JSON.stringify(format.schema);
			this.#names.set(format, name);
		}
		return name;
	}
}
