import type { EventStream, Exchange, FetchResponse, ServerEvent } from "../http/contract.ts";
import { TransportError } from "../http/transport-error.ts";
import type { Answer, AnswerPart } from "./adapter.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { isErrorPayload, isObject, parseJson } from "./error-body.ts";
import {
	type FailureContext,
	failed,
	incomplete,
	notAnAnswer,
	reportedFailure,
	toFailure,
} from "./failure.ts";

/** Sends and reads one whole answer: a JSON object that is not an error, or a RequestError. */
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
	if (payload === undefined && /^\s*[{[]/.test(text)) {
		// HTTP/2 knows ends of a body that look like its end and are none.
		throw incomplete(context, "it broke off");
	}
	return checkAnswer(payload, context);
}

/** A parsed body that is an object and no error. @throws RequestError */
export function checkAnswer(payload: unknown, context: FailureContext): Record<string, unknown> {
	if (isErrorPayload(payload)) throw reportedFailure(payload, context);
	if (!isObject(payload)) throw notAnAnswer(context);
	return payload;
}

/** The answer in the last of its parts. */
export function answerOf(last: readonly AnswerPart[]): Answer {
	const part = last.at(-1);
	if (part?.type !== "finish") throw new TypeError("an answer without a finish part");
	const { choice, usage, charges, response } = part;
	return { choices: [choice], usage, charges, response };
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
	let events: EventStream | undefined;
	let told = false;
	try {
		events = (await send()).events();
		for (let batch = await events.read(); batch !== null; batch = await next(events, reader)) {
			for (const event of batch) {
				const parts = reader.take(event);
				if (parts.length > 0) exchange.noteContent();
				for (const part of parts) yield part;
				if (reader.done) break;
			}
			if (reader.finished && !told) {
				told = true;
				exchange.noteFinish();
			}
		}
		// A body may end in silence although the exchange was stopped.
		const { failure } = exchange;
		if (failure !== undefined && !isHarmless(failure, reader)) throw failure;
		for (const part of reader.end()) yield part;
	} catch (error) {
		throw toFailure(error, reader.failureContext);
	} finally {
		events?.stop();
	}
}

/** The next events, or null where nothing more of the answer can come. */
async function next(events: EventStream, reader: AnswerReader): Promise<readonly ServerEvent[] | null> {
	if (reader.done) {
		events.finish();
		return null;
	}
	try {
		return await events.read();
	} catch (error) {
		if (error instanceof TransportError && isHarmless(error, reader)) return null;
		throw error;
	}
}

/** After the finish reason a cut takes nothing but the usage: asking again would pay for the whole answer twice. */
function isHarmless(failure: TransportError, reader: AnswerReader): boolean {
	return failure.reason === "cut" && reader.finished;
}
