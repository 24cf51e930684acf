import type { Message } from "../types.ts";
import { sha256 } from "./sha256.ts";

/** What shapes an answer besides the prompt. Two servers, or two settings, never share an answer. */
export interface CacheConfig {
	readonly provider: string;
	readonly baseUrl: string;
	/** Every parameter that changes the answer. */
	readonly [parameter: string]: unknown;
}

/** A prompt of `generate`. */
export interface PromptKey {
	readonly model: string;
	readonly prompt: string;
	readonly system: string | null;
	readonly config: CacheConfig;
}

/** A history of `chat`; the content of attachments is part of it. */
export interface MessagesKey {
	readonly model: string;
	readonly messages: readonly Message[];
	readonly config: CacheConfig;
}

/**
 * The key of an answer: SHA-256, in hexadecimal, over JSON with sorted keys. The two shapes have different fields,
 * so that they never collide.
 */
export function cacheKey(request: PromptKey | MessagesKey): string {
	const model = JSON.stringify(request.model);
	const config = sharedJson(request.config);
	const text =
		"prompt" in request
			? `{"config":${config},"model":${model},"prompt":${JSON.stringify(request.prompt)},"system":${JSON.stringify(request.system)}}`
			: `{"config":${config},"messages":${canonicalJson(request.messages)},"model":${model}}`;
	return hashOf(text);
}

/** So many characters are hashed by hand before node:crypto, which is ten times as fast at it, is worth loading. */
let leftByHand = 4096;

function hashOf(text: string): string {
	leftByHand -= text.length;
	return leftByHand >= 0 ? sha256(text) : process.getBuiltinModule("node:crypto").hash("sha256", text);
}

const jsonOf = new WeakMap<object, string>();

/** As `canonicalJson`, of an object that nobody changes any more and that many requests share. */
export function sharedJson(value: object): string {
	let json = jsonOf.get(value);
	if (json === undefined) {
		json = canonicalJson(value);
		jsonOf.set(value, json);
	}
	return json;
}

/** Most objects are messages, with two keys; to sort them costs as much as the rest of their JSON. */
function sortedKeys(value: object): readonly string[] {
	const keys = Object.keys(value);
	if (keys.length > 2) return keys.sort();
	const [first = "", second = first] = keys;
	return first <= second ? keys : [second, first];
}

/** JSON in which the order of an object's keys does not matter; undefined fields are left out. */
export function canonicalJson(value: unknown): string {
	if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
	let json = "";
	if (Array.isArray(value)) {
		for (const item of value) json += `${json === "" ? "" : ","}${canonicalJson(item ?? null)}`;
		return `[${json}]`;
	}
	for (const name of sortedKeys(value)) {
		const field = (value as Record<string, unknown>)[name];
		if (field !== undefined)
			json += `${json === "" ? "" : ","}${JSON.stringify(name)}:${canonicalJson(field)}`;
	}
	return `{${json}}`;
}
