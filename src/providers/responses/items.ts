import type { DetailCollector } from "../details.ts";
import { isObject } from "../error-body.ts";

type Json = Record<string, unknown>;

/** What stands in the output of a response, item by item, and is not the text itself. */
export class OutputItems {
	readonly #details: DetailCollector;
	readonly #taken = new Set<number>();
	readonly #commentary = new Set<number>();
	/** How many items of each type there are. */
	readonly #counts = new Map<string, number>();

	constructor(details: DetailCollector) {
		this.#details = details;
	}

	/** A message came, or a call: the model has said something. */
	get hasAnswer(): boolean {
		return this.#counts.has("message") || this.#details.hasToolCalls;
	}

	count(type: string): number {
		return this.#counts.get(type) ?? 0;
	}

	/** The tools of the provider that were run and whose price is not that of tokens. */
	get billedTools(): readonly string[] {
		return [...this.#counts.keys()].filter((type) => unpriced.has(type));
	}

	/** Whether the message at a place tells what the model is about to do (`phase`), and is not the answer. */
	isCommentary(place: number): boolean {
		return this.#commentary.has(place);
	}

	/** An item begins, of which the text follows. */
	begin(item: Json, place: number): void {
		if (item.phase === "commentary") this.#commentary.add(place);
	}

	/** An item is complete; the end of a response repeats those that came before. */
	take(item: Json, place: number): void {
		if (this.#taken.has(place)) return;
		this.#taken.add(place);
		const type = String(item.type);
		this.#counts.set(type, this.count(type) + 1);
		switch (type) {
			case "message":
				for (const part of listOf(item.content)) this.#takeContent(part);
				return;
			case "reasoning":
				return;
			case "function_call":
			case "custom_tool_call":
				this.#details.addCall(place, {
					id: String(item.call_id ?? item.id ?? ""),
					name: String(item.name ?? ""),
					arguments: String(item.arguments ?? item.input ?? ""),
				});
				return;
			default:
				this.#details.addPart(item);
		}
	}

	#takeContent({ annotations, logprobs }: Json): void {
		this.#details.addAnnotations(listOf(annotations).map(toChatAnnotation));
		if (listOf(logprobs).length > 0) this.#details.addLogprobs({ content: logprobs });
	}
}

/**
 * Tools that OpenAI bills by the call, the file or the container.
 * https://platform.openai.com/docs/pricing, "Built-in tools", 2026-11-29
 */
const unpriced = new Set([
	"file_search_call",
	"code_interpreter_call",
	"image_generation_call",
	"shell_call",
]);

/** A citation as chat completions write it. */
function toChatAnnotation(annotation: Json): Json {
	const { type, ...fields } = annotation;
	return type === "url_citation" ? { type, url_citation: fields } : annotation;
}

/** What the output of a whole response says. */
export function itemText(output: readonly Json[]): { text: string; reasoning: string; refusal: string } {
	let text = "";
	let refusal = "";
	const thoughts: string[] = [];
	for (const item of output) {
		if (item.type === "reasoning") {
			const summary = listOf(item.summary);
			for (const part of summary.length > 0 ? summary : listOf(item.content))
				if (typeof part.text === "string") thoughts.push(part.text);
		}
		if (item.type !== "message") continue;
		for (const part of listOf(item.content)) {
			if (typeof part.refusal === "string") refusal += part.refusal;
			if (typeof part.text !== "string") continue;
			if (item.phase === "commentary") thoughts.push(part.text);
			else text += part.text;
		}
	}
	return { text, reasoning: thoughts.join("\n\n"), refusal };
}

function listOf(value: unknown): readonly Json[] {
	return Array.isArray(value) ? value.filter(isObject) : [];
}
