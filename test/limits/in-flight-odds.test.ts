import { expect, it } from "vitest";
import { type Flight, InFlightOdds } from "../../src/limits/in-flight-odds.ts";

const delayMs = 50;

/** Sends one every `everyMs` to a server that works up to `workMs` on each; `lets` says what it lets in. */
function send(
	count: number,
	lets: (others: number, now: number) => boolean,
	{ everyMs = 150, workMs = 2_000, tripMs = delayMs, odds = new InFlightOdds(64), from = 0 } = {},
): InFlightOdds {
	const open: Flight[] = [];
	for (let index = 0; index < count; index++) {
		const now = from + index * everyMs;
		for (const [order, flight] of open.entries()) {
			// Answers take between half and all of that time.
			const endAt = flight.sentAt + workMs * (1 - 0.5 * ((order * 0.618) % 1));
			if (flight.end !== "none" || now < endAt) continue;
			flight.end = "passed";
			flight.endedAt = endAt;
		}
		const others = open.filter(({ end }) => end === "none").length;
		const flight = odds.sent(now);
		if (lets(others, now)) open.push(flight);
		else {
			flight.end = "refused";
			flight.endedAt = now + delayMs;
		}
		odds.learn(now - 2 * delayMs, tripMs);
	}
	return odds;
}

it("finds a limit in flight after a few refusals, and neither where the rate is limited nor where chance refuses", () => {
	expect(send(60, (others) => others < 10).limit).toBe(10);
	expect(send(60, (others) => others < 3).limit).toBe(3);
	let next = 0;
	const isAtRate = (now: number) => {
		if (now < next) return false;
		next = now + 220;
		return true;
	};
	expect(send(400, (_, now) => isAtRate(now)).limit).toBeUndefined();
	expect(send(400, (_, now) => (now / 150) % 7 !== 3).limit).toBeUndefined();
});

it("finds a limit in flight where answers are so quick that nobody knows who was there", () => {
	for (const limit of [8, 14]) {
		const { limit: found = 0 } = send(400, (others) => others < limit, {
			everyMs: 100 / limit,
			workMs: 160,
			tripMs: 20,
		});
		expect(Math.abs(found - limit)).toBeLessThanOrEqual(2);
	}
	let next = 0;
	const isAtRate = (now: number) => {
		if (now < next) return false;
		next = now + 14;
		return true;
	};
	expect(
		send(400, (_, now) => isAtRate(now), { everyMs: 10, workMs: 160, tripMs: 20 }).limit,
	).toBeUndefined();
});

it("lets go of a limit while all is refused with hardly one there", () => {
	const odds = send(60, (others) => others < 10);
	expect(odds.limit).toBe(10);
	send(20, () => false, { odds, from: 20_000 });
	expect(odds.limit).toBeUndefined();
});

it("is not misled by some that are refused by chance", () => {
	// Of 100 some 5, as if by chance.
	const byChance = (now: number) => ((now / 150) * 0.7549) % 1 > 0.95;
	expect(send(200, (others, now) => others < 10 && !byChance(now)).limit).toBe(10);
});

it("does not take what an account had saved up for a limit in flight", () => {
	const odds = new InFlightOdds(64);
	const flights = Array.from({ length: 30 }, () => odds.sent(0));
	for (const flight of flights.slice(12)) {
		flight.end = "refused";
		flight.endedAt = delayMs;
	}
	for (let now = 300; now < 900; now += 100) {
		const flight = odds.sent(now);
		flight.end = "refused";
		flight.endedAt = now + delayMs;
	}
	odds.learn(2_000, delayMs);
	expect(odds.limit).toBeUndefined();
});

it("gives a limit up when more is let through, or when something else shows that there is none", () => {
	const odds = send(60, (others) => others < 5);
	expect(odds.limit).toBe(5);
	send(60, () => true, { odds, from: 20_000 });
	expect(odds.limit).toBeUndefined();
	const other = send(60, (others) => others < 5);
	other.dismiss();
	expect(other.limit).toBeUndefined();
});

it("counts who was there for certain, and who may have been", () => {
	const odds = new InFlightOdds(64);
	const first = odds.sent(0);
	odds.sent(100);
	const third = odds.sent(200);
	first.end = "passed";
	first.endedAt = 220;
	third.end = "refused";
	// The first may have ended before the third arrived.
	expect(odds.othersWith(third, delayMs)).toMatchObject({ least: 1, most: 2, mean: 1.2 });
	first.endedAt = 400;
	expect(odds.othersWith(third, delayMs)).toEqual({ least: 2, most: 2, mean: 2, variance: 0 });
	first.endedAt = 200;
	expect(odds.othersWith(third, delayMs)).toEqual({ least: 1, most: 1, mean: 1, variance: 0 });
});
