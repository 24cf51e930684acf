import { deltasOf, type SimulatedAnswer, type SimulatedChoice } from "../models.ts";
import type { SimulatedRequest } from "../request.ts";
import { openAiError, openAiWire } from "./openai.ts";
import { createdAt, type Wire, type WireEvent, type WireEvents } from "./wire.ts";

/** OpenAI's Responses API. */
export const responsesWire: Wire = {
	lineEnd: "\n",

	plain(request, answer, id) {
		return JSON.stringify(responseOf(request, answer, id));
	},

	frames(request, answer, id): WireEvents {
		const events = new Numbered();
		const { text, reasoning } = spoken(answer);
		const begun = { ...responseOf(request, answer, id), status: "in_progress", output: [], usage: null };
		const opening = [
			events.next("response.created", { response: begun }),
			events.next("response.in_progress", { response: begun }),
		];
		const content: WireEvent[] = [];
		const output = outputOf(answer, id);
		let place = 0;
		if (reasoning !== "") {
			const at = { item_id: `rs_sim_${id}`, output_index: 0, summary_index: 0 };
			const part = { type: "summary_text", text: "" };
			content.push(
				events.next("response.output_item.added", { output_index: 0, item: { ...output[0], summary: [] } }),
				events.next("response.reasoning_summary_part.added", { ...at, part }),
			);
			for (const delta of deltasOf(reasoning))
				content.push(events.next("response.reasoning_summary_text.delta", { ...at, delta }));
			content.push(
				events.next("response.reasoning_summary_text.done", { ...at, text: reasoning }),
				events.next("response.output_item.done", { output_index: 0, item: output[0] }),
			);
			place = 1;
		}
		const message = output[place];
		const at = { item_id: `msg_sim_${id}`, output_index: place, content_index: 0 };
		const started = { ...message, status: "in_progress", content: [] };
		const first = [
			events.next("response.output_item.added", { output_index: place, item: started }),
			events.next("response.content_part.added", { ...at, part: textPart("") }),
		];
		(reasoning === "" ? opening : content).push(...first);
		for (const delta of deltasOf(text))
			content.push(events.next("response.output_text.delta", { ...at, delta, logprobs: [] }));
		const response = responseOf(request, answer, id);
		const finish = [
			events.next("response.output_text.done", { ...at, text, logprobs: [] }),
			events.next("response.content_part.done", { ...at, part: textPart(text) }),
			events.next("response.output_item.done", { output_index: place, item: message }),
			events.next(`response.${response.status}`, { response }),
		];
		return { opening, content, finish, usage: [], done: [] };
	},

	error: openAiWire.error,

	errorFrame(status, details) {
		const { code, ...error } = openAiError(status, details);
		const words =
			code ?? (status >= 500 ? (streamedCodes[status] ?? "server_error") : "invalid_request_error");
		return {
			event: "error",
			data: JSON.stringify({ ...error, code: words, type: "error", sequence_number: 9 }),
		};
	},

	models: openAiWire.models,
};

const streamedCodes: Readonly<Record<number, string>> = {
	503: "server_is_overloaded",
	529: "server_is_overloaded",
};

/** Events count up. */
class Numbered {
	#count = 0;

	next(type: string, fields: object): WireEvent {
		return { event: type, data: JSON.stringify({ type, sequence_number: this.#count++, ...fields }) };
	}
}

/** The text and the reasoning where this wire has them. */
function spoken(answer: SimulatedAnswer): { readonly text: string; readonly reasoning: string } {
	const { text, reasoning } = answer.choices[0] as SimulatedChoice;
	return answer.reasoningForm === "think" && reasoning !== ""
		? { text: `<think>\n${reasoning}</think>\n\n${text}`, reasoning: "" }
		: { text, reasoning };
}

function textPart(text: string): object {
	return { type: "output_text", text, annotations: [], logprobs: [] };
}

function outputOf(answer: SimulatedAnswer, id: number): readonly object[] {
	const { text, reasoning } = spoken(answer);
	const message = {
		id: `msg_sim_${id}`,
		type: "message",
		status: "completed",
		role: "assistant",
		content: [textPart(text)],
	};
	if (reasoning === "") return [message];
	const summary = [{ type: "summary_text", text: reasoning }];
	return [{ id: `rs_sim_${id}`, type: "reasoning", summary }, message];
}

function responseOf(request: SimulatedRequest, answer: SimulatedAnswer, id: number) {
	const isCut = answer.choices[0]?.finish === "length";
	const { inputTokens, outputTokens, reasoningTokens } = answer;
	return {
		id: `resp_sim_${id}`,
		object: "response",
		created_at: createdAt,
		status: isCut ? "incomplete" : "completed",
		background: false,
		error: null,
		incomplete_details: isCut ? { reason: "max_output_tokens" } : null,
		model: request.model,
		output: outputOf(answer, id),
		service_tier: "default",
		store: request.body.store ?? true,
		usage: {
			input_tokens: inputTokens,
			input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
			output_tokens: outputTokens,
			output_tokens_details: { reasoning_tokens: reasoningTokens },
			total_tokens: inputTokens + outputTokens,
		},
	};
}
