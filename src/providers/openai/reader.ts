import type { FinishReason } from "../../types.ts";
import type { Answer, AnswerPart, Choice } from "../adapter.ts";
import { AnswerReader, noParts } from "../answer-reader.ts";
import { type AnswerHeaders, credible, hasCitations, openAiCharges } from "../charges.ts";
import { DetailCollector, openAiResponse } from "../details.ts";
import { isObject, saysError } from "../error-body.ts";
import {
	aborted,
	type Bill,
	blocked,
	emptyEnd,
	type FailureContext,
	failed,
	incomplete,
	notAnAnswer,
	reportedFailure,
} from "../failure.ts";
import type { ProviderRow } from "../provider-row.ts";
import { splitThinking, ThinkSplitter } from "../think-splitter.ts";
import { openAiUsage } from "../usage.ts";
import { filterReason, openAiFinish, readMessage } from "./answer.ts";

const nothingSaid = { text: "", reasoning: "" };

/** The bill of a whole payload, an error or an answer. */
export function openAiBill(
	provider: ProviderRow,
	payload: Readonly<Record<string, unknown>>,
	headers: AnswerHeaders,
): Bill {
	return {
		usage: credible(openAiUsage(payload.usage), nothingSaid),
		charges: openAiCharges(provider, payload, headers),
	};
}

/** The answer in a parsed body that is not an error; throws when there is none or it was blocked. */
export function readOpenAiAnswer(
	provider: ProviderRow,
	payload: Record<string, unknown>,
	context: FailureContext,
): Answer {
	if (!Array.isArray(payload.choices)) throw notAnAnswer(context);
	const bill = openAiBill(provider, payload, context.exchange.headers);
	const list: readonly unknown[] = payload.choices;
	if (list.length === 0)
		throw failed({ ...context, ...bill }, "malformed_response", "the answer holds no choice");
	const choices: Choice[] = [];
	const said = { ...nothingSaid };
	for (const item of list) {
		const choice = readChoice(item, payload, context, bill);
		if (choice === null) continue;
		choices.push(choice);
		said.text += choice.text;
		said.reasoning += choice.reasoning ?? "";
	}
	if (choices.length === 0)
		throw aborted({ ...context, ...bill }, (list[0] as { finish_reason?: unknown }).finish_reason);
	const { usage, charges } = bill;
	return { choices, usage: credible(usage, said), charges, response: openAiResponse(payload) };
}

/** One of the answers; null for one of several that the server gave up: it is asked for again, and the others are kept. */
function readChoice(
	choice: unknown,
	payload: Record<string, unknown>,
	context: FailureContext,
	bill: Bill,
): Choice | null {
	if (!isObject(choice)) throw notAnAnswer({ ...context, ...bill });
	// The usage of a whole body is the bill of what failed in it.
	if (saysError(choice.error)) throw reportedFailure({ error: choice.error }, { ...context, ...bill }, true);
	const message = isObject(choice.message) ? choice.message : completionOf(choice);
	if (!isObject(message)) throw notAnAnswer({ ...context, ...bill });
	const only = (payload.choices as readonly unknown[]).length === 1;
	const parts = readMessage(message);
	const collector = new DetailCollector();
	collector.setCitations(payload.citations);
	collector.addMessage(message);
	collector.addLogprobs(choice.logprobs);
	const { details } = collector;
	const finishReason = openAiFinish(choice.finish_reason) ?? "aborted";
	const split = parts.reasoning === "" ? splitThinking(parts.text) : parts;
	const own = () => ({ ...context, ...bill, partialText: split.text === "" ? undefined : split.text });
	if (finishReason === "aborted") {
		if (only) throw aborted(own(), choice.finish_reason);
		return null;
	}
	if (finishReason === "other" && only && split.text === "" && details === undefined)
		throw emptyEnd(own(), choice.finish_reason);
	// Among several answers one that was filtered away does not take the others with it.
	if (only && (finishReason === "content-filter" || parts.refusal !== ""))
		throw blocked(own(), parts.refusal || filterReason(choice));
	const answer: Choice = {
		text: split.text,
		reasoning: split.reasoning === "" ? null : split.reasoning,
		finishReason: parts.refusal === "" ? finishReason : "content-filter",
	};
	return details === undefined ? answer : { ...answer, details };
}

