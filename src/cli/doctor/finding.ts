/** One line of the report. */
export interface Finding {
	readonly about: string;
	readonly state: "ok" | "note" | "problem";
	readonly text: string;
	/** The next step. */
	readonly hint?: string | undefined;
}
