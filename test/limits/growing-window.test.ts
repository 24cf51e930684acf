import { expect, it } from "vitest";
import { GrowingWindow } from "../../src/limits/growing-window.ts";

/** Keeps the window full at a server that answers each request after so long; returns the least size that it had. */
function keepFull(window: GrowingWindow, from: number, latencyMs: number, rounds: number): number {
	let least = Number.POSITIVE_INFINITY;
	for (let round = 0; round < rounds; round++) {
		const sentAt = from + round * latencyMs;
		const { size } = window;
		least = Math.min(least, size);
		window.heldBack(sentAt);
		for (let request = 1; request <= size; request++) window.answered(sentAt, request, sentAt + latencyMs);
	}
	return least;
}

it.each([
	2.5, 5, 20,
])("a server that was out may come back %d times as slow, and is no less made use of", (times) => {
	const outMs = 60_000;
	const sizes = [false, true].map((wasOut) => {
		const window = new GrowingWindow(512, false);
		window.proven(8);
		keepFull(window, 0, 300, 5);
		const before = window.size;
		if (wasOut) window.revived();
		return keepFull(window, outMs, 300 * times, 5) / before;
	});
	// Longer answers of a server that was there all the time are looked into: they may be those of a queue.
	expect(sizes[0]).toBeLessThan(1);
	expect(sizes[1]).toBe(1);
});
