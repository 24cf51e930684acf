import type { JobStatus } from "../../jobs/contract.ts";
import { rowsText } from "../../jobs/errors.ts";
import type { JobRecord } from "../../jobs/job-log.ts";

/** What a job brought beside the answers to its rows, in sentences for people. */
export function jobNotes(
	id: string,
	{ rows }: JobRecord,
	results: { readonly size: number; readonly foreign: number; readonly conflicting: number },
	{ state, problems }: JobStatus,
	foreignPath: string | undefined,
): string[] {
	const notes: string[] = [];
	const left = rows - results.size;
	if (state === "expired" || state === "cancelled") {
		const rest = left > 0 ? `; ${left} are missing` : "";
		notes.push(`${id} ${state}: it returned results for ${results.size} of its ${rowsText(rows)}${rest}`);
	} else if (state === "completed" && left > 0) {
		notes.push(`${id} completed without results for ${left} of its ${rowsText(rows)}; they are missing`);
	}
	if (foreignPath !== undefined)
		notes.push(
			`${id} returned ${results.foreign} results that are for none of its rows; they are kept in ${foreignPath}`,
		);
	if (results.conflicting > 0)
		notes.push(`${id} returned ${results.conflicting} results twice; the first of each is kept`);
	const [problem] = state === "completed" ? problems : [];
	if (problem !== undefined) notes.push(`${id}: ${problem.message}`);
	return notes;
}
