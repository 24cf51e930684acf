/** The provider's own tools that a request may use, and what they may cost. */
import { isObject } from "../providers/error-body.ts";

type Json = Readonly<Record<string, unknown>>;

export interface ProviderTools {
	/** What they find goes into the prompt. */
	readonly areUsed: boolean;
	/** Web searches at most, where the request or the provider bounds them. */
	readonly searches: number;
	/** In a few words what has no price that is known beforehand; undefined where everything has one. */
	readonly unpriced: string | undefined;
}

/** Run by whoever asks, like functions: OpenAI's and Anthropic's. */
const runByCaller =
	/^(?:function|custom|namespace|bash|text_editor|memory|computer|local_shell|shell|apply_patch)(?:_|$)/;

/** Bring pages, files or results into the prompt, and cost no more than their tokens. */
const tokensOnly = /^(?:web_fetch|url_?context|mcp|tool_search|(?:code_?execution)$)/i;

const search = /^(?:web_search|google_?search)/i;

/** Fields that let a gateway search, or send a request to another model than the one that is asked. */
const gatewayFields = ["plugins", "models", "search_parameters", "enable_search"];

/** What the tools in a request's own fields come to at the provider of a model. */
export function providerTools(
	fields: Json,
	{ provider, modelId }: { provider: string; modelId: string },
): ProviderTools {
	let areUsed = false;
	let searches = isObject(fields.web_search_options) ? 1 : 0;
	let unpriced: string | undefined = gatewayFields.find((name) => isOn(fields[name]));
	const oneSearch = provider === "gemini" && /^gemini-[12]\./.test(modelId);
	for (const tool of Array.isArray(fields.tools) ? fields.tools : []) {
		const kind = kindOf(tool);
		if (kind === undefined || runByCaller.test(kind)) continue;
		areUsed = true;
		if (search.test(kind)) {
			const most = oneSearch ? 1 : (countIn(tool, "max_uses") ?? countIn(fields, "max_tool_calls"));
			if (most === undefined) unpriced ??= "web searches without a bound";
			else searches += most;
		} else if (!tokensOnly.test(kind) || (provider === "anthropic" && /^code_?execution/i.test(kind)))
			unpriced ??= kind.replaceAll("_", " ");
	}
	return { areUsed: areUsed || searches > 0 || unpriced !== undefined, searches, unpriced };
}

/** A tool by its type, or by the one field that Gemini's have; undefined for a function of the caller's. */
function kindOf(tool: unknown): string | undefined {
	if (!isObject(tool)) return "unknown tool";
	if ("function" in tool || "input_schema" in tool || "functionDeclarations" in tool) return undefined;
	if (typeof tool.type === "string") return tool.type;
	return Object.keys(tool)[0] ?? "unknown tool";
}

function countIn(holder: Json, name: string): number | undefined {
	const count = holder[name];
	return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

function isOn(value: unknown): boolean {
	return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== false;
}
