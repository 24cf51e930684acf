import type { Success, TokenCost } from "./limiter.ts";

/** The newest answer counts at least this much in the averages. */
const leastWeight = 0.02;
/** No request uses so many times what the largest of those answered has used: what is refused with that much left is so for other reasons. */
const mostTimes = 4;

/** What requests cost in tokens, learnt from what the provider counted for those that were answered. */
export class TokenEstimate {
	readonly #chargesMaxTokens: boolean;
	#answers = 0;
	#output = 0;
	/** Tokens the provider counts for each input token of ours. */
	#inputRatio = 1;
	#total = 0;
	#most = 0;

	/** `chargesMaxTokens`: the provider takes the bound that a request sets on its answer, not the answer. */
	constructor(chargesMaxTokens: boolean) {
		this.#chargesMaxTokens = chargesMaxTokens;
	}

	/** The most that one answered request has used. */
	get most(): number {
		return this.#most;
	}

	/** Of a mean request so far; 0 before the first answer. */
	get mean(): { readonly input: number; readonly output: number } {
		return { input: this.#total - this.#output, output: this.#output };
	}

	of(cost: TokenCost): { readonly input: number; readonly output: number } {
		const { maxOutputTokens, leastTokens = 0 } = cost;
		const input = cost.inputTokens * this.#inputRatio;
		let output = this.#output;
		if (maxOutputTokens !== undefined)
			output = this.#chargesMaxTokens ? maxOutputTokens : Math.min(maxOutputTokens, output);
		const isCredible = this.#most === 0 || leastTokens <= mostTimes * this.#most;
		return { input, output: isCredible ? Math.max(output, leastTokens - input) : output };
	}

	learn(estimatedInput: number, { inputTokens, outputTokens }: Success): void {
		if (inputTokens === undefined || outputTokens === undefined) return;
		const weight = Math.max(leastWeight, 1 / ++this.#answers);
		this.#output += weight * (outputTokens - this.#output);
		this.#total += weight * (inputTokens + outputTokens - this.#total);
		this.#most = Math.max(this.#most, inputTokens + outputTokens);
		if (estimatedInput > 0) this.#inputRatio += weight * (inputTokens / estimatedInput - this.#inputRatio);
	}
}
