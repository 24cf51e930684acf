/** One provider: everything about it that is not wire code. */
export interface ProviderRow {
	readonly id: string;
}
