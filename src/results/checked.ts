import type { ProblemList } from "../prompts/problem-list.ts";
import type { RowIndex } from "./row-index.ts";
import type { JournalState } from "./scan.ts";
import type { SupersededRecords } from "./superseded.ts";

/** What a run begins with. */
export interface Checked {
	readonly index: RowIndex;
	readonly problems: ProblemList;
	readonly rows: number;
	/** Rows times models, by what is known of them. */
	readonly done: number;
	readonly failed: number;
	readonly missing: number;
	/** Every model that a row goes to, in the order of their first row. */
	readonly models: readonly string[];
	/** What there is to say about the prompts file beside its problems, with how often. */
	readonly notes: ReadonlyMap<string, number>;
	/** Results that the input no longer asks for, among the others and in a file of their own. */
	readonly staleResults: number;
	readonly superseded: SupersededRecords;
	readonly results: JournalState;
	readonly failures: JournalState;
}
