import { expect, it } from "vitest";
import { Throttle } from "../../src/limits/throttle.ts";

it("what the server has not counted is given back without losing what was saved up", () => {
	const throttle = new Throttle(1_000, 0);
	throttle.elapse(10);
	throttle.take(10);
	throttle.giveBack();
	let sent = 0;
	for (; throttle.waitMs(10) === 0; sent++) throttle.take(10);
	expect(sent).toBe(9);
});
