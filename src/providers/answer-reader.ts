import type { Usage } from "../types.ts";
import type { AdapterCall, AnswerPart } from "./adapter.ts";
import type { FailureContext } from "./failure.ts";
import type { ProviderRow } from "./provider-row.ts";

/** Follows one streamed answer on one wire: what was said, why it ended, what it used. */
export abstract class AnswerReader {
	/** The finish reason has come; usage may still follow. */
	finished = false;
	protected readonly provider: ProviderRow;
	/** The answer without its reasoning, so far. */
	protected text = "";
	/** As last reported. */
	protected usage: Usage | null = null;
	readonly #call: AdapterCall;

	constructor(provider: ProviderRow, call: AdapterCall) {
		this.provider = provider;
		this.#call = call;
	}

	/** What is known so far, for an error that ends the answer now. */
	get failureContext(): FailureContext {
		const { modelId, key, exchange } = this.#call;
		const partialText = this.text === "" ? undefined : this.text;
		return { provider: this.provider, modelId, key, exchange, partialText, usage: this.usage };
	}

	/** The text and reasoning of one event; throws when it is an error. */
	abstract read(payload: unknown, eventName?: string): readonly AnswerPart[];

	/**
	 * The last parts, `finish` among them, once the body has ended; throws when the answer is not complete or was
	 * blocked. `done`: the server marked the end itself.
	 */
	abstract end(done: boolean): readonly AnswerPart[];
}
