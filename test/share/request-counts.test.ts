import { expect, it } from "vitest";
import { RequestCounts } from "../../src/share/request-counts.ts";

it("requests count by when they were sent, once it is clear what became of them", () => {
	let now = 0;
	const requests = new RequestCounts(() => now);
	const refused = {};
	requests.sent({});
	requests.sent(refused);
	now = 30;
	requests.refused(refused);
	requests.sent(refused);
	expect(requests.refusals).toBe(1);
	expect(requests.counts).toEqual({ sent: 0, refused: 0 });
	now = 140;
	expect(requests.counts).toEqual({ sent: 2, refused: 1 });
	// Later than refusals usually come; and something that was never sent.
	now = 1_000;
	expect(requests.counts).toEqual({ sent: 3, refused: 1 });
	requests.refused(refused);
	requests.refused({});
	expect(requests.counts).toEqual({ sent: 3, refused: 2 });
	// From now on refusals are waited for longer.
	requests.sent({});
	now += 200;
	expect(requests.counts.sent).toBe(3);
	now += 2_000;
	expect(requests.counts.sent).toBe(4);
});
