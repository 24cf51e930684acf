import type { Result } from "../types.ts";
import { toUsageRow, type UsageRow } from "./usage-row.ts";

/** One answer as `ask --json` prints it and as a line of a batch's results holds it. */
export interface ResultRow {
	readonly model: string;
	/** The answer; `texts` instead when several were asked for. */
	readonly text?: string;
	readonly texts?: readonly string[];
	/** Only where the model showed its reasoning. */
	readonly reasoning?: string;
	readonly finish_reason: string;
	/** null when the provider did not say. */
	readonly usage: UsageRow | null;
	/** null when unknown. */
	readonly cost_usd: number | null;
	readonly cached: boolean;
	readonly attempts: number;
	readonly latency_ms: number;
}

/** The row of a result; `n` above 1 makes it `texts`. */
export function toResultRow(result: Result, n = 1): ResultRow {
	return {
		model: result.model,
		...(n > 1 ? { texts: result.texts } : { text: result.text }),
		...(result.reasoning === null ? {} : { reasoning: result.reasoning }),
		finish_reason: result.finishReason,
		usage: toUsageRow(result.usage),
		cost_usd: result.costUsd,
		cached: result.cached,
		attempts: result.attempts,
		latency_ms: result.latencyMs,
	};
}
