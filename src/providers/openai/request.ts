import { type ParameterKey, type Parameters, rowOf } from "../../parameters/table.ts";
import { wireFields } from "../../parameters/wire-fields.ts";
import type { ContentPart, JsonSchemaFormat, Message } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { checkParameters, unsupported } from "../parameters.ts";
import type { ProviderRow } from "../provider-row.ts";
import { bareName, refusedBy } from "./models.ts";
import { isStrict, messagesOf } from "./schema.ts";

type Body = Record<string, unknown>;

/** OpenAI's o-series and gpt-5 and newer. */
const newLimit = /^(?:o[1-9]\d*(?:$|-)|gpt-(?:[5-9]|[1-9]\d))/;

/**
 * The body of a chat completion. Throws UnsupportedError for what the provider or model cannot take; says through
 * `call.onNote` what it leaves out. Raw parameters come last and win.
 */
export function openAiBody(provider: ProviderRow, call: AdapterRequest, stream: boolean): Body {
	const { modelId, n } = call;
	checkParameters(provider, call.parameters);
	const parameters = takenBy(provider, call);
	const body: Body = {
		...provider.extraBody,
		model: modelId,
		messages: messagesOf(provider, call).map((message) => openAiMessage(provider, message)),
	};
	const limit = parameters.maxTokens === undefined ? undefined : limitField(provider, modelId);
	const renamed = { maxTokens: limit, seed: provider.seedField };
	Object.assign(body, wireFields("openai", parameters, renamed));
	if (parameters.responseFormat !== undefined) {
		const format = parameters.responseFormat;
		const byField = format.type === "json-schema" && provider.schemaForm === "field";
		body.response_format = byField ? schemaFormat(format) : { type: "json_object" };
	}
	setReasoning(body, provider, { ...call, parameters });
	if (n > 1) body.n = n;
	if (stream) {
		body.stream = true;
		if (provider.streamUsage) body.stream_options = { include_usage: true };
	}
	return parameters.extra === undefined ? body : Object.assign(body, parameters.extra);
}

function limitField(provider: ProviderRow, modelId: string): string {
	if (provider.maxTokensField !== "by-model") return provider.maxTokensField;
	return newLimit.test(bareName(modelId)) ? "max_completion_tokens" : "max_tokens";
}

/** The parameters that the model takes; the others are left out with a note. */
export function takenBy({ id }: ProviderRow, { modelId, parameters, onNote }: AdapterRequest): Parameters {
	const refused = refusedBy(modelId, parameters, id);
	if (refused.length === 0) return parameters;
	for (const field of refused) onNote?.(`${rowOf(field).name} is left out: ${modelId} does not take it`);
	return Object.fromEntries(
		Object.entries(parameters).filter(([field]) => !refused.includes(field as ParameterKey)),
	);
}

function schemaFormat(format: JsonSchemaFormat): Body {
	const { name, schema } = format;
	return { type: "json_schema", json_schema: { name, schema, strict: isStrict(schema) } };
}

function setReasoning(body: Body, provider: ProviderRow, call: AdapterRequest): void {
	const { reasoningEffort, thinkingBudget } = call.parameters;
	// A budget of nothing is the one that every kind of control can express.
	const effort: Parameters["reasoningEffort"] = thinkingBudget === 0 ? "none" : reasoningEffort;
	if (effort === undefined && thinkingBudget === undefined) return;
	switch (provider.reasoning) {
		case "object":
			body.reasoning = effort === undefined ? { max_tokens: thinkingBudget } : { effort };
			return;
		case "effort":
			if (effort === undefined) throw unsupported(provider, "a thinking_budget other than 0");
			body.reasoning_effort = effort === "max" ? "xhigh" : effort;
			if (effort === "max") call.onNote?.("reasoning_effort max is sent as xhigh, the wire's highest");
			// The switch that the chat templates of Qwen, GLM and DeepSeek obey on vLLM and SGLang:
			// https://qwen.readthedocs.io/en/latest/deployment/vllm.html, 2026-11-29
			if (provider.templateSwitch && effort === "none")
				body.chat_template_kwargs = { enable_thinking: false };
			return;
		case "switch":
		case "switch-effort":
			if (effort === undefined) throw unsupported(provider, "a thinking_budget other than 0");
			body.thinking = { type: effort === "none" ? "disabled" : "enabled" };
			if (effort === "none") return;
			if (provider.reasoning === "switch-effort") body.reasoning_effort = effort;
			else call.onNote?.(`${provider.label} switches thinking only on or off`);
	}
}

function openAiMessage(provider: ProviderRow, message: Message): Body {
	const { toolCalls, toolCallId } = message;
	const body = openAiContent(provider, message);
	if (toolCallId !== undefined) return { ...body, tool_call_id: toolCallId };
	if (toolCalls === undefined) return body;
	return { ...body, content: body.content === "" ? null : body.content, tool_calls: toolCalls };
}

function openAiContent(provider: ProviderRow, { role, content }: Message): Body {
	if (typeof content === "string") return { role, content };
	const [first] = content;
	if (content.length === 1 && first?.type === "text") return { role, content: first.text };
	return {
		role,
		content: content.map((part) => {
			if (part.type !== "text" && role !== "user")
				throw unsupported(provider, `${nameOf(part)} in a message of the ${role}`);
			return openAiPart(provider, part);
		}),
	};
}

export function nameOf(part: ContentPart): string {
	return { text: "text", image: "an image", file: "a file", audio: "audio" }[part.type];
}

function openAiPart(provider: ProviderRow, part: ContentPart): Body {
	if (part.type === "text") return { type: "text", text: part.text };
	if (!provider.takes.includes(part.type)) throw unsupported(provider, nameOf(part));
	switch (part.type) {
		case "image": {
			const url = part.url ?? `data:${part.mediaType ?? "image/png"};base64,${part.data ?? ""}`;
			return { type: "image_url", image_url: { url } };
		}
		case "file": {
			const data = `data:${part.mediaType};base64,${part.data}`;
			if (provider.fileForm === "document_url") return { type: "document_url", document_url: data };
			return { type: "file", file: { filename: part.filename ?? "document.pdf", file_data: data } };
		}
		case "audio": {
			const format = audioFormats[part.mediaType.toLowerCase()];
			if (format === undefined) throw unsupported(provider, `audio of type ${part.mediaType}`);
			return { type: "input_audio", input_audio: { data: part.data, format } };
		}
	}
}

const audioFormats: Readonly<Record<string, string>> = {
	"audio/wav": "wav",
	"audio/x-wav": "wav",
	"audio/wave": "wav",
	"audio/mpeg": "mp3",
	"audio/mp3": "mp3",
	"audio/flac": "flac",
	"audio/ogg": "ogg",
	"audio/aac": "aac",
	"audio/aiff": "aiff",
	"audio/mp4": "m4a",
	"audio/x-m4a": "m4a",
};
