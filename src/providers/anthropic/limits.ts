/** What depends on the version of a Claude model. */

/** `claude-opus-4-7` is 4.7, `claude-3-5-haiku-latest` 3.5, `claude-opus-4-20250514` 4; unknown names count as new. */
export function versionOf(modelId: string): number {
	const match = /claude-(?:[a-z]+-)?(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/.exec(modelId);
	if (match === null) return Number.POSITIVE_INFINITY;
	return Number(`${match[1]}.${match[2] ?? 0}`);
}

/** Enough for long answers and within each family's maximum: it is a cap, and only what is written is billed. */
export function defaultLimit(version: number): number {
	if (version >= 4) return 16_384;
	return version >= 3.5 ? 8_192 : 4_096;
}
