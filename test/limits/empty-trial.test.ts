import { describe, expect, it } from "vitest";
import { judge } from "../../bench/rate-control/law.ts";
import { EmptyTrial } from "../../src/limits/empty-trial.ts";

/** Of `sendings`, each answered with the word that nothing is left, how many went out against it, and what came of that. */
function tryOut(isRefused: (sendingAgainst: number) => boolean, sendings = 300) {
	const trial = new EmptyTrial();
	let against = 0;
	for (let count = 0; count < sendings && !trial.isRefuted; count++) {
		if (!trial.isOn) {
			trial.answered(true, false);
			continue;
		}
		trial.sent();
		if (isRefused(against++)) trial.refused();
		else trial.answered(true, true);
	}
	return { trial, against };
}

describe("the word that nothing is left", () => {
	it("is refuted by a few requests that are answered all the same", () => {
		const { trial, against } = tryOut(() => false);
		expect(trial.isRefuted).toBe(true);
		expect(against).toBe(3);
	});

	it("is refuted while one in five is refused by chance", () => {
		expect(tryOut((sending) => sending % 5 === 1).trial.isRefuted).toBe(true);
	});

	it("is borne out by refusals, and then doubted more and more rarely", () => {
		const { trial, against } = tryOut(() => true);
		expect(trial.isRefuted).toBe(false);
		expect(against).toBeLessThanOrEqual(10);
	});

	it("counts again when something is said to be left", () => {
		const { trial } = tryOut(() => false);
		trial.answered(false, false);
		expect(trial.isRefuted).toBe(false);
	});
});

it("an account that is always said to be empty is used, however much it refuses by chance", async () => {
	const { slowdown, ours, random } = await judge(16);
	expect(random.title).toContain("headers zero");
	expect(slowdown).toBeLessThan(1.5);
	expect(ours.lost).toBe(0);
});
