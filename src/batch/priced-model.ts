import type { SeenOutput } from "../models/output-bounds.ts";
import type { Price } from "../models/price-table.ts";
import type { Parameters } from "../parameters/table.ts";

/** A model as far as estimates are concerned. */
export interface PricedModel {
	/** Registry id of the provider. */
	readonly provider: string;
	readonly modelId: string;
	/** Servers of the user's own and the simulator charge nothing. */
	readonly isFree: boolean;
	/** For rows that do not set them. */
	readonly defaults?: Parameters | undefined;
	/** Answers that one request may ask for; the default is 1. */
	readonly choicesPerCall?: number | undefined;
	/** A bound that the request carries although nobody set one; undefined without. */
	readonly impliedMaxTokens?: number | undefined;
	/** Prices of the user's own. */
	readonly own?: readonly Price[] | undefined;
	/** How long its answers have been, by the user's ledger. */
	readonly seen?: SeenOutput | undefined;
	/** What requests ask for that name no tier of their own. */
	readonly tier?: string | undefined;
	/** One of its servers is in a region that has a price of its own. */
	readonly region?: string | undefined;
	/** The provider has a batch API, whose prices are its own. */
	readonly hasJobs?: boolean | undefined;
	/** The fewest tokens of a system prompt that its provider keeps when rows share it; undefined where it keeps none. */
	readonly promptCacheMinimum?: number | undefined;
	/** Its rows go as batch jobs, at the price of those. */
	readonly viaJobs?: boolean | undefined;
}
