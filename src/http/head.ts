import { TransportError } from "./transport-error.ts";

/** The status line and headers of a response; the names in lower case, repeated ones joined. */
export interface Head {
	readonly status: number;
	readonly statusText: string;
	readonly headers: Readonly<Record<string, string>>;
}

type RawHeaders = Readonly<Record<string, string | string[] | undefined>>;

export function readHead(status: number, statusText: string, raw: RawHeaders): Head {
	return { status, statusText, headers: areSingle(raw) ? raw : joined(raw) };
}

/** None came twice, which is so of nearly every response. */
function areSingle(raw: RawHeaders): raw is Readonly<Record<string, string>> {
	for (const name in raw) if (typeof raw[name] !== "string") return false;
	return true;
}

function joined(raw: RawHeaders): Readonly<Record<string, string>> {
	const headers: Record<string, string> = {};
	for (const name in raw) {
		const value = raw[name];
		if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
	}
	return headers;
}

/** Throws for a redirect: it would take the key and the prompt to where the user did not send them. */
export function refuseRedirect({ status, headers }: Head, origin: string): void {
	if (!isRedirect(status) || headers.location === undefined) return;
	const host = URL.parse(headers.location, origin)?.host ?? "an unreadable address";
	throw new TransportError(`refused redirect to ${host} by ${origin}`, { phase: "body", reason: "redirect" });
}

/** Whether the answer is to be had at the address of its `location`. */
export function isRedirect(status: number): boolean {
	return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** The bytes that a response says its body has; Infinity where it does not say. */
export function lengthOf({ headers }: Head): number {
	const length = Number(headers["content-length"] ?? Number.NaN);
	return Number.isInteger(length) ? length : Number.POSITIVE_INFINITY;
}
