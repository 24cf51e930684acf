import { json } from "../call.ts";
import type { WireName } from "../request.ts";
import { allFrames, type WireEvent } from "../wires/wire.ts";
import { changed, contentFault, finishing, type Json } from "./change.ts";
import { type Fault, speaksOpenAi } from "./fault.ts";

const incompleteShapes: readonly Fault[] = [
	contentFault(
		{
			name: "no-choices",
			row: "17",
			does: "answers without any choice (`choices: []`), usage kept",
			wires: ["openai", "responses", "gemini"],
		},
		{
			openai: (body) => (body.choices = []),
			responses: (body) => (body.output = []),
			gemini: (body) => (body.candidates = []),
		},
		({ opening, finish, usage, done }, call) => {
			if (call.request.wire === "gemini") return changed(finish, call, (body) => (body.candidates = []));
			if (call.request.wire === "openai")
				return [...changed([...opening, ...finish], call, (body) => (body.choices = [])), ...usage, ...done];
			return [
				...opening.slice(0, 1),
				...changed(finish.slice(-1), call, ({ response }) => (response.output = [])),
			];
		},
	),
	finishing(
		{ name: "content-null-length", row: "17", does: "content null with the finish reason `length`" },
		{ openai: "length", responses: "max_output_tokens", gemini: "MAX_TOKENS", anthropic: "max_tokens" },
		0,
	),
	contentFault(
		{
			name: "missing-delta",
			row: "17",
			does: "puts frames without a delta between the others",
			on: "stream",
		},
		{},
		({ opening, content, finish, usage, done }, call) => {
			const bare: Record<WireName, WireEvent> = {
				openai: {
					data: `{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"finish_reason":null}]}`,
				},
				responses: {
					event: "response.output_text.delta",
					data: `{"type":"response.output_text.delta","output_index":0,"content_index":0}`,
				},
				gemini: { data: `{"candidates":[{"index":0}]}` },
				anthropic: { event: "content_block_delta", data: `{"type":"content_block_delta","index":0}` },
			};
			const mixed = content.flatMap((frame) => [bare[call.request.wire], frame]);
			return [...opening, ...mixed, ...finish, ...usage, ...done];
		},
	),
];

const blockedReasons = {
	openai: "content_filter",
	responses: "content_filter",
	gemini: "SAFETY",
	anthropic: "refusal",
};

const blocks: readonly Fault[] = [
	finishing(
		{
			name: "content-filter",
			row: "24",
			does: "blocks the whole answer (content_filter, SAFETY, refusal)",
			value: "another finish reason, such as RECITATION",
		},
		blockedReasons,
		0,
	),
	finishing(
		{
			name: "content-filter-midway",
			row: "24",
			does: "blocks the answer after half of it",
			value: "another finish reason",
		},
		blockedReasons,
		0.5,
	),
	{
		name: "content-filter-error",
		row: "24",
		does: "400 because of a content filter (Azure's shape on the OpenAI wire)",
		play(call) {
			const message = "The response was filtered due to the prompt triggering content management policy.";
			if (!speaksOpenAi(call)) {
				call.send(400, json, call.wire.error(400, { message: "Output blocked by content filtering policy" }));
				return;
			}
			const content_filter_result = { violence: { filtered: true, severity: "high" } };
			const innererror = { code: "ResponsibleAIPolicyViolation", content_filter_result };
			call.send(
				400,
				json,
				JSON.stringify({
					error: { message, type: null, param: "prompt", code: "content_filter", status: 400, innererror },
				}),
			);
		},
	},
	contentFault(
		{
			name: "refusal",
			row: "24",
			does: "puts a refusal where the content would be",
			wires: ["openai", "responses"],
		},
		{
			responses: refuse,
			openai: (body) => {
				body.choices[0].message = {
					role: "assistant",
					content: null,
					refusal: refusalText,
				};
			},
		},
		(frames, call) => {
			if (call.request.wire === "responses") {
				const data = JSON.stringify({ type: "response.refusal.delta", output_index: 0, delta: refusalText });
				const ended = changed(frames.finish.slice(-1), call, ({ response }) => refuse(response));
				return [...frames.opening, { event: "response.refusal.delta", data }, ...ended];
			}
			const refusing = changed(frames.content.slice(0, 1), call, (body) => {
				body.choices[0].delta = { refusal: refusalText };
			});
			return allFrames({ ...frames, content: refusing });
		},
	),
	contentFault(
		{
			name: "block-reason",
			row: "24",
			does: "blocks the prompt: promptFeedback.blockReason and no candidates",
			wires: ["gemini"],
		},
		{ gemini: blockPrompt },
		({ finish }, call) => changed(finish, call, blockPrompt),
	),
	contentFault(
		{ name: "no-candidates", row: "24", does: "answers with usage alone", wires: ["gemini"] },
		{ gemini: (body) => delete body.candidates },
		({ finish }, call) => changed(finish, call, (body) => delete body.candidates),
	),
];

/** What a model says that will not answer. */
const refusalText = "I'm sorry, I can't help with that.";

function refuse(response: Json): void {
	response.output.at(-1).content = [{ type: "refusal", refusal: refusalText }];
}

function blockPrompt(body: Json): void {
	delete body.candidates;
	body.promptFeedback = { blockReason: "PROHIBITED_CONTENT" };
}

export const contentFaults: readonly Fault[] = [...incompleteShapes, ...blocks];
