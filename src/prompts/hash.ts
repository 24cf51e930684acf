import { hash } from "node:crypto";

/**
 * 64 bits of a text as two unsigned 32-bit lanes, about 50 ns for a short one. Not safe against someone who looks for
 * collisions unless `seed` is secret; whoever relies on it checks equal hashes exactly or can live with a clash.
 * The mixing is that of cyrb53 by bryc (public domain), with both lanes kept whole.
 */
export class LaneHash {
	high = 0;
	low = 0;
	readonly #seed: number;

	constructor(seed: number) {
		this.#seed = seed;
	}

	/** Hashes the texts as one, with a mark between them; read the result in `high` and `low`. */
	update(first: string, second?: string): this {
		let high = 0xdeadbeef ^ this.#seed;
		let low = 0x41c6ce57 ^ Math.imul(this.#seed, 0x9e3779b1);
		for (let index = 0; index < first.length; index++) {
			const code = first.charCodeAt(index);
			high = Math.imul(high ^ code, 2654435761);
			low = Math.imul(low ^ code, 1597334677);
		}
		if (second !== undefined) {
			high = Math.imul(high ^ 0x10000, 2654435761);
			low = Math.imul(low ^ 0x10000, 1597334677);
			for (let index = 0; index < second.length; index++) {
				const code = second.charCodeAt(index);
				high = Math.imul(high ^ code, 2654435761);
				low = Math.imul(low ^ code, 1597334677);
			}
		}
		const mixedHigh = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
		const mixedLow =
			Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(mixedHigh ^ (mixedHigh >>> 13), 3266489909);
		this.high = mixedHigh >>> 0;
		this.low = mixedLow >>> 0;
		return this;
	}
}

const shardHash = new LaneHash(0);

/** Which of `count` shards a row belongs to, from 1. It depends on the id alone, today and in every later version. */
export function shardOf(id: string, count: number): number {
	return (shardHash.update(id).high % count) + 1;
}

/** The first 128 bits of a SHA-256 in hex. */
export function shortHash(text: string): string {
	return hash("sha256", text).slice(0, 32);
}
