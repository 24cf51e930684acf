import { type ParameterKey, type Parameters, parameterKeys, rowOf, type WireFormat } from "./table.ts";

/**
 * The fields of a request body for the parameters that a wire takes as they are; what it takes in a form of its own is
 * left to its request builder. `renamed` holds the fields that this provider or model calls otherwise.
 */
export function wireFields(
	wire: WireFormat,
	parameters: Parameters,
	renamed: { readonly [Key in ParameterKey]?: string | undefined } = {},
): Record<string, unknown> {
	const fields: Record<string, unknown> = {};
	for (const key of parameterKeys) {
		const value = parameters[key];
		if (value === undefined) continue;
		const field = rowOf(key).wires[wire];
		if (typeof field !== "string") continue;
		if (Array.isArray(value) && value.length === 0) continue;
		fields[renamed[key] ?? field] = value;
	}
	return fields;
}

/** Whether a wire has a way to say a parameter at all. */
export function isOnWire(wire: WireFormat, key: ParameterKey): boolean {
	return rowOf(key).wires[wire] !== undefined;
}
