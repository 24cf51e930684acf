import type { Message } from "./types.ts";

/** A text becomes one user message; a history stays what it is. */
export function toMessages(input: unknown): Message[] {
	return (typeof input === "string" ? [{ role: "user", content: input }] : input) as Message[];
}
