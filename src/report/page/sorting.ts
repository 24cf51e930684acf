import type { ReportData } from "./data.ts";

export type SortKey = "order" | "id" | "cost" | "time" | "tokens" | "length" | "difference";

export const sortLabels: Readonly<Record<SortKey, string>> = {
	order: "order of the file",
	id: "id",
	cost: "cost",
	time: "time",
	tokens: "output tokens",
	length: "length",
	difference: "difference between models",
};

/** Rows in another order; what is not known comes last, whichever way. */
export function sortRows(
	data: ReportData,
	rows: readonly number[],
	key: SortKey,
	descending: boolean,
): readonly number[] {
	if (key === "order") return descending ? rows.toReversed() : rows;
	const sign = descending ? -1 : 1;
	if (key === "id") {
		const collator = new Intl.Collator(undefined, { numeric: true });
		return rows.toSorted(
			(one, other) => sign * collator.compare(data.index.id[one] ?? "", data.index.id[other] ?? ""),
		);
	}
	const values = new Map(rows.map((row) => [row, figureOf(data, row, key)]));
	return rows.toSorted((one, other) => {
		const [a, b] = [values.get(one) ?? null, values.get(other) ?? null];
		if (a === null || b === null) return (a === null ? 1 : 0) - (b === null ? 1 : 0);
		return sign * (a - b) || one - other;
	});
}

/** Of a row that several models have answered: its costs together, its slowest time, its longest answer. */
function figureOf(data: ReportData, row: number, key: Exclude<SortKey, "order" | "id">): number | null {
	const group = data.groupOf(row);
	if (key === "difference") return difference(data, group);
	const { cost, latency, outputTokens, length } = data.index;
	const column = { cost, time: latency, tokens: outputTokens, length }[key];
	const known = group.map((member) => column[member] ?? null).filter((value) => value !== null);
	if (known.length === 0) return null;
	return key === "cost" ? known.reduce((sum, value) => sum + value, 0) : Math.max(...known);
}

/** How far the first two answers of a row are apart, 0 to 1, by the words that they share (Dice's coefficient). */
function difference(data: ReportData, group: readonly number[]): number | null {
	const [first, second] = group.filter((row) => !data.failed(row)).map((row) => data.texts(row).a[0] ?? "");
	if (first === undefined || second === undefined) return null;
	const words = (text: string) => new Set(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []);
	const [one, other] = [words(first), words(second)];
	if (one.size + other.size === 0) return 0;
	let shared = 0;
	for (const word of one) if (other.has(word)) shared += 1;
	return 1 - (2 * shared) / (one.size + other.size);
}
