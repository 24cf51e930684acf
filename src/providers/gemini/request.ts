import type { Parameters } from "../../parameters/table.ts";
import { wireFields } from "../../parameters/wire-fields.ts";
import type { ContentPart, Message, ReasoningEffort, ToolCall } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { argumentsOf } from "../details.ts";
import { isObject, parseJson } from "../error-body.ts";
import { checkParameters, unsupported } from "../parameters.ts";
import type { ProviderRow } from "../provider-row.ts";
import { takeSystem, withDemand, withoutSystem } from "../system-messages.ts";

type Json = Record<string, unknown>;

/** A request as @google/genai takes it, and raw fields to be merged into the body that it makes. */
export interface GeminiRequest {
	readonly contents: readonly Json[];
	readonly config: Json;
	/** Null when there is nothing to merge. */
	readonly patch: Json | null;
}

/** Fields of the body itself; any other raw parameter belongs into its `generationConfig`. */
const bodyFields = new Set([
	"generationConfig",
	"safetySettings",
	"tools",
	"toolConfig",
	"systemInstruction",
	"cachedContent",
	"serviceTier",
	"labels",
	"store",
]);

/**
 * The request for generateContent: system messages become the system instruction, the assistant the role `model`.
 * Throws UnsupportedError for what Gemini or the model cannot take.
 */
export function geminiRequest(provider: ProviderRow, call: AdapterRequest): GeminiRequest {
	const { parameters } = call;
	checkParameters(provider, parameters);
	// Gemma takes no system instruction, JSON mode or thinking: https://ai.google.dev/gemma/docs/core/gemma_on_gemini_api
	const isGemma = /(?:^|\/)gemma-/.test(call.modelId);
	const format = parameters.responseFormat;
	const inPrompt = format?.type === "json-schema" && (isGemma || provider.schemaForm === "prompt");
	const asked = inPrompt ? withDemand(call.messages, format) : call.messages;
	const { system, rest } = takeSystem(provider, isGemma ? withoutSystem(provider, asked) : asked);
	const contents = geminiContents(provider, rest);
	const config: Json = {
		// Both are loops in which the SDK sends further, billed requests of its own.
		automaticContinuation: false,
		automaticFunctionCalling: { disable: true },
	};
	if (system !== undefined) config.systemInstruction = { parts: [{ text: system }] };
	setSampling(config, inPrompt || isGemma ? { ...parameters, responseFormat: undefined } : parameters);
	const thinking = isGemma ? gemmaThinking(provider, call) : thinkingConfig(provider, call);
	if (thinking !== undefined) config.thinkingConfig = thinking;
	return { contents, config, patch: rawPatch({ ...provider.extraBody, ...parameters.extra }) };
}

type Sampling = Omit<Parameters, "responseFormat"> & {
	readonly responseFormat?: Parameters["responseFormat"] | undefined;
};

function setSampling(config: Json, parameters: Sampling): void {
	Object.assign(config, wireFields("gemini", parameters as Parameters));
	const format = parameters.responseFormat;
	if (format === undefined) return;
	config.responseMimeType = "application/json";
	if (format.type === "json-schema") config.responseJsonSchema = format.schema;
}

/** The history, with the results of calls that were asked for together in one turn, as Gemini wants them. */
function geminiContents(provider: ProviderRow, messages: readonly Message[]): Json[] {
	const names = new Map<string, string>();
	const contents: { role: string; parts: Json[]; isResult?: boolean }[] = [];
	for (const { role, content, toolCalls = [], toolCallId = "" } of messages) {
		for (const call of toolCalls) names.set(call.id, call.function.name);
		if (role !== "tool") {
			const text = typeof content === "string" ? [{ text: content }] : content.map(geminiPart);
			const said = toolCalls.length > 0 && content === "" ? [] : text;
			const parts = [...said, ...toolCalls.map((call) => functionCall(provider, call))];
			contents.push({ role: role === "assistant" ? "model" : "user", parts });
			continue;
		}
		const name = names.get(toolCallId);
		if (name === undefined)
			throw unsupported(provider, `the result of a call (${toolCallId}) that is not in the history`);
		const part = { functionResponse: { name, response: responseOf(provider, content) } };
		const last = contents.at(-1);
		if (last?.isResult) last.parts.push(part);
		else contents.push({ role: "user", parts: [part], isResult: true });
	}
	return contents.map(({ role, parts }) => ({ role, parts }));
}

function functionCall(provider: ProviderRow, call: ToolCall): Json {
	const { name } = call.function;
	const args = argumentsOf(call);
	if (args === undefined) throw unsupported(provider, `arguments of ${name} that are not a JSON object`);
	const { google } = isObject(call.extra_content) ? call.extra_content : {};
	const signature = isObject(google) ? google.thought_signature : undefined;
	return {
		functionCall: { name, args },
		...(typeof signature === "string" && { thoughtSignature: signature }),
	};
}

