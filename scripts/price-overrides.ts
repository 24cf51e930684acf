/** Reads the second source of prices.csv, scripts/price-overrides.csv. */
import papaparse from "papaparse";
import { priceColumns } from "../src/models/price-table.ts";

/** One line of the overrides. */
export interface Override {
	/**
	 * `set` gives a whole row, `patch` the columns that it fills in, for all rows of the model; `drop` takes a model out;
	 * `name` says that the API takes a name which the package has as a mere spelling.
	 */
	readonly action: (typeof actions)[number];
	readonly fields: Readonly<Record<string, string>>;
	/** The day on which the source was read. */
	readonly date: string;
	/** Why the line is there; needed wherever it disagrees with the package. */
	readonly note: string;
	readonly line: number;
}

export const overrideColumns = ["action", ...priceColumns, "note"] as const;

const actions = ["set", "patch", "drop", "name"] as const;

/** Throws an Error that names the line of the first fault. */
export function readOverrides(text: string): Override[] {
	const { data, errors, meta } = papaparse.parse<Record<string, string>>(text, {
		header: true,
		skipEmptyLines: true,
	});
	const [error] = errors;
	if (error !== undefined) throw new Error(`price-overrides.csv:${(error.row ?? 0) + 2}: ${error.message}`);
	if (meta.fields?.join() !== overrideColumns.join()) {
		throw new Error(`price-overrides.csv:1: the columns must be ${overrideColumns.join()}`);
	}
	return data.map((fields, index) => {
		const line = index + 2;
		const { date = "", note = "" } = fields;
		const action = actions.find((known) => known === fields.action);
		if (action === undefined)
			throw new Error(`price-overrides.csv:${line}: unknown action "${fields.action}"`);
		if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`price-overrides.csv:${line}: no date`);
		if (!fields.source) throw new Error(`price-overrides.csv:${line}: no source`);
		if (action === "drop" && note === "") throw new Error(`price-overrides.csv:${line}: no note says why`);
		return { action, fields, date, note, line };
	});
}
