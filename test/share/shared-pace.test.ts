import { expect, it } from "vitest";
import { SharedPace } from "../../src/share/shared-pace.ts";

it("the first of the shards finds the limit, the others keep to it, and whoever is first next goes on with it", () => {
	const first = new SharedPace();
	const second = new SharedPace();
	const counts = { sent: 0, refused: 0 };
	let found: number | undefined;
	let isNew = false;
	for (let at = 0; at <= 2_000; at += 500) {
		isNew ||= first.hear({ rank: 0, counts: { ...counts }, found }, at);
		found = first.toTell?.perSecond;
		expect(second.hear({ rank: 1, counts: { ...counts }, found }, at)).toBe(false);
		expect(second.toTell).toBeUndefined();
		expect(second.perSecond).toBe(found);
		counts.sent += 200;
		counts.refused += 150;
	}
	expect(isNew).toBe(true);
	expect(found).toBeLessThan(100);
	second.hear({ rank: 0, counts, found }, 2_500);
	expect(second.toTell?.perSecond).toBe(found);
});

it("shards are in touch more often in the beginning, and after a refusal of any of them", () => {
	const pace = new SharedPace();
	const hear = (refused: number, at: number) =>
		pace.hear({ rank: 1, counts: { sent: 100, refused }, found: undefined }, at);
	expect(pace.isAlert(0, 0)).toBe(true);
	expect(pace.isAlert(0, 4_000)).toBe(false);
	expect(pace.isAlert(1, 5_000)).toBe(true);
	expect(pace.isAlert(1, 9_000)).toBe(false);
	hear(3, 10_000);
	expect(pace.isAlert(1, 10_500)).toBe(true);
	hear(3, 14_000);
	expect(pace.isAlert(1, 14_000)).toBe(false);
});
