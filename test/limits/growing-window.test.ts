import { describe, expect, it } from "vitest";
import { GrowingWindow } from "../../src/limits/growing-window.ts";

let sequence = 0;

/** Keeps the window full at a server that answers each request after so long; returns the least size that it had. */
function keepFull(window: GrowingWindow, from: number, latencyMs: number, rounds: number): number {
	let least = Number.POSITIVE_INFINITY;
	for (let round = 0; round < rounds; round++) {
		const sentAt = from + round * latencyMs;
		const { size } = window;
		least = Math.min(least, size);
		window.heldBack(sentAt);
		const first = sequence;
		for (; sequence < first + size; sequence++) window.sent(sequence);
		for (let request = 1; request <= size; request++)
			window.answered({ sequence: first + request - 1, sentAt, inFlight: request }, sentAt + latencyMs);
	}
	return least;
}

it.each([
	2.5, 5, 20,
])("a server that was out may come back %d times as slow, and is no less made use of", (times) => {
	const outMs = 60_000;
	const sizes = [false, true].map((wasOut) => {
		const window = new GrowingWindow(512, false);
		sequence = 0;
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

it("each answer lets two more go until something is refused, and then one; or one where several grow together", () => {
	const grown = [
		{ part: 1, isRefused: false },
		{ part: 1, isRefused: true },
		{ part: 1 / 8, isRefused: false },
	].map(({ part, isRefused }) => {
		const window = new GrowingWindow(512, false, () => part);
		window.proven(8);
		if (isRefused) window.refused();
		const before = window.size;
		for (let answer = 0; answer < 4; answer++) {
			window.sent(answer);
			window.heldBack(1);
			window.answered({ sequence: answer, sentAt: 1, inFlight: 8 }, 100);
		}
		return window.size - before;
	});
	expect(grown).toEqual([8, 4, 4]);
});

describe("between answers", () => {
	/** The sizes every 120 ms, in which refusals are heard, after eight of eight in flight were answered. */
	function sizesOf(window: GrowingWindow): readonly number[] {
		window.proven(8);
		for (let request = 1; request <= 8; request++) {
			window.sent(request - 1);
			window.answered({ sequence: request - 1, sentAt: 0, inFlight: request }, 1_000);
		}
		return Array.from({ length: 6 }, (_, step) => {
			window.waitedAt(1_000 + 120 * step);
			window.heldBack(1_000 + 120 * step);
			return window.size;
		});
	}

	it("the number in flight doubles in the time in which refusals are heard, up to eight times what was answered", () => {
		expect(sizesOf(new GrowingWindow(512, false))).toEqual([8, 16, 32, 64, 64, 64]);
	});

	it("several that grow at the same time do not grow between answers, for each hears only a part of the refusals", () => {
		expect(new Set(sizesOf(new GrowingWindow(512, false, () => 1 / 8)))).toEqual(new Set([8]));
	});

	it("what answers have let it grow counts towards that", () => {
		const window = new GrowingWindow(512, false);
		window.proven(8);
		window.heldBack(0);
		window.waitedAt(0);
		for (let answer = 0; answer < 8; answer++) {
			window.sent(answer);
			window.heldBack(10 * answer);
			window.answered({ sequence: answer, sentAt: 0, inFlight: 8 }, 10 * answer);
		}
		window.waitedAt(119);
		expect(window.size).toBe(24);
	});

	it("it stays what it is after a refusal, until that is known to have nothing to do with the load", () => {
		const window = new GrowingWindow(512, false);
		window.refused();
		expect(new Set(sizesOf(window)).size).toBe(1);
		window.goOn();
		window.waitedAt(5_000);
		expect(window.size).toBe(16);
	});

	it("whoever waits is told when one more may go, and that nothing but an end helps when there is none", () => {
		const window = new GrowingWindow(512, false);
		sizesOf(window);
		expect(window.growsInMs(2_000)).toBe(Number.POSITIVE_INFINITY);
		const growing = new GrowingWindow(512, false);
		growing.proven(8);
		growing.answered({ sequence: 0, sentAt: 0, inFlight: 16 }, 1_000);
		growing.waitedAt(1_000);
		growing.heldBack(1_000);
		const inMs = growing.growsInMs(1_000);
		expect(inMs).toBeGreaterThan(0);
		const { size } = growing;
		growing.waitedAt(1_000 + inMs + 0.01);
		expect(growing.size).toBe(size + 1);
	});
});
