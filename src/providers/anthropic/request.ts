import { UnsupportedError } from "../../errors.ts";
import { rowOf } from "../../parameters/table.ts";
import { wireFields } from "../../parameters/wire-fields.ts";
import type { ContentPart, Message, ReasoningEffort, ToolCall } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { argumentsOf } from "../details.ts";
import { checkParameters, unsupported } from "../parameters.ts";
import type { ProviderRow } from "../provider-row.ts";
import { takeSystem, withDemand } from "../system-messages.ts";
import { defaultLimit, versionOf } from "./limits.ts";
import { cleanSchema } from "./schema.ts";

type Json = Record<string, unknown>;

/**
 * The body of a message request: the system messages apart, and `max_tokens`, which this API demands. Throws
 * UnsupportedError for what the model cannot take; says through `call.onNote` what it changes.
 */
export function anthropicBody(provider: ProviderRow, call: AdapterRequest, stream: boolean): Json {
	const { modelId, parameters } = call;
	checkParameters(provider, parameters);
	const version = versionOf(modelId);
	const format = parameters.responseFormat;
	const inPrompt =
		format?.type === "json-schema" && (version < firstStructured || provider.schemaForm === "prompt");
	const { system, rest } = takeSystem(provider, inPrompt ? withDemand(call.messages, format) : call.messages);
	const messages = rest.map((message) => anthropicMessage(provider, message));
	const body: Json = { model: modelId, max_tokens: defaultLimit(version), messages };
	if (system !== undefined) body.system = call.promptCache === "system" ? kept(system) : system;
	// The API itself marks the last message, and finds what it kept of the messages before.
	if (call.promptCache === "history") body.cache_control = keep;
	setSampling(body, provider, call, version);
	setThinking(body, provider, call, version);
	if (format !== undefined && !inPrompt) {
		if (format.type === "json") throw unsupported(provider, "a JSON response format without a schema");
		const output = (body.output_config ?? {}) as Json;
		body.output_config = { ...output, format: { type: "json_schema", schema: cleanSchema(format.schema) } };
	}
	if (stream) body.stream = true;
	return parameters.extra === undefined ? body : Object.assign(body, parameters.extra);
}

/** For five minutes, and for five more after each reading. */
const keep = { type: "ephemeral" };

/** The system prompt in the form that can be marked. */
function kept(system: string): readonly Json[] {
	return [{ type: "text", text: system, cache_control: keep }];
}

/** Structured outputs came with 4.5: https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs, 2026-11-29 */
const firstStructured = 4.5;
/** Opus 4.7 was the first model to answer 400 to temperature, top_p and top_k. */
const firstWithoutSampling = 4.7;
/** From 4.6 on a model thinks adaptively, steered by effort; a budget in tokens went away with 4.7. */
const firstAdaptive = 4.6;

function setSampling(body: Json, provider: ProviderRow, call: AdapterRequest, version: number): void {
	const { parameters } = call;
	const { temperature, topP } = parameters;
	// https://docs.anthropic.com/en/api/messages, 2026-11-29: from 0 to 1, and from 4.5 on not beside top_p.
	if (temperature !== undefined && temperature > 1)
		throw unsupported(provider, `a temperature of ${temperature}: it goes from 0 to 1`);
	if (temperature !== undefined && topP !== undefined && version >= 4.5)
		throw unsupported(provider, "temperature and top_p together", call.modelId);
	if (version >= firstWithoutSampling) {
		const refused = (["temperature", "topP", "topK"] as const).find((key) => parameters[key] !== undefined);
		if (refused !== undefined) throw unsupported(provider, rowOf(refused).name, call.modelId);
	}
	Object.assign(body, wireFields("anthropic", parameters));
}

const budgets: Readonly<Record<Exclude<ReasoningEffort, "none">, number>> = {
	minimal: 1_024,
	low: 2_048,
	medium: 8_192,
	high: 16_384,
	xhigh: 24_576,
	max: 30_720,
};

function setThinking(body: Json, provider: ProviderRow, call: AdapterRequest, version: number): void {
	const { reasoningEffort: effort, thinkingBudget, maxTokens } = call.parameters;
	if (effort === undefined && thinkingBudget === undefined) return;
	if (effort === "none" || thinkingBudget === 0) {
		// Models before 3.7 know no thinking, and later ones start without it.
		if (version >= 3.7) body.thinking = { type: "disabled" };
		return;
	}
	if (version < 3.7) throw unsupported(provider, "thinking", call.modelId);
	const { temperature, topK } = call.parameters;
	if ((temperature !== undefined && temperature !== 1) || topK !== undefined)
		throw unsupported(provider, "a temperature or top_k beside thinking", call.modelId);
	if (effort !== undefined && version >= firstAdaptive) {
		const level = effort === "minimal" ? "low" : effort;
		if (level !== effort) call.onNote?.("reasoning_effort minimal is sent as low, Anthropic's lowest");
		body.thinking = { type: "adaptive", display: "summarized" };
		body.output_config = { effort: level };
		return;
	}
	if (version >= firstWithoutSampling)
		throw unsupported(provider, "thinking_budget (it takes reasoning_effort)", call.modelId);
	const budget = thinkingBudget ?? budgets[effort as "low"];
	// https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking, 2026-11-29
	if (budget < 1_024)
		throw unsupported(provider, `a thinking budget of ${budget}: it takes 1024 tokens or more`);
	if (maxTokens !== undefined && maxTokens <= budget)
		throw new UnsupportedError(
			`max_tokens (${maxTokens}) must be more than the thinking budget (${budget}), which it includes`,
			{ hint: "raise max_tokens, or lower reasoning_effort or thinking_budget" },
		);
	if (maxTokens === undefined) body.max_tokens = defaultLimit(version) + budget;
	body.thinking = { type: "enabled", budget_tokens: budget };
}

function anthropicMessage(provider: ProviderRow, { role, content, toolCalls, toolCallId }: Message): Json {
	const parts = typeof content === "string" ? content : content.map((part) => anthropicPart(provider, part));
	if (role === "tool")
		return { role: "user", content: [{ type: "tool_result", tool_use_id: toolCallId, content: parts }] };
	if (toolCalls === undefined) return { role, content: parts };
	const said = typeof parts !== "string" ? parts : parts === "" ? [] : [{ type: "text", text: parts }];
	return { role, content: [...said, ...toolCalls.map((call) => toolUse(provider, call))] };
}

function toolUse(provider: ProviderRow, call: ToolCall): Json {
	const input = argumentsOf(call);
	if (input === undefined)
		throw unsupported(provider, `arguments of ${call.function.name} that are not a JSON object`);
	return { type: "tool_use", id: call.id, name: call.function.name, input };
}

function anthropicPart(provider: ProviderRow, part: ContentPart): Json {
	switch (part.type) {
		case "text":
			return { type: "text", text: part.text };
		case "image":
			return part.url === undefined
				? { type: "image", source: base64(part.mediaType ?? "image/png", part.data ?? "") }
				: { type: "image", source: { type: "url", url: part.url } };
		case "file":
			if (part.mediaType !== "application/pdf")
				throw unsupported(provider, `files of type ${part.mediaType}`);
			return {
				type: "document",
				source: base64(part.mediaType, part.data),
				...(part.filename !== undefined && { title: part.filename }),
			};
		case "audio":
			throw unsupported(provider, "audio");
	}
}

function base64(mediaType: string, data: string): Json {
	return { type: "base64", media_type: mediaType, data };
}
