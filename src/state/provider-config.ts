/** The servers of the user's own in the config file. */
import {
	ConfigProblem,
	fieldsOf,
	flag,
	listOf,
	oneOf,
	optional,
	recordOf,
	someOf,
	text,
	webAddress,
	withoutUndefined,
} from "./config-reader.ts";
import type { JsonPath } from "./json-lines.ts";

/** A server that the user adds, as the file has it: what `defineProvider` takes. */
export interface UserProvider {
	readonly base_url?: string;
	/** Several servers instead, with the variables of keys that only they are sent. */
	readonly base_urls?: readonly (string | { readonly url: string; readonly key_env?: string })[];
	/** The environment variable that holds its key, besides `<ID>_API_KEY`. */
	readonly key_env?: string;
	readonly key_required?: boolean;
	/** Its name in sentences. */
	readonly label?: string;
	/** It charges nothing. */
	readonly local?: boolean;
	readonly default_model?: string;
	/** It charges nothing, though it is not a server of the user's own. */
	readonly free?: boolean;
	/** What its answers say of their cost is what they cost. */
	readonly reports_cost?: boolean;
	readonly wire?: (typeof wires)[number];
	/** `$NAME` in a value stands for a variable of the environment. */
	readonly headers?: Readonly<Record<string, string>>;
	readonly schema_form?: (typeof schemaForms)[number];
	readonly max_tokens_field?: (typeof limitFields)[number];
	/** What its models take besides text. */
	readonly takes?: readonly (typeof partKinds)[number][];
	/** It has a copy of this batch API at its base URL. */
	readonly jobs?: (typeof jobApis)[number];
}

const wires = ["openai", "responses", "gemini", "anthropic"] as const;
const jobApis = ["openai"] as const;
const schemaForms = ["field", "prompt"] as const;
const limitFields = ["max_tokens", "max_completion_tokens", "by-model"] as const;
const partKinds = ["image", "file", "audio"] as const;

/** Fields of a provider. */
export const providerFields = [
	"base_url",
	"base_urls",
	"key_env",
	"key_required",
	"label",
	"local",
	"default_model",
	"free",
	"reports_cost",
	"wire",
	"headers",
	"schema_form",
	"max_tokens_field",
	"takes",
	"jobs",
] as const;

/** A provider as the file has it. @throws ConfigProblem */
export function readProvider(value: unknown, path: JsonPath): UserProvider {
	const fields = fieldsOf(value, path, providerFields);
	if ((fields.base_url === undefined) === (fields.base_urls === undefined))
		throw new ConfigProblem(
			path,
			`"${path.join(".")}" needs ${fields.base_url === undefined ? 'a "base_url"' : '"base_url" or "base_urls", not both'}`,
		);
	const provider = {
		base_url: optional(webAddress)(fields.base_url, [...path, "base_url"]),
		base_urls: optional(someOf(readServer))(fields.base_urls, [...path, "base_urls"]),
		key_env: optional(text)(fields.key_env, [...path, "key_env"]),
		key_required: optional(flag)(fields.key_required, [...path, "key_required"]),
		label: optional(text)(fields.label, [...path, "label"]),
		local: optional(flag)(fields.local, [...path, "local"]),
		default_model: optional(text)(fields.default_model, [...path, "default_model"]),
		free: optional(flag)(fields.free, [...path, "free"]),
		reports_cost: optional(flag)(fields.reports_cost, [...path, "reports_cost"]),
		wire: optional(oneOf(wires))(fields.wire, [...path, "wire"]),
		headers: optional((given: unknown, at: JsonPath) => recordOf(given, at, text))(fields.headers, [
			...path,
			"headers",
		]),
		schema_form: optional(oneOf(schemaForms))(fields.schema_form, [...path, "schema_form"]),
		max_tokens_field: optional(oneOf(limitFields))(fields.max_tokens_field, [...path, "max_tokens_field"]),
		takes: optional(listOf(oneOf(partKinds)))(fields.takes, [...path, "takes"]),
		jobs: optional(oneOf(jobApis))(fields.jobs, [...path, "jobs"]),
	};
	return withoutUndefined(provider) as UserProvider;
}

function readServer(value: unknown, path: JsonPath) {
	if (typeof value === "string") return webAddress(value, path);
	const { url, key_env } = fieldsOf(value, path, ["url", "key_env"]);
	return { url: webAddress(url, [...path, "url"]), key_env: text(key_env, [...path, "key_env"]) };
}
