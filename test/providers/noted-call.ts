import type { AdapterCall } from "../../src/providers/adapter.ts";

/** A call of which only `call` matters, and what was said to be changed about it. */
export function notedCall(call: Partial<AdapterCall>) {
	const notes: string[] = [];
	const full = {
		modelId: "some-model",
		messages: [{ role: "user", content: "hi" }],
		parameters: {},
		n: 1,
		key: "k",
		onNote: (note: string) => notes.push(note),
		...call,
	} as unknown as AdapterCall;
	return { call: full, notes };
}
