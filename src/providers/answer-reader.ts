import { AnswerText } from "../answer-text.ts";
import type { ServerEvent } from "../http/contract.ts";
import type { Charges, FinishReason, ResponseInfo, Usage } from "../types.ts";
import type { AdapterCall, AnswerPart, Choice } from "./adapter.ts";
import { credible } from "./charges.ts";
import { DetailCollector } from "./details.ts";
import { isErrorPayload, isObject, parseJson } from "./error-body.ts";
import {
	type Bill,
	type FailureContext,
	failed,
	incomplete,
	notAnAnswer,
	reportedFailure,
} from "./failure.ts";
import type { ProviderRow } from "./provider-row.ts";

export const noParts: readonly AnswerPart[] = [];

const noCharges: Charges = {};

/** Follows one answer on one wire: what was said, why it ended, what it used. */
export abstract class AnswerReader {
	/** The finish reason has come; usage may still follow. */
	finished = false;
	/** The server marked the end itself: nothing that follows is part of the answer. */
	done = false;
	protected readonly provider: ProviderRow;
	/** What was said so far. */
	protected readonly received = new AnswerText();
	/** As last reported. */
	protected usage: Usage | null = null;
	/** What is billed besides the tokens of `usage`. */
	protected charges: Charges = noCharges;
	/** What came besides text. */
	protected readonly details = new DetailCollector();
	protected response: ResponseInfo | undefined;
	readonly #call: AdapterCall;
	/** Events that say something on this wire. */
	#understood = 0;
	/** What came in place of an event of the wire: a heartbeat, or the words of whatever stands in front of it. */
	#stray: string | undefined;
	/** The body ended inside an event. */
	#brokeOff = false;
	/** An event that held part of the answer could not be read. */
	#damaged = false;

	constructor(provider: ProviderRow, call: AdapterCall) {
		this.provider = provider;
		this.#call = call;
	}

	/** What the answer used, if that can be true. */
	protected get bill(): Bill {
		return { usage: credible(this.usage, this.received), charges: this.charges };
	}

	/** The bill of an error, on wires whose errors bring one. */
	protected readBill(_payload: Readonly<Record<string, unknown>>): Bill {
		return this.bill;
	}

	protected get headers(): FailureContext["exchange"]["headers"] {
		return this.#call.exchange.headers;
	}

	protected get modelId(): string {
		return this.#call.modelId;
	}

	/** What is known so far, for an error that ends the answer now. */
	get failureContext(): FailureContext {
		const { modelId, key, exchange } = this.#call;
		const partialText = this.received.text === "" ? undefined : this.received.text;
		return {
			provider: this.provider,
			modelId,
			key,
			exchange,
			partialText,
			...this.bill,
			readBill: (payload) => this.readBill(payload),
		};
	}

	/**
	 * The text and reasoning of one event of a stream. Heartbeats come in every form (no data, a word, `null`, an empty
	 * object), so what is not of the wire is passed over, and the finish reason says whether the answer is whole.
	 * @throws RequestError when the event is an error
	 */
	take({ name, data, ended }: ServerEvent): readonly AnswerPart[] {
		const text = data.trim();
		if (this.isEndMark(text)) {
			this.done = true;
			return noParts;
		}
		const payload = parseJson(text);
		if (payload === undefined && text !== "") {
			if (!ended) this.#brokeOff = true;
			else if (text.startsWith("{")) this.#damaged = true;
		}
		// Gemini answers with an array of its events when it is not asked for a stream of them.
		if (Array.isArray(payload)) return payload.flatMap((element) => this.#takePayload(element, name, text));
		return this.#takePayload(payload ?? text, name, text);
	}

	/**
	 * Takes a whole answer.
	 * @throws RequestError when it is not an answer, or an error
	 */
	takeWhole(payload: Record<string, unknown>): void {
		if (!this.understands(payload)) throw notAnAnswer(this.failureContext);
		this.#readPayload(payload);
	}

	/**
	 * The last parts, `finish` among them, once the body has ended.
	 * @throws RequestError when the answer is not complete, or was blocked
	 */
	end(): readonly AnswerPart[] {
		const context = this.failureContext;
		if (this.#damaged) throw incomplete(context, "an event of the stream was damaged");
		if (this.#brokeOff && !this.finished) throw incomplete(context, "the stream broke off inside an event");
		if (this.#understood > 0) return this.complete();
		if (this.#stray === undefined) throw failed(context, "empty", "sent an empty stream");
		throw notAnAnswer(context, this.#stray);
	}

	/** The last part of an answer that is whole. */
	protected finishPart(finishReason: FinishReason): AnswerPart {
		return { type: "finish", choice: this.#choice(finishReason), ...this.bill, response: this.response };
	}

	/** What was said, as a choice. */
	#choice(finishReason: FinishReason): Choice {
		const { text, reasoning } = this.received;
		const { details } = this.details;
		const choice = { text, reasoning: reasoning === "" ? null : reasoning, finishReason };
		return details === undefined ? choice : { ...choice, details };
	}

	/** Whether the data of an event is the wire's mark for the end of an answer. */
	protected isEndMark(_data: string): boolean {
		return false;
	}

	/** Whether a payload is one of the wire's. */
	protected abstract understands(payload: Record<string, unknown>): boolean;

	/** Notes the usage that a payload reports, if it does. */
	protected abstract noteUsage(payload: Record<string, unknown>): void;

	/** What a payload of the wire says. */
	protected abstract read(payload: Record<string, unknown>): readonly AnswerPart[];

	/** What `end` gives for an answer of which something came. */
	protected abstract complete(): readonly AnswerPart[];

	#takePayload(payload: unknown, name: string | undefined, text: string): readonly AnswerPart[] {
		if (isErrorPayload(payload, name)) {
			if (isObject(payload)) this.noteUsage(payload);
			throw reportedFailure(payload, this.failureContext);
		}
		if (!isObject(payload) || !this.understands(payload)) {
			if (text !== "") this.#stray ??= text;
			return noParts;
		}
		return this.#readPayload(payload);
	}

	#readPayload(payload: Record<string, unknown>): readonly AnswerPart[] {
		this.#understood++;
		const parts = this.read(payload);
		for (const part of parts) this.received.add(part);
		return parts;
	}
}
