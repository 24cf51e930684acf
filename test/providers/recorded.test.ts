import { expect, it } from "vitest";
import { checkStreamed, checkWhole } from "../helpers/answers.ts";
import { describeWithMaterial, readIndex, recordedAnswer } from "../helpers/recordings.ts";
import { expectations } from "./recorded-expectations.ts";

describeWithMaterial("recorded answers", () => {
	it("are all expected here", () => {
		const chats = readIndex()
			.filter(({ api }) => !["batch", "models", "gemini.countTokens"].includes(api))
			.map(({ id }) => id);
		expect(chats.filter((id) => !(id in expectations))).toEqual([]);
		expect(Object.keys(expectations).filter((id) => !chats.includes(id))).toEqual([]);
	});

	it.each(Object.entries(expectations))("%s is read as expected", async (id, [provider, expected]) => {
		const answer = recordedAnswer(id, provider, expected);
		await checkStreamed(answer);
		if (answer.events === undefined && id !== "gemini-arr-01") await checkWhole(answer);
	});
});
