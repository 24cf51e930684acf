import type { Usage } from "../types.ts";

/** Usage as files and JSON output spell it. */
export interface UsageRow {
	readonly input_tokens: number;
	readonly cached_input_tokens: number;
	readonly cache_write_tokens: number;
	readonly audio_input_tokens: number;
	readonly output_tokens: number;
	readonly reasoning_tokens: number;
}

/** The row of a usage; null, for unknown, stays null. */
export function toUsageRow(usage: Usage | null): UsageRow | null {
	return (
		usage && {
			input_tokens: usage.inputTokens,
			cached_input_tokens: usage.cachedInputTokens,
			cache_write_tokens: usage.cacheWriteTokens,
			audio_input_tokens: usage.audioInputTokens,
			output_tokens: usage.outputTokens,
			reasoning_tokens: usage.reasoningTokens,
		}
	);
}

/** Whether a value of a file has the shape of a usage. */
export function isUsageRow(value: unknown): value is UsageRow {
	if (typeof value !== "object" || value === null) return false;
	const row = value as Partial<Record<keyof UsageRow, unknown>>;
	const counts = [
		row.input_tokens,
		row.cached_input_tokens,
		row.cache_write_tokens,
		row.audio_input_tokens,
		row.output_tokens,
		row.reasoning_tokens,
	];
	return counts.every((count) => Number.isFinite(count) && (count as number) >= 0);
}

/** The usage of a row; null stays null. */
export function fromUsageRow(row: UsageRow | null): Usage | null {
	return (
		row && {
			inputTokens: row.input_tokens,
			cachedInputTokens: row.cached_input_tokens,
			cacheWriteTokens: row.cache_write_tokens,
			audioInputTokens: row.audio_input_tokens,
			outputTokens: row.output_tokens,
			reasoningTokens: row.reasoning_tokens,
		}
	);
}
