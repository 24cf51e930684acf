/** `$0.00123`, `unknown`. */
export function formatUsdExactly(usd: number | null | undefined): string {
	if (usd === null || usd === undefined) return "cost unknown";
	if (usd === 0) return "$0";
	return `$${usd >= 0.1 ? usd.toFixed(2) : usd.toPrecision(2)}`.replace(/\.?0+$/, "");
}

/** `840 ms`, `12.3 s`, `from the cache`. */
export function formatMs(ms: number | null | undefined, cached = false): string {
	if (cached) return "from the cache";
	if (ms === null || ms === undefined) return "";
	return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
