import { EXCHANGE_HEADER, type Exchange, type Http } from "../../src/http/contract.ts";
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
		headers: { "content-type": "application/json", [EXCHANGE_HEADER]: exchange.id },
		body,
	});
}

/** undici gives a connection back to its pool one turn of the event loop after an answer. */
export async function turn(): Promise<void> {
	for (let count = 0; count < 3; count++) await new Promise(setImmediate);
}

export async function readAll(body: unknown): Promise<string> {
	let text = "";
	for await (const chunk of body as AsyncIterable<Uint8Array>) text += Buffer.from(chunk).toString();
	return text;
}
