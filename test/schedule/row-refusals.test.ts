import { describe, expect, it } from "vitest";
import { queuedItem } from "../../src/schedule/queued-item.ts";
import { RowRefusals } from "../../src/schedule/row-refusals.ts";

const item = () => queuedItem("row", { inputTokens: 10 }, undefined);

/** Rows of a run, one in a ms: `refusedOf` of each hundred are answered only when they are sent again. */
function run(rows: number, refusedOf = 0) {
	const refusals = new RowRefusals();
	const time = { now: 0 };
	const sent = () => {
		const queued = item();
		queued.attempts = 1;
		refusals.sent(queued, ++time.now);
		return queued;
	};
	const send = (count: number) => {
		for (let row = 0; row < count; row++) {
			const other = sent();
			if (row % 100 < refusedOf) refusals.refused(other, time.now, false);
			refusals.answered(other);
		}
	};
	send(rows);
	return { refusals, send, sent, time };
}

describe("refusals of one row", () => {
	it("have to do with the row when ten others were answered in between, and end it after six at the latest", () => {
		const { refusals, send, sent } = run(500);
		const bad = sent();
		const ends = [1, 2, 3, 4, 5].map(() => {
			const isEnd = refusals.refused(bad, 0, false);
			send(10);
			return isEnd;
		});
		expect(ends).toEqual([false, false, false, false, true]);
		expect(refusals.isOfRow(bad, false)).toBe(true);
	});

	it.each([
		["never answered, end after fewer refusals the more of them there are", false, 200],
		["answered the second time, are chance, and end no row that is not", true, 0],
	])("of 200 rows that are %s", (_, areAnswered, ended) => {
		const { refusals, send, sent } = run(500);
		const rows = Array.from({ length: 200 }, sent);
		const last = sent();
		let ends = 0;
		for (let refusal = 1; refusal <= 8; refusal++) {
			for (const row of areAnswered && refusal > 1 ? [] : rows) if (refusals.refused(row, 0, false)) ends++;
			if (areAnswered && refusal === 2) for (const row of rows) refusals.answered(row);
			if (refusals.refused(last, 0, false)) ends++;
			send(20);
		}
		expect(ends).toBeGreaterThanOrEqual(ended);
		expect(ends > 0).toBe(ended > 0);
	});

	it("give up none of 200 rows when nearly all are refused again and again, though some are answered", () => {
		const { refusals, send, sent } = run(20);
		const rows = Array.from({ length: 200 }, sent);
		for (let refusal = 1; refusal <= 8; refusal++) {
			for (const row of rows) expect(refusals.refused(row, 0, true)).toBe(false);
			send(2);
		}
	});

	it("end no row of a small account whose last rows are all refused, though some were answered meanwhile", () => {
		const { refusals, sent, time } = run(12);
		const rows = Array.from({ length: 14 }, sent);
		const slow = sent();
		for (let refusal = 1; refusal <= 12; refusal++) {
			for (const row of rows) {
				expect(refusals.refused(row, time.now, true)).toBe(false);
				row.attempts++;
				refusals.sent(row, ++time.now);
			}
			if (refusal === 1) refusals.answered(slow);
		}
	});

	it("say nothing of the row when they say themselves that the account has nothing left", () => {
		const { refusals, send, sent } = run(500);
		const last = sent();
		for (let refusal = 0; refusal < 20; refusal++) {
			const requests = { limit: 39, remaining: 0, resetMs: 1_000, windowMs: 60_000 };
			expect(refusals.refused(last, 0, false, { requests })).toBe(false);
			send(10);
		}
		expect(refusals.isOfRow(last, false)).toBe(false);
	});

	it("speak against the row though they say that nothing is left, when answers say the same", () => {
		const { refusals, sent } = run(0);
		const snapshot = { requests: { limit: 39, remaining: 0, resetMs: 1_000, windowMs: 60_000 } };
		const send = (count: number) => {
			for (let row = 0; row < count; row++) refusals.answered(sent(), snapshot);
		};
		send(500);
		const bad = sent();
		const ends = [1, 2, 3, 4, 5].map(() => {
			const isEnd = refusals.refused(bad, 0, false, snapshot);
			send(10);
			return isEnd;
		});
		expect(ends).toEqual([false, false, false, false, true]);
	});

	it("are no more certain than how rarely others are refused is known from a few", () => {
		const { refusals, send, sent } = run(60, 15);
		const unlucky = sent();
		for (let refusal = 0; refusal < 9; refusal++) {
			expect(refusals.refused(unlucky, 0, false)).toBe(false);
			send(5);
		}
	});

	it("end each of many rows after six at the latest, and all but the first of them after four", () => {
		const { refusals, send, sent } = run(20);
		const counts: number[] = [];
		let bad: ReturnType<typeof sent>[] = [];
		for (let round = 0; round < 60; round++) {
			bad.push(sent(), sent(), sent());
			bad = bad.filter((row) => {
				const isEnd = refusals.refused(row, 0, false);
				if (isEnd) counts.push(row.refusals);
				return !isEnd;
			});
			send(7);
		}
		expect(Math.max(...counts)).toBeLessThanOrEqual(6);
		expect(new Set(counts.slice(30))).toEqual(new Set([4]));
	});

	it("end no row when the account has nothing left at the end of a run, until that has had a minute to come back", () => {
		const { refusals, send, sent, time } = run(30);
		const rows = [sent(), sent()];
		for (const row of rows) refusals.refused(row, time.now, false);
		send(12);
		for (const [index, seconds] of [0.5, 2, 4, 20, 40, 60].entries()) {
			for (const row of rows) {
				const now = time.now + 1_000 * seconds;
				row.attempts = index + 2;
				refusals.sent(row, now);
				expect(refusals.refused(row, now, true)).toBe(false);
			}
		}
		const ends = [66, 67].flatMap((seconds) =>
			rows.map((row) => refusals.refused(row, time.now + 1_000 * seconds, true)),
		);
		expect(ends).toEqual([false, false, false, true]);
	});

	it("say nothing of the row while nobody else is answered", () => {
		const { refusals, sent } = run(500);
		const waiting = sent();
		for (let refusal = 0; refusal < 20; refusal++)
			expect(refusals.refused(waiting, refusal * 1000, false)).toBe(false);
		expect(refusals.isOfRow(waiting, false)).toBe(false);
	});

	it("say nothing of the row where most rows are refused", () => {
		const { refusals, send, sent } = run(1_000, 70);
		const waiting = sent();
		refusals.refused(waiting, 0, false);
		send(100);
		expect(refusals.isOfRow(waiting, false)).toBe(false);
	});

	it("end a row later where one in five is refused by chance", () => {
		const { refusals, send, sent } = run(1_000, 20);
		const unlucky = sent();
		for (let refusal = 0; refusal < 8; refusal++) {
			expect(refusals.refused(unlucky, 0, false)).toBe(false);
			send(100);
		}
	});

	it("say nothing of the row when only what was sent with it or before is answered since", () => {
		const { refusals, sent } = run(500);
		const before = Array.from({ length: 20 }, sent);
		const last = sent();
		for (const [index, other] of before.entries()) {
			refusals.answered(other);
			expect(refusals.refused(last, 1_000 + 1_000 * index, true)).toBe(false);
		}
		expect(refusals.isOfRow(last, true)).toBe(false);
	});

	it("end the last row of a run when nothing is answered for more than a minute", () => {
		const { refusals, sent } = run(500);
		const last = sent();
		const times = [0, 10, 20, 40, 60, 67, 68, 69, 70];
		const ends = times.map((seconds) => refusals.refused(last, 1_000 * seconds, true));
		// One refusal after that minute may be chance.
		expect(ends).toEqual(times.map((seconds) => seconds === 70));
	});

	it("end no row after a minute of silence while another is in flight, which may be answered", () => {
		const { refusals, sent } = run(500);
		const last = sent();
		const times = [0, 10, 20, 40, 67, 68, 69, 70, 71];
		for (const seconds of times)
			expect(refusals.refused(last, 1_000 * seconds, true, undefined, false)).toBe(false);
		expect([72, 73, 74, 75].map((seconds) => refusals.refused(last, 1_000 * seconds, true))).toEqual([
			false,
			false,
			false,
			true,
		]);
	});

	it("are no less certain for an outage before, nor more for what was refused for that", () => {
		const { refusals, send, sent } = run(500);
		const met = Array.from({ length: 300 }, sent);
		for (const row of met) refusals.overloaded(row, 0, false);
		for (const row of met) refusals.answered(row);
		const [bad, overloaded] = [sent(), sent()];
		const ends = [1, 2, 3, 4, 5].map(() => {
			refusals.overloaded(overloaded, 0, false);
			const isEnd = refusals.refused(bad, 0, false);
			send(10);
			return isEnd;
		});
		expect(ends).toEqual([false, false, false, false, true]);
		expect(refusals.isOfRow(overloaded, false)).toBe(false);
		expect(refusals.neededOverloads).toBeGreaterThan(5);
	});

	it("say the more of the row the less is left at the end of a run, and no more than before where most is left", () => {
		const isOfRow = [2, 60].map((left) => {
			const { refusals, send, sent } = run(60);
			const rows = Array.from({ length: left }, sent);
			for (let refusal = 1; refusal <= 3; refusal++) {
				for (const row of rows) refusals.refused(row, 0, true);
				send(1);
			}
			return refusals.isOfRow(rows[0] as (typeof rows)[number], true);
		});
		expect(isOfRow).toEqual([true, false]);
	});

	it("are judged by how often those were refused that were answered in the end", () => {
		const { refusals, sent } = run(500);
		const [waiting, ...others] = Array.from({ length: 6 }, sent);
		if (waiting === undefined) throw new Error("nothing was sent");
		for (const other of others) {
			for (let refusal = 0; refusal < 5; refusal++) refusals.refused(other, 1_000, true);
			expect(refusals.refused(waiting, 1_000, true)).toBe(false);
			refusals.answered(other);
		}
		for (let refusal = 0; refusal < 3; refusal++) expect(refusals.refused(waiting, 2_000, true)).toBe(false);
		expect(refusals.isOfRow(waiting, false)).toBe(false);
	});
});