/** The message in a choice of the older completions, which some servers answer with. */
function completionOf({ text }: Record<string, unknown>): Record<string, unknown> | undefined {
	return typeof text === "string" ? { content: text } : undefined;
}

/** Follows one streamed answer: what was said, why it ended, what it used. */
export class OpenAiReader extends AnswerReader {
	#finishReason: FinishReason | "aborted" | undefined;
	/** As the server wrote it. */
	#rawFinish: unknown;
	#filterReason = "content filter";
	#refusal = "";
	#choices = 0;
	#serverSplits = false;
	readonly #splitter = new ThinkSplitter();

	protected override readBill(payload: Record<string, unknown>): Bill {
		return openAiBill(this.provider, payload, this.headers);
	}

	protected override isEndMark(data: string): boolean {
		return data.length < 10 && /^\[done\]$/i.test(data);
	}

	protected understands(payload: Record<string, unknown>): boolean {
		return (
			"choices" in payload ||
			"usage" in payload ||
			"x_groq" in payload ||
			String(payload.object).startsWith("chat.completion")
		);
	}

	protected read(data: Record<string, unknown>): readonly AnswerPart[] {
		this.noteUsage(data);
		if (this.response === undefined) this.response = openAiResponse(data);
		else if (data.service_tier) this.response = { ...this.response, ...openAiResponse(data) };
		if (data.citations !== undefined) this.details.setCitations(data.citations);
		const choice = Array.isArray(data.choices) ? data.choices[0] : undefined;
		if (!isObject(choice)) return noParts;
		this.#choices++;
		if (saysError(choice.error)) throw reportedFailure(choice, this.failureContext);
		const finishReason = openAiFinish(choice.finish_reason);
		if (finishReason !== undefined) {
			this.#finishReason = finishReason;
			this.#rawFinish = choice.finish_reason;
			this.finished = true;
			if (finishReason === "content-filter") this.#filterReason = filterReason(choice);
		}
		// A server that does not stream answers with a whole message.
		const message = choice.delta ?? choice.message ?? completionOf(choice);
		const { text, reasoning, refusal } = readMessage(message);
		this.details.addMessage(message);
		if (choice.logprobs) this.details.addLogprobs(choice.logprobs);
		this.#refusal += refusal;
		if (reasoning !== "") this.#serverSplits = true;
		if (text === "") return reasoning === "" ? noParts : [{ type: "reasoning-delta", text: reasoning }];
		const split = this.#serverSplits ? { text, reasoning: "" } : this.#splitter.push(text);
		return this.#parts(split.text, reasoning + split.reasoning);
	}

	protected complete(): readonly AnswerPart[] {
		const held = this.#splitter.end();
		const last = this.#parts(held.text, held.reasoning);
		for (const part of last) this.received.add(part);
		const context = this.failureContext;
		if (this.#refusal !== "") throw blocked(context, this.#refusal);
		if (this.#finishReason === "content-filter") throw blocked(context, this.#filterReason);
		if (this.#finishReason === undefined && !this.done)
			throw incomplete(context, "the stream ended without a finish reason");
		if (this.#choices === 0) throw failed(context, "malformed_response", "the answer holds no choice");
		const finishReason = this.#finishReason ?? "other";
		if (finishReason === "aborted") throw aborted(context, this.#rawFinish);
		if (finishReason === "other" && this.received.text === "" && this.details.details === undefined)
			throw emptyEnd(context, this.#rawFinish);
		return [...last, this.finishPart(finishReason)];
	}

	#parts(text: string, reasoning: string): readonly AnswerPart[] {
		if (text === "" && reasoning === "") return noParts;
		if (reasoning === "") return [{ type: "text-delta", text }];
		const thought: AnswerPart = { type: "reasoning-delta", text: reasoning };
		return text === "" ? [thought] : [thought, { type: "text-delta", text }];
	}

	/** The last usage wins: some servers repeat it, some count up. Groq once had it only under `x_groq`. */
	protected noteUsage(data: Record<string, unknown>): void {
		const raw = data.usage ?? (isObject(data.x_groq) ? data.x_groq.usage : undefined);
		// Most events say nothing of money, and there are many of them.
		const { service_tier: tier } = data;
		if (!isObject(raw) && (tier == null || tier === "default") && !hasCitations(data.choices)) return;
		this.usage = openAiUsage(raw) ?? this.usage;
		this.charges = { ...this.charges, ...openAiCharges(this.provider, data, this.headers) };
	}
}
