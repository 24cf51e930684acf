import { countTokens, type KeptTokens } from "./models.ts";
import type { SimulatedRequest } from "./request.ts";

type Body = Readonly<Record<string, unknown>>;

/** What is shorter is not kept: Anthropic's least. */
const leastTokens = 1_024;

/**
 * What the server keeps of prompts because requests on the Anthropic wire ask for it: a system prompt that is marked, or
 * with a mark on the whole request everything up to the last message. It is there once an answer has begun.
 */
export class KeptPrompts {
	readonly #kept = new Set<string>();

	/** What a request reads and writes, before it is answered. */
	look(request: SimulatedRequest): KeptTokens {
		const prompts = promptsOf(request);
		const [whole] = prompts;
		if (whole === undefined || countTokens(whole) < leastTokens) return { read: 0, written: 0 };
		const known = prompts.find((prompt) => this.#kept.has(prompt));
		const read = known === undefined ? 0 : countTokens(known);
		return { read, written: countTokens(whole) - read };
	}

	/** The answer to a request begins. */
	keep(request: SimulatedRequest): void {
		const [whole] = promptsOf(request);
		if (whole !== undefined && countTokens(whole) >= leastTokens) this.#kept.add(whole);
	}
}

/** The beginnings of a request that may be kept, the longest first: the whole of what is marked, and what of it others may have marked. */
function promptsOf({ wire, body, turns }: SimulatedRequest): readonly string[] {
	if (wire !== "anthropic") return [];
	const texts = turns.map(({ text }) => text);
	if (isMark(body.cache_control))
		return texts.map((_, index) => texts.slice(0, texts.length - index).join(""));
	const system = Array.isArray(body.system) ? (body.system as Body[]) : [];
	return system.some(({ cache_control: mark }) => isMark(mark)) ? texts.slice(0, 1) : [];
}

function isMark(value: unknown): boolean {
	return typeof value === "object" && value !== null && (value as Body).type === "ephemeral";
}
