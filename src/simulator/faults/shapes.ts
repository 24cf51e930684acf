import { json } from "../call.ts";
import { allFrames } from "../wires/wire.ts";
import { changed, contentFault, finishing } from "./change.ts";
import type { Fault } from "./fault.ts";

/** What single providers write in ways of their own. */
export const shapeFaults: readonly Fault[] = [
	contentFault(
		{
			name: "content-list",
			row: "facts",
			does: "content as a list of parts, thinking among them (Mistral)",
			wires: ["openai"],
		},
		{
			openai: (body) => {
				for (const { message } of body.choices) message.content = contentList(message.content);
			},
		},
		(frames, call) =>
			changed(allFrames(frames), call, (body) => {
				for (const { delta } of body.choices) {
					if (typeof delta.content === "string" && delta.content !== "")
						delta.content = contentList(delta.content);
				}
			}),
	),
	finishing(
		{
			name: "finish-reason",
			row: "facts",
			does: "another finish reason (Together's `eos`)",
			value: "the finish reason (eos)",
			wires: ["openai"],
		},
		{ openai: "eos", responses: "", gemini: "", anthropic: "" },
		1,
	),
	contentFault(
		{
			name: "azure-first-chunk",
			row: "facts",
			does: "begins with a chunk without choices (Azure)",
			on: "stream",
			wires: ["openai"],
		},
		{},
		(frames) => [
			{
				data: `{"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":[{"prompt_index":0}]}`,
			},
			...allFrames(frames),
		],
	),
	contentFault(
		{
			name: "null-first-delta",
			row: "facts",
			does: "the first delta has `content: null` (llama-server)",
			on: "stream",
			wires: ["openai"],
		},
		{},
		(frames, call) =>
			allFrames({
				...frames,
				opening: changed(frames.opening, call, (body) => (body.choices[0].delta.content = null)),
			}),
	),
	contentFault(
		{
			name: "reported-cost",
			row: "facts",
			does: "reports the call's cost in usage.cost (OpenRouter)",
			wires: ["openai"],
			value: "the cost in USD (0.00123)",
		},
		{ openai: (body) => (body.usage.cost = 0.00123) },
		(frames, call, value) =>
			allFrames({
				...frames,
				usage: changed(frames.usage, call, (body) => (body.usage.cost = Number(value ?? 0.00123))),
			}),
	),
	{
		name: "numeric-code",
		row: "facts",
		does: "an error whose code is a number (llama-server, OpenRouter)",
		wires: ["openai"],
		value: "the status (503)",
		play: (call, value = "503") =>
			call.send(
				Number(value),
				json,
				JSON.stringify({
					error: { code: Number(value), message: "Loading model", type: "unavailable_error" },
				}),
			),
	},
	{
		name: "say",
		row: "facts",
		does: "answers VALUE, whatever the model and the schema asked for",
		value: "the text (not JSON)",
		async play(call, value = "not JSON") {
			call.say(value);
			await call.respond(undefined);
		},
	},
];

function contentList(text: string): unknown[] {
	const thinking = { type: "thinking", thinking: [{ type: "text", text: "Hm." }] };
	return [thinking, { type: "text", text }];
}
