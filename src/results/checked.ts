import type { ProblemList } from "../prompts/problem-list.ts";
import type { RowIndex } from "./row-index.ts";
import type { JournalState } from "./scan.ts";

/** The two files of a run. */
export interface OutputFiles {
	readonly results: string;
	readonly failures: string;
	/** As messages name them. */
	readonly resultsName: string;
	readonly failuresName: string;
	/** Where results go when their own folder is gone in the middle of a run. */
	readonly rescueFolders: readonly string[];
}

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
	readonly results: JournalState;
	readonly failures: JournalState;
}
