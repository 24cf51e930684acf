import { expect, it } from "vitest";
import { ConcurrencyWindow } from "../../src/limits/concurrency-window.ts";

function setUp() {
	const window = new ConcurrencyWindow(512, false);
	let now = 0;
	const answer = (count: number, inFlight: number) => {
		for (let index = 0; index < count; index++) window.succeeded({ sentAt: now, inFlight }, now + 1_000);
	};
	const refuse = (inFlight: number) => window.refused(inFlight, ++now, ++now);
	/** A hundred answers, of which `above` were sent as number `inFlight` or more, and then one is refused there. */
	const episode = (inFlight: number, above = 2) => {
		answer(100 - above, inFlight - 10);
		answer(above, inFlight);
		return refuse(inFlight);
	};
	return { window, answer, refuse, episode };
}

it("tries a limit in flight after three refusals at the same number, which was hardly ever let in", () => {
	const { window, episode } = setUp();
	expect([episode(66), episode(65)]).toEqual([false, false]);
	expect(window.limit).toBeUndefined();
	expect(episode(66)).toBe(true);
	expect(window.limit).toBe(63);
});

it("knows a small limit though the number counted differs by one", () => {
	const { window, episode } = setUp();
	for (const inFlight of [15, 16, 15]) episode(inFlight);
	expect(window.limit).toBe(14);
	const tiny = setUp();
	tiny.answer(100, 1);
	tiny.refuse(5);
	for (const inFlight of [5, 6]) {
		tiny.answer(100, 1);
		tiny.refuse(inFlight);
	}
	expect(tiny.window.limit).toBe(4);
	// A request was counted by the server a little longer than by us.
	expect(tiny.refuse(3)).toBe(true);
	expect(tiny.window.limit).toBe(2);
});

it("takes refusals at numbers that scatter for ones of the rate", () => {
	const { window, episode } = setUp();
	for (const inFlight of [65, 69, 73, 65, 61, 69]) expect(episode(inFlight)).toBe(false);
	expect(window.limit).toBeUndefined();
});

it("is not put off by an episode that proves nothing, but by one that speaks against it", () => {
	const doubtful = setUp();
	for (const above of [2, 2, 12, 2]) doubtful.episode(65, above);
	expect(doubtful.window.limit).toBe(63);
	const refuted = setUp();
	for (const above of [2, 2, 20, 2]) refuted.episode(65, above);
	expect(refuted.window.limit).toBeUndefined();
});

it("gives a limit up at the third refusal while it is on trial, and needs twice the evidence for the next", () => {
	const { window, answer, refuse, episode } = setUp();
	for (let count = 0; count < 3; count++) episode(65);
	answer(200, 62);
	expect([refuse(63), refuse(62), refuse(61)]).toEqual([true, true, false]);
	expect(window.limit).toBeUndefined();
	for (let count = 0; count < 5; count++) episode(65);
	expect(window.limit).toBeUndefined();
	episode(65);
	expect(window.limit).toBe(63);
});

it("keeps a limit that has stood its trial through five refusals", () => {
	const { window, answer, refuse, episode } = setUp();
	for (let count = 0; count < 3; count++) episode(65);
	answer(501, 62);
	for (let count = 0; count < 5; count++) expect(refuse(63)).toBe(true);
	expect(window.limit).toBe(58);
	expect(refuse(58)).toBe(false);
	expect(window.limit).toBeUndefined();
});
