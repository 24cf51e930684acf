import { allFrames, type WireEvent } from "../wires/wire.ts";
import { changed, contentFault, type Json } from "./change.ts";
import type { Fault } from "./fault.ts";

/** The call that a simulated model asks for. */
export const askedCall = { id: "call_sim_1", name: "get_weather", input: { city: "Zürich", days: 2 } };

const { id, name, input } = askedCall;
const given = JSON.stringify(input);
const openAiCall = { id, type: "function", function: { name, arguments: given } };
const logprobs = {
	content: [{ token: "Hm", logprob: -0.25, bytes: [72, 109], top_logprobs: [] }],
	refusal: null,
};
const citation = {
	type: "url_citation",
	url_citation: { url: "https://example.org/", title: "x", start_index: 0, end_index: 2 },
};

const openAiFrames = (body: Json): Json[] => {
	const piece = (delta: Json, finish: string | null = null): Json => ({
		...body,
		choices: [{ index: 0, delta, finish_reason: finish }],
	});
	const half = Math.ceil(given.length / 2);
	return [
		piece({
			role: "assistant",
			content: null,
			tool_calls: [{ index: 0, ...openAiCall, function: { name, arguments: "" } }],
		}),
		piece({ tool_calls: [{ index: 0, function: { arguments: given.slice(0, half) } }] }),
		piece({ tool_calls: [{ index: 0, function: { arguments: given.slice(half) } }] }),
		piece({}, "tool_calls"),
	];
};

const anthropicEvents = (): Json[] => {
	const half = Math.ceil(given.length / 2);
	return [
		{ type: "content_block_start", index: 1, content_block: { type: "tool_use", id, name, input: {} } },
		{
			type: "content_block_delta",
			index: 1,
			delta: { type: "input_json_delta", partial_json: given.slice(0, half) },
		},
		{
			type: "content_block_delta",
			index: 1,
			delta: { type: "input_json_delta", partial_json: given.slice(half) },
		},
		{ type: "content_block_stop", index: 1 },
	];
};

const responsesItem = {
	type: "function_call",
	id: "fc_sim_1",
	call_id: id,
	name,
	arguments: given,
	status: "completed",
};

const responsesEvents = (): Json[] => {
	const half = Math.ceil(given.length / 2);
	const at = { item_id: responsesItem.id, output_index: 0 };
	const begun = { ...responsesItem, arguments: "", status: "in_progress" };
	return [
		{ type: "response.output_item.added", output_index: 0, item: begun },
		{ type: "response.function_call_arguments.delta", ...at, delta: given.slice(0, half) },
		{ type: "response.function_call_arguments.delta", ...at, delta: given.slice(half) },
		{ type: "response.function_call_arguments.done", ...at, arguments: given },
		{ type: "response.output_item.done", output_index: 0, item: responsesItem },
	];
};

const geminiPart = { functionCall: { id, name, args: input }, thoughtSignature: "c2lnbmF0dXJl" };

/** Answers of which more is paid for than text. */
export const toolFaults: readonly Fault[] = [
	contentFault(
		{ name: "tool-calls", row: "17b", does: "asks for a call of a tool in place of a text" },
		{
			openai(body) {
				for (const choice of body.choices) {
					choice.message = { role: "assistant", content: null, tool_calls: [openAiCall] };
					choice.finish_reason = "tool_calls";
				}
			},
			responses: (body) => {
				body.output = [responsesItem];
			},
			gemini: (body) => {
				body.candidates[0].content.parts = [geminiPart];
			},
			anthropic(body) {
				body.content = [{ type: "tool_use", id, name, input }];
				body.stop_reason = "tool_use";
			},
		},
		({ opening, finish, usage, done }, call) => {
			if (call.request.wire === "openai") {
				const [model] = changed(opening.slice(0, 1), call, () => {});
				const pieces = openAiFrames(JSON.parse(model?.data ?? "{}"));
				return [...pieces.map((piece): WireEvent => ({ data: JSON.stringify(piece) })), ...usage, ...done];
			}
			if (call.request.wire === "gemini") {
				const calling = changed(finish, call, (body) => {
					body.candidates[0].content.parts = [geminiPart];
				});
				return [...opening, ...calling, ...usage, ...done];
			}
			const named = (body: Json): WireEvent => ({ event: body.type, data: JSON.stringify(body) });
			if (call.request.wire === "responses") {
				const ended = changed(finish.slice(-1), call, ({ response }) => {
					response.output = [responsesItem];
				});
				return [...opening.slice(0, 2), ...responsesEvents().map(named), ...ended];
			}
			const events = anthropicEvents().map(named);
			const stopped = changed(finish, call, (body) => {
				if (body.type === "message_delta") body.delta.stop_reason = "tool_use";
			});
			return [...opening, ...events, ...stopped, ...usage, ...done];
		},
	),
	contentFault(
		{
			name: "side-content",
			row: "17b",
			does: "adds logprobs and citations to the text",
			wires: ["openai", "responses"],
		},
		{
			responses: cite,
			openai(body) {
				Object.assign(body, { service_tier: "default", system_fingerprint: "fp_sim" });
				for (const choice of body.choices) {
					choice.message.annotations = [citation];
					choice.logprobs = logprobs;
				}
			},
		},
		(frames, call) => {
			if (call.request.wire === "responses") {
				const ended = changed(frames.finish.slice(-1), call, ({ response }) => cite(response));
				return allFrames({ ...frames, finish: ended });
			}
			const content = changed(frames.content, call, (body) => {
				body.system_fingerprint = "fp_sim";
				body.choices[0].logprobs = logprobs;
			});
			const finish = changed(frames.finish, call, (body) => {
				body.service_tier = "default";
				body.choices[0].delta = { annotations: [citation] };
			});
			return allFrames({ ...frames, content, finish });
		},
	),
];

function cite(response: Json): void {
	const { type, url_citation: source } = citation;
	const [part] = response.output.at(-1).content;
	Object.assign(part, { annotations: [{ type, ...source }], logprobs: logprobs.content });
}
