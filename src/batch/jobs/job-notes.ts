import type { JobStatus } from "../../jobs/contract.ts";
import { rowsText } from "../../jobs/errors.ts";
import type { JobRecord } from "../../jobs/job-log.ts";
import type { ResultsFile } from "../../jobs/results-file.ts";

/** Results that are kept beside the others. */
interface KeptApart {
	readonly count: number;
	readonly path: string;
}

export interface JobOutcome {
	readonly status: JobStatus;
	/** Of rows that are none of the job's. */
	readonly foreign: KeptApart | undefined;
	/** Of rows as the input does not have them any more. */
	readonly superseded: KeptApart;
}

/** What a job brought beside the answers to its rows, in sentences for people. */
export function jobNotes(
	id: string,
	{ rows }: JobRecord,
	results: Pick<ResultsFile, "size" | "succeeded" | "undone" | "conflicting">,
	{ status: { state, problems, counts }, foreign, superseded }: JobOutcome,
): string[] {
	const notes: string[] = [];
	const returned = results.size - results.undone;
	const left = rows - returned;
	if (state === "expired" || state === "cancelled") {
		const rest = left > 0 ? `; ${left} are missing` : "";
		notes.push(`${id} ${state}: it returned results for ${returned} of its ${rowsText(rows)}${rest}`);
	} else if (state === "completed" && left > 0) {
		notes.push(`${id} completed without results for ${left} of its ${rowsText(rows)}; they are missing`);
	}
	if (counts.succeeded !== null && counts.succeeded > results.succeeded)
		notes.push(
			`${id}: the provider counts ${rowsText(counts.succeeded)} as answered, and returned ${resultsText(results.succeeded)}; the others may have been paid for`,
		);
	if (foreign !== undefined)
		notes.push(
			`${id} returned ${resultsText(foreign.count)} for none of its rows; they are kept in ${foreign.path}`,
		);
	if (superseded.count > 0)
		notes.push(
			`${id} also answered ${rowsText(superseded.count)} that this run does not have (changed, removed or left out since); kept in ${superseded.path}`,
		);
	if (results.conflicting > 0)
		notes.push(`${id} returned ${resultsText(results.conflicting)} twice; the first of each is kept`);
	const [problem] = state === "completed" ? problems : [];
	if (problem !== undefined) notes.push(`${id}: ${problem.message}`);
	return notes;
}

function resultsText(count: number): string {
	return `${count.toLocaleString("en-US")} ${count === 1 ? "result" : "results"}`;
}
