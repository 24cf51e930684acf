import { describe, it } from "vitest";
import { answerFixtures } from "../fixtures/answers/index.ts";
import { checkStreamed, checkWhole } from "../helpers/answers.ts";

describe("an answer of", () => {
	it.each(Object.entries(answerFixtures))("%s, streams as expected", (_name, fixture) =>
		checkStreamed(fixture));

	// An array of pieces is what Gemini sends for a stream only.
	const whole = Object.entries(answerFixtures).filter(
		([name, { events }]) => events === undefined && name !== "gemini, an array instead of a stream",
	);
	it.each(whole)("%s, completes as expected", (_name, fixture) => checkWhole(fixture));
});
