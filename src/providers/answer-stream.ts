import type { Exchange, FetchResponse } from "../http/contract.ts";
import type { Answer, AnswerPart } from "./adapter.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { isErrorPayload, isObject, parseJson } from "./error-body.ts";
import { readEvents } from "./events.ts";
import {
	type FailureContext,
	failed,
	incomplete,
	notAnAnswer,
	reportedFailure,
	toFailure,
} from "./failure.ts";

/** Sends and reads one whole answer: a JSON object that is no error, or a RequestError. */
export async function readAnswerBody(
	send: () => Promise<FetchResponse>,
	context: FailureContext,
): Promise<Record<string, unknown>> {
	let text: string;
	try {
		const response = await send();
		text = await response.text();
		if (context.exchange.cut) throw incomplete(context, "the connection was cut");
	} catch (error) {
		throw toFailure(error, context);
	}
	if (text.trim() === "") throw failed(context, "empty", "sent an empty answer");
	const payload = parseJson(text);
	if (isErrorPayload(payload)) throw reportedFailure(payload, context);
	if (!isObject(payload)) throw notAnAnswer(context);
	return payload;
}

/** The parts of a whole answer of one choice, put together. The last part is `finish`. */
export function answerOf(parts: readonly AnswerPart[]): Answer {
	let text = "";
	let reasoning = "";
	for (const part of parts) {
		if (part.type === "text-delta") text += part.text;
		else if (part.type === "reasoning-delta") reasoning += part.text;
		else {
			const { finishReason, usage, reportedCostUsd } = part;
			const choice = { text, reasoning: reasoning === "" ? null : reasoning, finishReason };
			return { choices: [choice], usage, reportedCostUsd };
		}
	}
	throw new TypeError("an answer without a finish part");
}

/**
 * Sends and reads one streamed answer. A body that ends, is cut or is aborted before the answer is whole is an
 * error, never a quiet end. Leaving the loop early closes the connection.
 */
export async function* streamAnswer(
	send: () => Promise<FetchResponse>,
	reader: AnswerReader,
	exchange: Exchange,
): AsyncGenerator<AnswerPart, void, undefined> {
	try {
		const response = await send();
		let done = false;
		let finishing = false;
		for await (const { name, data } of readEvents(response.body)) {
			if (data === "[DONE]") {
				done = true;
				break;
			}
			const payload = parseJson(data);
			if (payload === undefined) {
				throw incomplete(reader.failureContext, "the stream broke off inside an event");
			}
			const parts = reader.read(payload, name);
			if (parts.length > 0) exchange.noteContent();
			yield* parts;
			if (reader.finished && !finishing) {
				finishing = true;
				exchange.noteFinish();
			}
		}
		// A body may end in silence although the exchange was stopped or cut.
		if (exchange.failure !== undefined) throw exchange.failure;
		yield* reader.end(done);
	} catch (error) {
		throw toFailure(error, reader.failureContext);
	}
}
