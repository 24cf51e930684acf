import { deltasOf, type SimulatedAnswer, type SimulatedChoice } from "../models.ts";
import { createdAt, type ErrorDetails, type Wire, type WireEvent, type WireEvents } from "./wire.ts";

const stopReasons = { stop: "end_turn", length: "max_tokens" } as const;
const signature = "c2ltdWxhdGVkLXNpZ25hdHVyZQ==";

export const anthropicWire: Wire = {
	lineEnd: "\n",

	plain(request, answer, id) {
		const { text, reasoning, finish } = answer.choices[0] as SimulatedChoice;
		const thinking =
			reasoning === ""
				? ""
				: `{"type":"thinking","thinking":${JSON.stringify(reasoning)},"signature":"${signature}"},`;
		return `{"id":"msg_sim_${id}","type":"message","role":"assistant","model":${JSON.stringify(request.model)},"content":[${thinking}{"type":"text","text":${JSON.stringify(text)}}],"stop_reason":"${stopReasons[finish]}","stop_sequence":null,"usage":${usageOf(answer, answer.outputTokens)}}`;
	},

	frames(request, answer, id): WireEvents {
		const { text, reasoning, finish } = answer.choices[0] as SimulatedChoice;
		const opening: WireEvent[] = [
			event(
				"message_start",
				`"message":{"id":"msg_sim_${id}","type":"message","role":"assistant","model":${JSON.stringify(request.model)},"content":[],"stop_reason":null,"stop_sequence":null,"usage":${usageOf(answer, 1)}}`,
			),
		];
		const content: WireEvent[] = [];
		let block = 0;
		if (reasoning !== "") {
			opening.push(blockStart(0, `{"type":"thinking","thinking":"","signature":""}`), ping);
			for (const piece of deltasOf(reasoning))
				content.push(blockDelta(0, `{"type":"thinking_delta","thinking":${JSON.stringify(piece)}}`));
			content.push(blockDelta(0, `{"type":"signature_delta","signature":"${signature}"}`));
			content.push(event("content_block_stop", `"index":0`));
			content.push(blockStart(1, `{"type":"text","text":""}`));
			block = 1;
		} else {
			opening.push(blockStart(0, `{"type":"text","text":""}`), ping);
		}
		for (const piece of deltasOf(text))
			content.push(blockDelta(block, `{"type":"text_delta","text":${JSON.stringify(piece)}}`));
		return {
			opening,
			content,
			finish: [
				event("content_block_stop", `"index":${block}`),
				event(
					"message_delta",
					`"delta":{"stop_reason":"${stopReasons[finish]}","stop_sequence":null},"usage":${usageOf(answer, answer.outputTokens)}`,
				),
			],
			usage: [],
			done: [event("message_stop", "")],
		};
	},

	error(status, details) {
		return JSON.stringify({
			type: "error",
			error: errorObject(status, details),
			request_id: "req_simulated",
		});
	},

	errorFrame(status, details) {
		return { event: "error", data: JSON.stringify({ type: "error", error: errorObject(status, details) }) };
	},

	models(ids) {
		const data = ids.map(({ id, contextWindow }) => ({
			type: "model",
			id,
			display_name: id,
			created_at: new Date(createdAt * 1_000).toISOString(),
			max_input_tokens: contextWindow,
		}));
		return JSON.stringify({
			data,
			has_more: false,
			first_id: data[0]?.id ?? null,
			last_id: data.at(-1)?.id ?? null,
		});
	},
};

const ping: WireEvent = { event: "ping", data: `{"type": "ping"}` };

function event(type: string, members: string): WireEvent {
	return { event: type, data: `{"type":"${type}"${members === "" ? "" : `,${members}`}}` };
}

function blockStart(index: number, block: string): WireEvent {
	return event("content_block_start", `"index":${index},"content_block":${block}`);
}

function blockDelta(index: number, delta: string): WireEvent {
	return event("content_block_delta", `"index":${index},"delta":${delta}`);
}

function usageOf(answer: SimulatedAnswer, outputTokens: number): string {
	const { read, written } = answer.kept ?? { read: 0, written: 0 };
	return `{"input_tokens":${answer.inputTokens - read - written},"cache_creation_input_tokens":${written},"cache_read_input_tokens":${read},"output_tokens":${outputTokens}}`;
}

const typeByStatus: Readonly<Record<number, string>> = {
	401: "authentication_error",
	402: "billing_error",
	403: "permission_error",
	404: "not_found_error",
	413: "request_too_large",
	429: "rate_limit_error",
	504: "timeout_error",
	529: "overloaded_error",
};

function errorObject(status: number, details: ErrorDetails): unknown {
	const type =
		details.type ?? typeByStatus[status] ?? (status >= 500 ? "api_error" : "invalid_request_error");
	return { type, message: details.message };
}
