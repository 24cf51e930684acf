import { expect, it } from "vitest";
import { Pacing } from "../../src/ask/pacing.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { Servers } from "../../src/schedule/servers.ts";

function pacingOf(now: () => number): Pacing {
	return new Pacing({
		provider: { label: "a server", local: false, rateHeaders: "openai", chargesMaxTokens: false },
		servers: new Servers([{ name: "", keys: new Keys("a server", ["k"], now) }], now),
		slotsFolder: "",
		now,
	});
}

/** How many are sent in the first second when the first is refused, with these headers, and nothing else is heard. */
function sentAfterRefusal(headers: Readonly<Record<string, string>>): number {
	let now = 0;
	const pacing = pacingOf(() => now);
	const cost = { inputTokens: 10 };
	let sent = 0;
	for (; now < 1_000; now += 5) {
		for (let lane = pacing.route.pick(cost, now, {}); lane; lane = pacing.route.pick(cost, now, {})) {
			const sending = lane.limiter.sent(cost);
			if (sent++ === 0) {
				now += 50;
				lane.limiter.refused(sending, { snapshot: pacing.readHeaders(headers) });
			}
		}
	}
	return sent;
}

it("learns nothing from headers that say nothing of limits, least of all that more may be sent", () => {
	const plain = { "content-type": "application/json", date: "Thu, 01 Jan 2026 00:00:00 GMT" };
	expect(pacingOf(() => 0).readHeaders(plain)).toBeUndefined();
	expect(sentAfterRefusal(plain)).toBeLessThan(10);
	const stated = {
		"x-ratelimit-limit-requests": "600",
		"x-ratelimit-remaining-requests": "599",
		"x-ratelimit-reset-requests": "100ms",
	};
	expect(pacingOf(() => 0).readHeaders(stated)?.requests?.remaining).toBe(599);
});