/** A result as the object that Gemini demands; one that is none stands under `result`. */
function responseOf(provider: ProviderRow, content: Message["content"]): Json {
	const text =
		typeof content === "string" ? content : content.map((part) => textOf(provider, part)).join("\n");
	const parsed = parseJson(text);
	return isObject(parsed) ? parsed : { result: parsed ?? text };
}

function textOf(provider: ProviderRow, part: ContentPart): string {
	if (part.type !== "text") throw unsupported(provider, `a tool's result with a part of type ${part.type}`);
	return part.text;
}

function geminiPart(part: ContentPart): Json {
	if (part.type === "text") return { text: part.text };
	if (part.type === "image" && part.url !== undefined)
		return { fileData: { fileUri: part.url, ...(part.mediaType && { mimeType: part.mediaType }) } };
	return { inlineData: { mimeType: part.mediaType ?? "image/png", data: part.data ?? "" } };
}

/**
 * How a model's thinking is steered. Gemini 2.5 counts a budget in tokens; from Gemini 3 on a level is set, and a
 * budget of 0 is taken by the flash models but for 3.5-flash-lite.
 * https://ai.google.dev/gemini-api/docs/thinking
 */
interface Thinking {
	readonly control: "budget" | "level";
	readonly canSwitchOff: boolean;
	readonly largestBudget: number;
}

function thinkingOf(modelId: string): Thinking | undefined {
	const match = /gemini-(\d+)(\.\d+)?-(flash-lite|flash|pro)(.*)$/.exec(modelId);
	if (match === null) return undefined;
	const [, major, minor, kind, rest = ""] = match;
	const version = Number(`${major}${minor ?? ""}`);
	// Models that make images or speech take no thinking parameters.
	if (version < 2.5 || /-(?:image|tts|live|native-audio)/.test(rest)) return undefined;
	return {
		control: version < 3 ? "budget" : "level",
		canSwitchOff: kind !== "pro" && !(version === 3.5 && kind === "flash-lite"),
		largestBudget: kind === "pro" ? 32_768 : 24_576,
	};
}

const budgets: Readonly<Record<Exclude<ReasoningEffort, "none" | "xhigh" | "max">, number>> = {
	minimal: 512,
	low: 1_024,
	medium: 8_192,
	high: 24_576,
};

function gemmaThinking(provider: ProviderRow, { modelId, parameters }: AdapterRequest): undefined {
	const { reasoningEffort, thinkingBudget } = parameters;
	const isOff = (reasoningEffort ?? "none") === "none" && (thinkingBudget ?? 0) === 0;
	if (!isOff) throw unsupported(provider, "thinking", modelId);
}

function thinkingConfig(provider: ProviderRow, call: AdapterRequest): Json | undefined {
	const { modelId, parameters, onNote } = call;
	const { reasoningEffort: effort, thinkingBudget: budget } = parameters;
	const thinking = thinkingOf(modelId);
	if (effort === undefined && budget === undefined) {
		// Thinking is billed as output: without being asked for it is off where the model allows that.
		return thinking?.canSwitchOff ? { thinkingBudget: 0 } : undefined;
	}
	if (effort === "none" || budget === 0) {
		if (thinking !== undefined && !thinking.canSwitchOff)
			throw unsupported(provider, "switching thinking off", modelId);
		return { thinkingBudget: 0 };
	}
	if (budget !== undefined) return { thinkingBudget: budget, includeThoughts: true };
	if (thinking?.control !== "budget") {
		const level = effort === "xhigh" || effort === "max" ? "high" : (effort as string);
		if (level !== effort) onNote?.(`reasoning_effort ${effort} is sent as high, ${modelId}'s highest`);
		return { thinkingLevel: level.toUpperCase(), includeThoughts: true };
	}
	const wanted = effort === "xhigh" || effort === "max" ? thinking.largestBudget : budgets[effort as "low"];
	return { thinkingBudget: wanted, includeThoughts: true };
}

/** Raw parameters as a patch of the body: `config` and fields unknown to the body mean its `generationConfig`. */
function rawPatch(extra: Json): Json | null {
	if (Object.keys(extra).length === 0) return null;
	const { config, ...rest } = extra;
	const patch: Json = {};
	const generation: Json = {};
	for (const [name, value] of Object.entries({ ...(isObject(config) ? config : {}), ...rest })) {
		if (bodyFields.has(name)) patch[name] = value;
		else generation[name] = value;
	}
	if (Object.keys(generation).length > 0)
		patch.generationConfig = isObject(patch.generationConfig)
			? { ...patch.generationConfig, ...generation }
			: generation;
	return patch;
}

/** Merges objects deeply; whatever else stands in the patch replaces what was there. */
export function mergeDeep(target: Json, patch: Json): Json {
	const merged = { ...target };
	for (const [name, value] of Object.entries(patch)) {
		const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
		merged[name] = isObject(before) && isObject(value) ? mergeDeep(before, value) : value;
	}
	return merged;
}
