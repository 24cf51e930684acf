/**
 * What API keys of the usual providers look like: OpenAI, Anthropic, OpenRouter, DeepSeek (`sk-`), Google (`AIza`),
 * Groq, Perplexity, xAI, Hugging Face, GitHub, NVIDIA, Fireworks, Cerebras. Servers like to echo part of a key.
 */
const keyShapes =
	/\b(?:sk-|gsk_|pplx-|xai-|hf_|ghp_|gho_|ghs_|github_pat_|nvapi-|fw_|csk-|AIza)[A-Za-z0-9_-]{6,}[A-Za-z0-9_*.-]*/g;
const bearer = /\bBearer\s+[A-Za-z0-9._~+/=-]{8,}/gi;

/** Takes the given keys, and whatever looks like one, out of a text. */
export function redact(text: string, keys: readonly (string | undefined)[] = []): string {
	let safe = text;
	for (const key of keys) if (key !== undefined && key.length >= 4) safe = safe.replaceAll(key, "[key]");
	return safe.replace(bearer, "Bearer [key]").replace(keyShapes, "[key]");
}

const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;
const markup = /<(?:script|style)\b[^>]*>[^<]*<\/(?:script|style)>|<[^>]{0,500}>/gi;

/** A server's text as one harmless line of at most `max` characters: no control, bidi or markup characters. */
export function safeText(text: string, max: number): string {
	const start = text.slice(0, 4096);
	const plain = start.trimStart().startsWith("<") ? start.replace(markup, " ") : start;
	const line = plain.replace(unsafe, " ").replace(/ {2,}/g, " ").trim();
	return line.length > max ? `${line.slice(0, max - 1).toWellFormed()}…` : line;
}
