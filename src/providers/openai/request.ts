import type { Parameters } from "../../parameters/table.ts";
import { wireFields } from "../../parameters/wire-fields.ts";
import type { ContentPart, JsonSchemaFormat, Message } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { isObject } from "../error-body.ts";
import { checkParameters, unsupported } from "../parameters.ts";
import type { ProviderRow } from "../provider-row.ts";

type Body = Record<string, unknown>;

/** OpenAI's o-series and gpt-5 and newer, also behind a vendor prefix or a fine-tune's. */
const oSeries = /^(?:ft:)?o[1-9]\d*(?:$|-)/;
const newLimit = /^(?:ft:)?(?:o[1-9]\d*(?:$|-)|gpt-(?:[5-9]|[1-9]\d))/;

/**
 * The body of a chat completion. Throws UnsupportedError for what the provider or model cannot take; says through
 * `call.onNote` what it leaves out. Raw parameters come last and win.
 */
export function openAiBody(provider: ProviderRow, call: AdapterRequest, stream: boolean): Body {
	const { modelId, parameters, n } = call;
	checkParameters(provider, parameters);
	const body: Body = {
		...provider.extraBody,
		model: modelId,
		messages: messagesOf(provider, call).map((message) => openAiMessage(provider, message)),
	};
	const name = modelId.slice(modelId.lastIndexOf("/") + 1);
	const renamed = { maxTokens: limitField(provider, name), seed: provider.seedField };
	Object.assign(body, wireFields("openai", parameters, renamed));
	leaveOutTemperature(body, name, call);
	if (parameters.responseFormat !== undefined) {
		const format = parameters.responseFormat;
		const byField = format.type === "json-schema" && provider.schemaForm === "field";
		body.response_format = byField ? schemaFormat(format) : { type: "json_object" };
	}
	setReasoning(body, provider, call);
	if (n > 1) body.n = n;
	if (stream) {
		body.stream = true;
		if (provider.streamUsage) body.stream_options = { include_usage: true };
	}
	return parameters.extra === undefined ? body : Object.assign(body, parameters.extra);
}

function limitField(provider: ProviderRow, name: string): string {
	if (provider.maxTokensField !== "by-model") return provider.maxTokensField;
	return newLimit.test(name) ? "max_completion_tokens" : "max_tokens";
}

function leaveOutTemperature(body: Body, name: string, call: AdapterRequest): void {
	if (body.temperature === undefined || !oSeries.test(name)) return;
	delete body.temperature;
	call.onNote?.(`temperature is left out: ${call.modelId} does not take it`);
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
			body.reasoning_effort = effort;
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

const strictness = new WeakMap<object, boolean>();

function schemaFormat(format: JsonSchemaFormat): Body {
	let strict = strictness.get(format.schema);
	if (strict === undefined) {
		strict = fitsStrictMode(format.schema);
		strictness.set(format.schema, strict);
	}
	return { type: "json_schema", json_schema: { name: format.name, schema: format.schema, strict } };
}

/** Strict mode refuses schemas whose objects have optional or additional properties. */
function fitsStrictMode(schema: unknown): boolean {
	if (Array.isArray(schema)) return schema.every(fitsStrictMode);
	if (!isObject(schema)) return true;
	if (isObject(schema.properties)) {
		const required = Array.isArray(schema.required) ? schema.required : [];
		const names = Object.keys(schema.properties);
		if (schema.additionalProperties !== false || !names.every((name) => required.includes(name)))
			return false;
		if (!Object.values(schema.properties).every(fitsStrictMode)) return false;
	} else if (schema.type === "object") {
		return false;
	}
	return Object.entries(schema).every(([key, value]) => key === "properties" || fitsStrictMode(value));
}

/** The messages, with the schema in the system message where it has no field of its own. */
function messagesOf(provider: ProviderRow, { messages, parameters }: AdapterRequest): readonly Message[] {
	const format = parameters.responseFormat;
	if (format?.type !== "json-schema" || provider.schemaForm === "field") return messages;
	const demand = `Answer with JSON only, without a code fence, that satisfies this JSON Schema:\n${JSON.stringify(format.schema)}`;
	const [first, ...rest] = messages;
	if (first?.role !== "system") return [{ role: "system", content: demand }, ...messages];
	const content =
		typeof first.content === "string"
			? `${first.content}\n\n${demand}`
			: [...first.content, { type: "text" as const, text: demand }];
	return [{ role: "system", content }, ...rest];
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
			if (part.type !== "text" && role !== "user") {
				throw unsupported(provider, `${nameOf(part)} in a message of the ${role}`);
			}
			return openAiPart(provider, part);
		}),
	};
}

function nameOf(part: ContentPart): string {
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
