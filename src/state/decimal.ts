interface RawJson {
	readonly rawJSON: string;
}

/** What every row of a free model and of the cache costs. */
let zero: number | undefined;

/**
 * A number that JSON.stringify writes with a decimal point and without an exponent: `0.0` rather than `0`. Readers such
 * as DuckDB take a column's type from its first rows, and would make whole dollars of all others. null stays null.
 */
export function decimal(value: number | null): number | null {
	if (value === null || !Number.isFinite(value)) return null;
	if (value === 0) {
		zero ??= raw("0.0");
		return zero;
	}
	const text = String(value);
	if (text.includes("e")) {
		const fixed = value.toFixed(20).replace(/0+$/, "");
		return raw(fixed.endsWith(".") ? `${fixed}0` : fixed);
	}
	return text.includes(".") ? value : raw(`${text}.0`);
}

/** Stands for a number in what is stringified, and nowhere else. */
function raw(text: string): number {
	const { rawJSON } = JSON as unknown as { rawJSON(text: string): RawJson };
	return rawJSON(text) as unknown as number;
}
