import type { Message } from "../types.ts";

/** Prompts that agree in so many UTF-16 units (some 250 tokens) begin alike. */
const prefixLength = 1_024;

/**
 * A number of 32 bits that stands for the beginning of a prompt: all up to its first question, of that what comes
 * first. Servers that keep what they have computed of a beginning (vLLM, SGLang) answer the next such prompt faster.
 */
export function prefixOf(messages: readonly Message[]): number {
	// FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/
	let hash = 0x811c9dc5;
	let left = prefixLength;
	for (const { role, content } of messages) {
		const text = typeof content === "string" ? content : (JSON.stringify(content) ?? "");
		const end = Math.min(text.length, left);
		for (let at = 0; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
		left -= end;
		if (role === "user" || left === 0) break;
	}
	return hash >>> 0;
}
