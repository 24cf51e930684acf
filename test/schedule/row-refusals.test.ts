import { describe, expect, it } from "vitest";
import { queuedItem } from "../../src/schedule/queued-item.ts";
import { RowRefusals } from "../../src/schedule/row-refusals.ts";

const item = () => queuedItem("row", { inputTokens: 10 }, undefined);

/** Rows of a run: `refusedOf` of each hundred are refused when they are first sent, the others answered. */
function run(rows: number, refusedOf = 0) {
	const refusals = new RowRefusals();
	const send = (count: number) => {
		for (let row = 0; row < count; row++) {
			const other = item();
			refusals.sent(other);
			if (row % 100 < refusedOf) refusals.refused(other, 0, false);
			else refusals.answered(0);
		}
	};
	send(rows);
	return { refusals, send };
}

describe("refusals of one row", () => {
	it("have to do with the row when ten others were answered in between, and end it after six", () => {
		const { refusals, send } = run(500);
		const bad = item();
		const ends = [1, 2, 3, 4, 5, 6].map(() => {
			const isEnd = refusals.refused(bad, 0, false);
			send(10);
			return isEnd;
		});
		expect(ends).toEqual([false, false, false, false, false, true]);
		expect(refusals.isOfRow(bad, false)).toBe(true);
	});

	it("say nothing of the row while nobody else is answered", () => {
		const { refusals } = run(500);
		const waiting = item();
		for (let refusal = 0; refusal < 20; refusal++)
			expect(refusals.refused(waiting, refusal * 1000, false)).toBe(false);
		expect(refusals.isOfRow(waiting, false)).toBe(false);
	});

	it("say nothing of the row where most rows are refused", () => {
		const { refusals, send } = run(1_000, 70);
		const waiting = item();
		refusals.refused(waiting, 0, false);
		send(100);
		expect(refusals.isOfRow(waiting, false)).toBe(false);
	});

	it("end a row later where one in five is refused by chance", () => {
		const { refusals, send } = run(1_000, 20);
		const unlucky = item();
		for (let refusal = 0; refusal < 8; refusal++) {
			expect(refusals.refused(unlucky, 0, false)).toBe(false);
			send(100);
		}
	});
});
