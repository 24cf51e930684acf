/** The files of a run. */
export interface OutputFiles {
	readonly results: string;
	readonly failures: string;
	/** As messages name them. */
	readonly resultsName: string;
	readonly failuresName: string;
	/** Results that the input no longer asks for. */
	readonly superseded: string;
	readonly supersededName: string;
	/** Where results go when their own folder is gone in the middle of a run. */
	readonly rescueFolders: readonly string[];
}
