import { expect, it } from "vitest";
import { RatePacer } from "../../src/limits/rate-pacer.ts";

it("draws no conclusion about a new limit from what an old one let through", () => {
	const pacer = new RatePacer(0, false);
	pacer.open(40);
	pacer.refused(pacer.sent(0), 100);
	let now = 1_000;
	for (; now < 100_000; now += 50) pacer.sent(now);
	// Headers say that three times as much is allowed; for two seconds that is used, and then one is refused.
	pacer.release(100);
	for (; now < 102_000; now += 10) pacer.sent(now);
	pacer.refused(pacer.sent(now), now + 100);
	expect(pacer.rate).toBeGreaterThan(60);
});

it("goes on looking upwards when an account has nothing saved up for the first requests", () => {
	const pacer = new RatePacer(0, false);
	let now = 0;
	while (pacer.waitMs(now) === 0) pacer.sent(now);
	now = 100;
	for (let sequence = 1; sequence < 8; sequence++) pacer.refused(sequence, now);
	expect(pacer.waitMs(now)).toBeGreaterThan(100);
	pacer.succeeded(1_000);
	let sent = 0;
	for (; now < 8_000; now += 10) {
		while (pacer.waitMs(now) === 0) {
			pacer.sent(now);
			sent++;
		}
	}
	expect(sent).toBeGreaterThan(60);
});
