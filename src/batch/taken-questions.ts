import { LlmxError } from "../errors.ts";
import type { GenerateOptions, GenerateRow } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import type { BatchRow } from "../prompts/row-builder.ts";

/** What can be asked whether it takes a row; an LLM can. */
export interface Taker {
	/** @throws UnsupportedError */
	assertTakes(row: GenerateRow, options: GenerateOptions): Promise<void>;
}

interface Kept {
	readonly taker: Taker;
	readonly row: BatchRow;
	readonly defaults: Parameters;
}

/** Files may hold any number of different rows, such as one seed each; what a model refuses of more fails by itself. */
const mostKinds = 500;

/**
 * Finds out before a run which of its rows a provider or model does not take, by one row of each kind: rows with the
 * same parameters and parts of messages are refused together.
 */
export class TakenQuestions {
	readonly #kept = new Map<string, Kept>();

	add(model: string, { taker, row, defaults }: Kept): void {
		if (this.#kept.size >= mostKinds) return;
		const key = `${model}\n${kindOf(row)}`;
		if (!this.#kept.has(key)) this.#kept.set(key, { taker, row, defaults });
	}

	/** `onProblem` hears of the first row of each kind that is refused. */
	async check(onProblem: (problem: { line: number; text: string }) => void): Promise<void> {
		for (const { taker, row, defaults } of this.#kept.values()) {
			const { prompt, messages, parameters, n, line } = row;
			const question = prompt === undefined ? { messages } : { prompt: prompt.text, system: prompt.system };
			try {
				await taker.assertTakes({ ...question, parameters, n }, defaults);
			} catch (error) {
				if (!(error instanceof LlmxError)) throw error;
				onProblem({ line, text: error.message });
			}
		}
		this.#kept.clear();
	}
}

/** What of a row can be refused: its parameters, who speaks, and what is attached. Made for every row of a file. */
function kindOf({ parameters, messages }: BatchRow): string {
	let kind = "";
	for (const [name, value] of Object.entries(parameters)) {
		// Of a schema only its being there: others look into it.
		const shown = name === "responseFormat" ? parameters.responseFormat?.type : value;
		kind += `${name}=${typeof shown === "object" ? JSON.stringify(shown) : String(shown)} `;
	}
	for (const { role, content, toolCalls } of messages) {
		const parts = typeof content === "string" ? "" : content.map(({ type }) => type).join();
		const said = `${role}${parts}${toolCalls === undefined ? "" : "!"} `;
		if (!kind.includes(said)) kind += said;
	}
	return kind;
}
