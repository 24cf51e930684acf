import { isObject } from "../error-body.ts";

type Json = Record<string, unknown>;

/**
 * Keywords that Anthropic's structured outputs refuse; the answer is checked against the whole schema here.
 * https://docs.anthropic.com/en/docs/build-with-claude/structured-outputs, 2026-11-29
 */
const refused = new Set([
	"minLength",
	"maxLength",
	"minimum",
	"maximum",
	"exclusiveMinimum",
	"exclusiveMaximum",
	"multipleOf",
	"maxItems",
	"uniqueItems",
	"minContains",
	"maxContains",
	"minProperties",
	"maxProperties",
	"patternProperties",
	"propertyNames",
	"if",
	"then",
	"else",
	"not",
]);

/** Keywords whose value is a map of schemas, so that its names are not keywords. */
const maps = new Set(["properties", "$defs", "definitions"]);

/** A copy that Anthropic takes: what it refuses is said in the description, and no object takes other properties. */
export function cleanSchema(schema: unknown): unknown {
	if (Array.isArray(schema)) return schema.map(cleanSchema);
	if (!isObject(schema)) return schema;
	const cleaned: Json = {};
	const said: string[] = [];
	for (const [name, value] of Object.entries(schema)) {
		const isRefused = refused.has(name) || (name === "minItems" && Number(value) > 1);
		if (isRefused) said.push(`${name}: ${JSON.stringify(value)}`);
		else if (maps.has(name) && isObject(value)) cleaned[name] = cleanMap(value);
		else
			cleaned[name] = name === "enum" || name === "const" || name === "default" ? value : cleanSchema(value);
	}
	if (cleaned.type === "object" || isObject(cleaned.properties)) cleaned.additionalProperties = false;
	if (said.length > 0) {
		const about = typeof cleaned.description === "string" ? `${cleaned.description} ` : "";
		cleaned.description = `${about}(${said.join(", ")})`;
	}
	return cleaned;
}

function cleanMap(schemas: Json): Json {
	return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, cleanSchema(schema)]));
}
