import type { ReportData } from "./data.ts";

/** What the reader wants to see. Empty texts and undefined bounds want everything. */
export interface Wanted {
	search: string;
	model: string;
	/** `answered`, `failed`, `cached`, `cut off`. */
	status: string;
	/** A finish reason or the class of a failure. */
	ending: string;
	/** `pass`, `fail`. */
	pass: string;
	minCost: number | undefined;
	maxCost: number | undefined;
	minLength: number | undefined;
	maxLength: number | undefined;
}

export const everything: Readonly<Wanted> = {
	search: "",
	model: "",
	status: "",
	ending: "",
	pass: "",
	minCost: undefined,
	maxCost: undefined,
	minLength: undefined,
	maxLength: undefined,
};

const byStatus: Readonly<Record<string, (data: ReportData, row: number) => boolean>> = {
	answered: (data, row) => !data.failed(row),
	failed: (data, row) => data.failed(row),
	cached: ({ index }, row) => index.cached[row] === 1,
	"cut off": (data, row) => data.ending(row) === "length",
};

/** True when a row's figures are wanted; the search is another matter. */
export function matchesFigures(data: ReportData, row: number, wanted: Wanted): boolean {
	const { index } = data;
	const { model, status, ending, pass, minCost, maxCost, minLength, maxLength } = wanted;
	if (model !== "" && data.modelName(row) !== model) return false;
	if (status !== "" && byStatus[status]?.(data, row) === false) return false;
	if (ending !== "" && data.ending(row) !== ending) return false;
	if (pass !== "" && index.pass[row] !== (pass === "pass" ? 1 : 0)) return false;
	return within(index.cost[row], minCost, maxCost) && within(index.length[row], minLength, maxLength);
}

/** What is not known lies within no bound. */
function within(
	value: number | null | undefined,
	low: number | undefined,
	high: number | undefined,
): boolean {
	if (low === undefined && high === undefined) return true;
	if (value === null || value === undefined) return false;
	return value >= (low ?? Number.NEGATIVE_INFINITY) && value <= (high ?? Number.POSITIVE_INFINITY);
}

/** True when the words stand somewhere in a row: its id, prompt, answers, error or metadata. */
export function matchesSearch(data: ReportData, row: number, lowerCase: string): boolean {
	if (lowerCase === "") return true;
	if (data.index.id[row]?.toLowerCase().includes(lowerCase)) return true;
	const { a, prompt, error, metadata } = data.texts(row);
	const holds = (text: string | undefined) => text?.toLowerCase().includes(lowerCase) ?? false;
	return (
		a.some(holds) ||
		holds(prompt) ||
		holds(error) ||
		(metadata !== undefined && holds(JSON.stringify(metadata)))
	);
}
