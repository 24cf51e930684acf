/** Random numbers in [0, 1). */
export type Random = () => number;

/** The same seed gives the same numbers on every machine (mulberry32, by Tommy Ettinger, public domain). */
export function seededRandom(seed: number): Random {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

/** How long an answer takes: always the same, or spread as real servers spread it (log-normal). All in ms. */
export type Latency = number | { readonly medianMs: number; readonly p95Ms: number };

// The 95th percentile of the standard normal distribution.
const z95 = 1.6448536269514722;

/** Draws one latency in ms; a fixed one draws nothing. */
export function drawLatency(latency: Latency, random: Random): number {
	if (typeof latency === "number") return latency;
	const { medianMs, p95Ms } = latency;
	if (!(medianMs > 0) || p95Ms <= medianMs) return Math.max(0, medianMs);
	// Box-Muller; 1 - random() is never 0, whose logarithm would be infinite.
	const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
	return medianMs * Math.exp((Math.log(p95Ms / medianMs) / z95) * normal);
}
