import type { ResponseFormatTextConfig, ResponseInputContent } from "openai/resources/responses/responses";
import { wireFields } from "../../parameters/wire-fields.ts";
import type { ContentPart, Message, ResponseFormat } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { isObject } from "../error-body.ts";
import { summarizesThoughts } from "../openai/models.ts";
import { nameOf, takenBy } from "../openai/request.ts";
import { isStrict, messagesOf } from "../openai/schema.ts";
import { checkParameters, unsupported } from "../parameters.ts";
import type { ProviderRow } from "../provider-row.ts";

type Body = Record<string, unknown>;

/** How the request is sent, besides what is asked. */
export interface Sending {
	readonly stream: boolean;
	/** A summary of what the model thinks is asked for, where the model can give one. */
	readonly summary: boolean;
}

/**
 * The body of a request to the Responses API, of which the provider is asked to keep nothing (`store`). Throws
 * UnsupportedError for what the provider or model cannot take; says through `call.onNote` what it leaves out. Raw
 * parameters come last and win. https://platform.openai.com/docs/api-reference/responses/create, 2026-11-29
 */
export function responsesBody(provider: ProviderRow, call: AdapterRequest, sending: Sending): Body {
	const { modelId } = call;
	const parameters = takenBy(provider, call);
	checkParameters(provider, parameters);
	const body: Body = {
		...provider.extraBody,
		model: modelId,
		input: messagesOf(provider, call).flatMap((message) => itemsOf(provider, message)),
		store: false,
		...wireFields("responses", parameters),
	};
	if (parameters.responseFormat !== undefined)
		body.text = { format: formatOf(provider, parameters.responseFormat) };
	const reasoning = reasoningOf(provider, call, sending);
	if (Object.keys(reasoning).length > 0) body.reasoning = reasoning;
	if (sending.stream) body.stream = true;
	return withExtra(body, parameters.extra);
}

/** Verbosity stands beside the format in `text`, and a raw one does not take the format away. */
function withExtra(body: Body, extra: Readonly<Body> = {}): Body {
	for (const [name, value] of Object.entries(extra)) {
		const own = body[name];
		body[name] = isObject(own) && isObject(value) ? { ...own, ...value } : value;
	}
	return body;
}

function formatOf(provider: ProviderRow, format: ResponseFormat): ResponseFormatTextConfig {
	if (format.type === "json" || provider.schemaForm === "prompt") return { type: "json_object" };
	const { name, schema } = format;
	return { type: "json_schema", name, schema, strict: isStrict(schema) };
}

function reasoningOf(provider: ProviderRow, call: AdapterRequest, { summary }: Sending): Body {
	const { reasoningEffort, thinkingBudget } = call.parameters;
	const effort = thinkingBudget === 0 ? "none" : reasoningEffort;
	if (effort === undefined && thinkingBudget !== undefined)
		throw unsupported(provider, "a thinking_budget other than 0");
	const isTold = summary && effort !== "none" && summarizesThoughts(call.modelId);
	return { ...(effort !== undefined && { effort }), ...(isTold && { summary: "auto" }) };
}

/** A message as items of the input: calls of tools and what they gave stand beside the messages here. */
function itemsOf(provider: ProviderRow, message: Message): readonly Body[] {
	const { role, toolCalls = [], toolCallId } = message;
	const content = contentOf(provider, message);
	if (toolCallId !== undefined)
		return [{ type: "function_call_output", call_id: toolCallId, output: content }];
	const calls = toolCalls.map(({ id, function: { name, arguments: given } }) => ({
		type: "function_call",
		call_id: id,
		name,
		arguments: given,
	}));
	const isSilent = calls.length > 0 && content.length === 0;
	return isSilent ? calls : [{ role, content }, ...calls];
}

function contentOf(provider: ProviderRow, { role, content }: Message): string | readonly object[] {
	if (typeof content === "string") return content;
	return content.map((part) => {
		if (part.type === "text")
			return { type: role === "assistant" ? "output_text" : "input_text", text: part.text };
		if (role !== "user") throw unsupported(provider, `${nameOf(part)} in a message of the ${role}`);
		return partOf(provider, part);
	});
}

function partOf(provider: ProviderRow, part: Exclude<ContentPart, { type: "text" }>): ResponseInputContent {
	if (!provider.takes.includes(part.type)) throw unsupported(provider, nameOf(part));
	switch (part.type) {
		case "image": {
			const url = part.url ?? `data:${part.mediaType ?? "image/png"};base64,${part.data ?? ""}`;
			return { type: "input_image", image_url: url, detail: "auto" };
		}
		case "file":
			return {
				type: "input_file",
				filename: part.filename ?? "document.pdf",
				file_data: `data:${part.mediaType};base64,${part.data}`,
			};
		case "audio":
			throw unsupported(provider, "audio");
	}
}
