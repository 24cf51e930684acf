import { describe, expect, it } from "vitest";
import { Ceiling } from "../../src/limits/ceiling.ts";

/** Sends whatever fits from `from` to `to`, asking every 5 ms; returns how much that was. */
function sendAll(ceiling: Ceiling, from: number, to: number): number {
	let sent = 0;
	for (let now = from; now < to; now += 5) {
		while (ceiling.waitMs(1, now) === 0) {
			ceiling.take(1);
			sent++;
		}
	}
	return sent;
}

describe("a ceiling that changes", () => {
	it("lets the new rate through from then on, and no burst for the change", () => {
		const ceiling = new Ceiling(6_000, 0);
		sendAll(ceiling, 0, 10_000);
		ceiling.change(600, 10_000);
		expect(sendAll(ceiling, 10_000, 20_000)).toBeGreaterThanOrEqual(95);
		ceiling.change(6_000, 20_000);
		const sent = sendAll(ceiling, 20_000, 30_000);
		expect(sent).toBeGreaterThanOrEqual(990);
		expect(sent).toBeLessThanOrEqual(1_010);
	});

	it("lets the same through in parts as in one, however often it is divided anew", () => {
		const parts = [new Ceiling(3_000, 0), new Ceiling(3_000, 0), new Ceiling(3_000, 0)];
		let sent = 0;
		for (let second = 0; second < 60; second++) {
			const living = 1 + (second % parts.length);
			for (const [index, part] of parts.entries()) {
				part.change(index < living ? 3_000 / living : 1e-9, second * 1_000);
				if (index < living) sent += sendAll(part, second * 1_000, (second + 1) * 1_000);
			}
		}
		// What each may save up is said once for all of them: a second's worth.
		expect(sent).toBeGreaterThan(0.95 * 3_000);
		expect(sent).toBeLessThan(3_000 + 3 * 50);
	});
});
