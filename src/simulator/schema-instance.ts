type Schema = Readonly<Record<string, unknown>>;

const maxDepth = 24;

/**
 * The smallest value we know to satisfy a JSON Schema (or Gemini's OpenAPI subset with upper-case types). Covers
 * const, enum, objects, arrays, bounds, common formats, anyOf/oneOf/allOf and local $ref; a `pattern` is not tried.
 */
export function schemaInstance(schema: unknown): unknown {
	return instanceOf(schema, isSchema(schema) ? schema : {}, 0);
}

function instanceOf(value: unknown, root: Schema, depth: number): unknown {
	if (!isSchema(value) || depth > maxDepth) return null;
	const schema = resolve(value, root);
	if ("const" in schema) return schema.const;
	if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0];
	const alternative = [schema.anyOf, schema.oneOf].find((list) => Array.isArray(list) && list.length > 0);
	if (alternative !== undefined) return instanceOf((alternative as unknown[])[0], root, depth + 1);
	switch (typeOf(schema)) {
		case "object":
			return objectOf(schema, root, depth);
		case "array":
			return arrayOf(schema, root, depth);
		case "string":
			return stringOf(schema);
		case "integer":
			return numberOf(schema, true);
		case "number":
			return numberOf(schema, false);
		case "boolean":
			return true;
		default:
			return null;
	}
}

function isSchema(value: unknown): value is Schema {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Follows a local $ref and folds allOf in, so that one flat schema remains. */
function resolve(schema: Schema, root: Schema): Schema {
	let flat = schema;
	for (let hops = 0; typeof flat.$ref === "string" && hops < maxDepth; hops++) {
		const { $ref, ...beside } = flat;
		flat = { ...lookUp($ref as string, root), ...beside };
	}
	if (!Array.isArray(flat.allOf)) return flat;
	const { allOf, ...merged } = flat as Record<string, unknown>;
	for (const part of allOf as unknown[]) {
		if (isSchema(part)) {
			const { properties, required, ...rest } = resolve(part, root);
			Object.assign(merged, rest);
			merged.properties = { ...(merged.properties as object), ...(properties as object) };
			merged.required = [...((merged.required as string[]) ?? []), ...((required as string[]) ?? [])];
		}
	}
	return merged;
}

function lookUp(reference: string, root: Schema): Schema {
	let target: unknown = root;
	for (const step of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
		const name = decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~");
		target = isSchema(target) ? target[name] : undefined;
	}
	return isSchema(target) ? target : {};
}

function typeOf(schema: Schema): string {
	const type = Array.isArray(schema.type)
		? (schema.type as unknown[]).find((name) => name !== "null")
		: schema.type;
	if (typeof type === "string") return type.toLowerCase();
	return "properties" in schema ? "object" : "items" in schema ? "array" : "string";
}

function objectOf(schema: Schema, root: Schema, depth: number): Record<string, unknown> {
	const properties = isSchema(schema.properties) ? schema.properties : {};
	const required = Array.isArray(schema.required) ? new Set(schema.required as string[]) : undefined;
	const result: Record<string, unknown> = {};
	for (const name of new Set([...Object.keys(properties), ...(required ?? [])])) {
		// Optional properties end a recursive schema before the depth limit does.
		if (required === undefined || required.has(name) || depth < 3)
			result[name] = instanceOf(properties[name] ?? {}, root, depth + 1);
	}
	return result;
}

function arrayOf(schema: Schema, root: Schema, depth: number): unknown[] {
	const prefix = Array.isArray(schema.prefixItems) ? (schema.prefixItems as unknown[]) : [];
	const least = typeof schema.minItems === "number" ? schema.minItems : depth < 3 ? 1 : 0;
	const most = typeof schema.maxItems === "number" ? schema.maxItems : Number.POSITIVE_INFINITY;
	const length = Math.min(Math.max(least, prefix.length), most, 10_000);
	return Array.from({ length }, (_, index) =>
		instanceOf(prefix[index] ?? schema.items ?? {}, root, depth + 1),
	);
}

const formats: Readonly<Record<string, string>> = {
	"date-time": "2026-01-01T00:00:00Z",
	date: "2026-01-01",
	time: "00:00:00Z",
	duration: "P1D",
	email: "someone@example.com",
	hostname: "example.com",
	ipv4: "192.0.2.1",
	ipv6: "2001:db8::1",
	uri: "https://example.com/",
	uuid: "00000000-0000-4000-8000-000000000000",
};

function stringOf(schema: Schema): string {
	const text = formats[String(schema.format)] ?? "text";
	const least = typeof schema.minLength === "number" ? schema.minLength : 0;
	const most = typeof schema.maxLength === "number" ? schema.maxLength : text.length + least;
	return text.padEnd(least, "x").slice(0, most);
}

function numberOf(schema: Schema, whole: boolean): number {
	const bound = (name: string, otherwise: number): number =>
		typeof schema[name] === "number" ? (schema[name] as number) : otherwise;
	const least = bound("minimum", Number.NEGATIVE_INFINITY);
	const above = bound("exclusiveMinimum", Number.NEGATIVE_INFINITY);
	const most = bound("maximum", Number.POSITIVE_INFINITY);
	const below = bound("exclusiveMaximum", Number.POSITIVE_INFINITY);
	const step = bound("multipleOf", whole ? 1 : 0);
	const fits = (value: number) =>
		value >= least && value > above && value <= most && value < below && (!whole || Number.isInteger(value));
	const from = Math.max(least, above);
	const to = Math.min(most, below);
	const candidates =
		step > 0
			? [
					Math.ceil(1 / step) * step,
					0,
					Math.ceil(from / step) * step,
					(Math.floor(from / step) + 1) * step,
					Math.floor(to / step) * step,
				]
			: [1, 0, from, to, (from + to) / 2, from + 1, to - 1];
	return candidates.find((value) => Number.isFinite(value) && fits(value)) ?? 1;
}
