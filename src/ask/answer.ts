import type { CachedAnswer } from "../cache/answer.ts";
import type { Choice } from "../providers/adapter.ts";
import type { Cost, ResponseInfo, Result, Usage } from "../types.ts";
import { addCost, addUsage, noCost, noUsage } from "../types.ts";
import type { Question } from "./question.ts";

/** A question in progress. Answers survive a failed attempt, so that nothing is paid for twice. */
export class PendingAnswer {
	readonly question: Question;
	readonly choices: Choice[] = [];
	attempts = 0;
	latencyMs = 0;
	#usage: Usage | null = noUsage;
	#costUsd: number | null = 0;
	#spent = noCost;
	#response: ResponseInfo | undefined;

	constructor(question: Question) {
		this.question = question;
	}

	get missing(): number {
		return this.question.n - this.choices.length;
	}

	/** What all requests for it cost so far, those that brought nothing included. */
	get spent(): Cost {
		return this.#spent;
	}

	/** Takes what a request brought. */
	add(
		choices: readonly Choice[],
		usage: Usage | null,
		costUsd: number | null,
		response?: ResponseInfo,
	): void {
		this.#response ??= response;
		for (const choice of choices) if (this.missing > 0) this.choices.push(choice);
		this.#usage = usage && this.#usage && addUsage(this.#usage, usage);
		this.#costUsd = costUsd === null || this.#costUsd === null ? null : this.#costUsd + costUsd;
		this.#spent = addCost(this.#spent, costUsd);
	}

	/** Counts a failed request: USD, 0 when it was not billed, null when unknown. */
	addFailedCost(costUsd: number | null): void {
		this.#spent = addCost(this.#spent, costUsd);
	}

	/** The answer so far, in the form in which it is cached and shared. */
	get answer(): CachedAnswer {
		return { choices: this.choices, usage: this.#usage, costUsd: this.#costUsd, response: this.#response };
	}

	/** The result of the answer so far. */
	result(model: string): Result {
		return toResult(model, {
			choices: this.choices,
			usage: this.#usage,
			costUsd: this.#costUsd,
			response: this.#response,
			cached: false,
			attempts: this.attempts,
			latencyMs: this.latencyMs,
		});
	}
}

export interface AnswerFacts extends CachedAnswer {
	readonly cached: boolean;
	readonly attempts: number;
	readonly latencyMs: number;
}

/** The result of a complete answer. */
export function toResult(model: string, facts: AnswerFacts): Result {
	const { choices, usage, costUsd, cached, attempts, latencyMs, response } = facts;
	const [first] = choices as readonly [Choice];
	const result = {
		model,
		text: first.text,
		texts: choices.map(({ text }) => text),
		reasoning: first.reasoning,
		finishReason: first.finishReason,
		details: first.details,
		usage,
		costUsd,
		response,
		cached,
		attempts,
		latencyMs: Math.round(latencyMs),
	};
	return choices.length > 1
		? { ...result, choices: choices.map(({ text: _, ...choice }) => choice) }
		: result;
}

/** Several answers as one partial text. */
export function joinAnswers(texts: readonly string[]): string {
	return texts.filter((text) => text !== "").join("\n---\n");
}
