import { deltasOf, type SimulatedAnswer, type SimulatedChoice } from "../models.ts";
import { createdAt, type ErrorDetails, type Wire, type WireEvent, type WireEvents } from "./wire.ts";

const doneFrame: WireEvent = { data: "[DONE]" };

export const openAiWire: Wire = {
	lineEnd: "\n",

	plain(request, answer, id) {
		let choices = "";
		for (let index = 0; index < answer.choices.length; index++) {
			const choice = answer.choices[index] as SimulatedChoice;
			const message = `{"role":"assistant","content":${JSON.stringify(visibleText(answer, choice))}${reasoningMember(answer, choice.reasoning)},"refusal":null}`;
			choices += `${index === 0 ? "" : ","}{"index":${index},"message":${message},"logprobs":null,"finish_reason":"${choice.finish}"}`;
		}
		return `{"id":"chatcmpl-sim-${id}","object":"chat.completion","created":${createdAt},"model":${JSON.stringify(request.model)},"choices":[${choices}],"usage":${usageOf(answer)},"system_fingerprint":"fp_simulator"}`;
	},

	frames(request, answer, id): WireEvents {
		const head = `{"id":"chatcmpl-sim-${id}","object":"chat.completion.chunk","created":${createdAt},"model":${JSON.stringify(request.model)},"system_fingerprint":"fp_simulator","choices":[`;
		const tail = request.includeUsage ? `],"usage":null}` : "]}";
		const frame = (index: number, delta: string, finish: string): WireEvent => ({
			data: `${head}{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${finish}}${tail}`,
		});
		const opening: WireEvent[] = [];
		const content: WireEvent[] = [];
		const finish: WireEvent[] = [];
		for (let index = 0; index < answer.choices.length; index++) {
			const choice = answer.choices[index] as SimulatedChoice;
			opening.push(frame(index, `{"role":"assistant","content":"","refusal":null}`, "null"));
			if (answer.reasoningForm !== "think") {
				const field = answer.reasoningForm === "field" ? "reasoning" : "reasoning_content";
				for (const piece of deltasOf(choice.reasoning))
					content.push(frame(index, `{"content":null,"${field}":${JSON.stringify(piece)}}`, "null"));
			}
			for (const piece of deltasOf(visibleText(answer, choice)))
				content.push(frame(index, `{"content":${JSON.stringify(piece)}}`, "null"));
			finish.push(frame(index, "{}", `"${choice.finish}"`));
		}
		const usage = request.includeUsage ? [{ data: `${head}],"usage":${usageOf(answer)}}` }] : [];
		return { opening, content, finish, usage, done: [doneFrame] };
	},

	error(status, details) {
		return JSON.stringify({ error: openAiError(status, details) });
	},

	errorFrame(status, details) {
		return { data: JSON.stringify({ error: openAiError(status, details) }) };
	},

	models(ids) {
		const data = ids.map(({ id, contextWindow }) => ({
			id,
			object: "model",
			created: createdAt,
			owned_by: "simulator",
			context_length: contextWindow,
		}));
		return JSON.stringify({ object: "list", data });
	},
};

function visibleText(answer: SimulatedAnswer, choice: SimulatedChoice): string {
	return answer.reasoningForm === "think" && choice.reasoning !== ""
		? `<think>\n${choice.reasoning}</think>\n\n${choice.text}`
		: choice.text;
}

function reasoningMember(answer: SimulatedAnswer, reasoning: string): string {
	if (reasoning === "" || answer.reasoningForm === "think") return "";
	return `,"${answer.reasoningForm === "field" ? "reasoning" : "reasoning_content"}":${JSON.stringify(reasoning)}`;
}

function usageOf({ inputTokens, outputTokens, reasoningTokens }: SimulatedAnswer): string {
	return `{"prompt_tokens":${inputTokens},"completion_tokens":${outputTokens},"total_tokens":${inputTokens + outputTokens},"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":${reasoningTokens},"audio_tokens":0}}`;
}

const typeByStatus: Readonly<Record<number, string>> = {
	402: "insufficient_quota",
	403: "request_forbidden",
	409: "conflict_error",
	413: "request_too_large",
	429: "requests",
};

const codeByStatus: Readonly<Record<number, string>> = {
	401: "invalid_api_key",
	402: "insufficient_credits",
	403: "unsupported_country_region_territory",
	404: "model_not_found",
	429: "rate_limit_exceeded",
};

export function openAiError(status: number, details: ErrorDetails) {
	return {
		message: details.message,
		type: details.type ?? typeByStatus[status] ?? (status >= 500 ? "server_error" : "invalid_request_error"),
		param: details.param ?? null,
		code: details.code === undefined ? (codeByStatus[status] ?? null) : details.code,
	};
}
