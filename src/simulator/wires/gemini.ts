import { deltasOf, type SimulatedAnswer, type SimulatedChoice } from "../models.ts";
import type { ErrorDetails, Wire, WireEvent, WireEvents } from "./wire.ts";

const finishReasons = { stop: "STOP", length: "MAX_TOKENS" } as const;

export const geminiWire: Wire = {
	lineEnd: "\r\n",

	plain(request, answer, id) {
		let candidates = "";
		for (let index = 0; index < answer.choices.length; index++) {
			const { text, reasoning, finish } = answer.choices[index] as SimulatedChoice;
			const thought = reasoning === "" ? "" : `${part(reasoning, true)},`;
			candidates += `${index === 0 ? "" : ","}{"content":{"parts":[${thought}${part(text, false)}],"role":"model"},"finishReason":"${finishReasons[finish]}","index":${index}}`;
		}
		return `{"candidates":[${candidates}],${closing(request.model, answer, id)}}`;
	},

	frames(request, answer, id): WireEvents {
		const tail = closing(request.model, answer, id);
		const frame = (index: number, parts: string, finish: string): WireEvent => ({
			data: `{"candidates":[{"content":{"parts":[${parts}],"role":"model"}${finish},"index":${index}}],${tail}}`,
		});
		const content: WireEvent[] = [];
		const finish: WireEvent[] = [];
		for (let index = 0; index < answer.choices.length; index++) {
			const choice = answer.choices[index] as SimulatedChoice;
			for (const piece of deltasOf(choice.reasoning)) content.push(frame(index, part(piece, true), ""));
			for (const piece of deltasOf(choice.text)) content.push(frame(index, part(piece, false), ""));
			finish.push(frame(index, part("", false), `,"finishReason":"${finishReasons[choice.finish]}"`));
		}
		return { opening: [], content, finish, usage: [], done: [] };
	},

	error(status, details) {
		return `${JSON.stringify({ error: errorObject(status, details) }, null, 2)}\n`;
	},

	errorFrame(status, details) {
		return { data: JSON.stringify({ error: errorObject(status, details) }) };
	},

	models(ids) {
		const models = ids.map(({ id, contextWindow }) => ({
			name: `models/${id}`,
			version: "1",
			displayName: id,
			inputTokenLimit: contextWindow,
			outputTokenLimit: 65_536,
			supportedGenerationMethods: ["generateContent", "countTokens"],
		}));
		return JSON.stringify({ models });
	},
};

function part(text: string, thought: boolean): string {
	return thought ? `{"text":${JSON.stringify(text)},"thought":true}` : `{"text":${JSON.stringify(text)}}`;
}

function closing(model: string, answer: SimulatedAnswer, id: number): string {
	const { inputTokens, outputTokens, reasoningTokens } = answer;
	const thoughts = reasoningTokens === 0 ? "" : `,"thoughtsTokenCount":${reasoningTokens}`;
	return `"usageMetadata":{"promptTokenCount":${inputTokens},"candidatesTokenCount":${outputTokens - reasoningTokens},"totalTokenCount":${inputTokens + outputTokens},"promptTokensDetails":[{"modality":"TEXT","tokenCount":${inputTokens}}]${thoughts}},"modelVersion":${JSON.stringify(model)},"responseId":"sim-${id}"`;
}

const statusNames: Readonly<Record<number, string>> = {
	400: "INVALID_ARGUMENT",
	401: "UNAUTHENTICATED",
	403: "PERMISSION_DENIED",
	404: "NOT_FOUND",
	409: "ABORTED",
	429: "RESOURCE_EXHAUSTED",
	499: "CANCELLED",
	500: "INTERNAL",
	501: "UNIMPLEMENTED",
	503: "UNAVAILABLE",
	504: "DEADLINE_EXCEEDED",
};

function errorObject(status: number, details: ErrorDetails): unknown {
	const name = typeof details.code === "string" ? details.code : (statusNames[status] ?? "UNKNOWN");
	const error = { code: status, message: details.message, status: name };
	return details.details === undefined ? error : { ...error, details: details.details };
}
