/** What depends on the version of a Claude model. */

/** `claude-opus-4-7` is 4.7, `claude-3-5-haiku-latest` 3.5, `claude-opus-4-20250514` 4; unknown names count as new. */
export function versionOf(modelId: string): number {
	const match = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(modelId);
	if (match === null) return Number.POSITIVE_INFINITY;
	return Number(`${match[1]}.${match[2] ?? 0}`);
}

/**
 * The fewest tokens of a prompt that the API keeps when it is asked to; shorter ones it does not keep, which costs nothing.
 * https://platform.claude.com/docs/en/build-with-claude/prompt-caching, "Cache limitations", 2026-11-29; of models that
 * the page does not name yet the most that it asks of any.
 */
export function cacheMinimum(modelId: string): number {
	const version = versionOf(modelId);
	if (/haiku/.test(modelId)) return version < 4.5 ? 2_048 : 4_096;
	if (/sonnet/.test(modelId) && version <= 4.6) return version < 4.6 ? 1_024 : 2_048;
	return /opus/.test(modelId) && version < 4.5 ? 1_024 : 4_096;
}

/** Enough for long answers and within each family's maximum: it is a cap, and only what is written is billed. */
export function defaultLimit(version: number): number {
	if (version >= 4) return 16_384;
	return version >= 3.5 ? 8_192 : 4_096;
}
