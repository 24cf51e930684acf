/** What most answers of the OpenAI wire in these tests used. */
export const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };

/** A whole answer. */
export function answer(content: unknown, more: object = {}, finish: string | null = "stop") {
	return {
		object: "chat.completion",
		choices: [{ index: 0, message: { role: "assistant", content, ...more }, finish_reason: finish }],
		usage,
	};
}

/** One event of a stream. */
export function delta(content: unknown, finish: string | null = null, more: object = {}) {
	return { choices: [{ index: 0, delta: { content, ...more }, finish_reason: finish }] };
}
