/** What may stand at the cursor. */
export interface Candidate {
	readonly text: string;
	/** Shown beside it. */
	readonly note?: string | undefined;
}
