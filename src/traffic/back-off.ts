const firstMs = 500;
const longestMs = 30_000;

/**
 * Ms to wait before sending number `attempt + 1`: doubling from half a second to half a minute, with jitter, and
 * never earlier than the server's hint. `random` gives 0 <= x < 1.
 */
export function backOffMs(attempt: number, hintMs: number | undefined, random: () => number): number {
	const base = Math.min(longestMs, firstMs * 2 ** (attempt - 1));
	return Math.max(base, hintMs ?? 0) * (1 + 0.3 * random());
}
