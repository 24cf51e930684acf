import type { ServerEvent } from "../../src/http/contract.ts";
import { type Exchange, exchangeHeader, type FetchResponse, type Http } from "../../src/http/contract.ts";
import { findTransportError, type TransportError } from "../../src/http/transport-error.ts";

/** The TransportError that a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<TransportError> {
	const error = await promise.then(
		() => undefined,
		(reason: unknown) => reason,
	);
	const found = findTransportError(error);
	if (found === undefined) throw new Error(`not a transport error: ${String(error)}`);
	return found;
}

export function post(http: Http, exchange: Exchange, url: string, body = "{}") {
	return http.fetch(url, {
		method: "POST",
		headers: { "content-type": "application/json", [exchangeHeader]: exchange.id },
		body,
	});
}

/** undici gives a connection back to its pool one turn of the event loop after an answer. */
export async function turn(): Promise<void> {
	for (let count = 0; count < 3; count++) await new Promise(setImmediate);
}

/** Reads all events of a stream; `hear` is called with each as it comes. */
export async function readEvents(
	response: FetchResponse,
	hear: (event: ServerEvent) => void = () => {},
): Promise<ServerEvent[]> {
	const stream = response.events();
	const events: ServerEvent[] = [];
	for (let batch = await stream.read(); batch !== null; batch = await stream.read()) {
		for (const event of batch) hear(event);
		events.push(...batch);
	}
	return events;
}
