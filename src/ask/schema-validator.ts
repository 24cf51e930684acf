/** Keeps ajv in a chunk of its own: only calls with a schema load it. */
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";

const options = { allErrors: true, strict: false, validateFormats: false, logger: false } as const;

/**
 * Compiles a JSON Schema (draft 2020-12 when `$schema` says so, else draft-07, as most schemas in the wild are).
 * Returns a function that lists what is wrong with a value, empty when it is valid. Throws what ajv throws for a
 * schema that is itself invalid.
 */
export function compileSchema(schema: Readonly<Record<string, unknown>>): (value: unknown) => string[] {
	const modern = typeof schema.$schema === "string" && schema.$schema.includes("2020-12");
	const validate = (modern ? new Ajv2020(options) : new Ajv(options)).compile(schema);
	return (value) => {
		if (validate(value)) return [];
		return (validate.errors ?? []).map(({ instancePath, message, params }) => {
			const extra = "additionalProperty" in params ? ` (${String(params.additionalProperty)})` : "";
			return `${instancePath || "the answer"} ${message ?? "is invalid"}${extra}`;
		});
	};
}
