import type { JsonSchemaFormat, Message } from "../../types.ts";
import type { AdapterRequest } from "../adapter.ts";
import { isObject } from "../error-body.ts";
import type { ProviderRow } from "../provider-row.ts";
import { withDemand } from "../system-messages.ts";

const strictness = new WeakMap<object, boolean>();

/** Whether a schema may be asked for in strict mode, which keeps the model to it. */
export function isStrict(schema: JsonSchemaFormat["schema"]): boolean {
	let strict = strictness.get(schema);
	if (strict === undefined) {
		strict = fitsStrictMode(schema);
		strictness.set(schema, strict);
	}
	return strict;
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
	} else if (schema.type === "object") return false;
	return Object.entries(schema).every(([key, value]) => key === "properties" || fitsStrictMode(value));
}

/** The messages, with the schema in the system message where it has no field of its own. */
export function messagesOf(
	provider: ProviderRow,
	{ messages, parameters }: AdapterRequest,
): readonly Message[] {
	const format = parameters.responseFormat;
	if (format?.type !== "json-schema" || provider.schemaForm === "field") return messages;
	return withDemand(messages, format);
}

/** "This model does not support response format `json_schema`" (Groq), and how others say it; not that a schema is wrong. */
export function isUnknownFormat(body: string): boolean {
	return (
		/response.?format|json.?schema|structured.?output|json mode/i.test(body) &&
		/(?:not|n't) (?:\w+ )?(?:support|enabled|available|allowed)|unsupported|unknown|unrecognized|only supports/i.test(
			body,
		) &&
		!/invalid schema/i.test(body)
	);
}
