import { join } from "node:path";
import { it } from "vitest";
import { survives } from "../batch/helpers/word-problems.ts";
import { besideFolder, describeWithMaterial } from "../helpers/recordings.ts";

describeWithMaterial("GSM8K", () => {
	it("runs whole against a limited server, is killed twice, resumed, and ends in a clean table", async () => {
		await survives({
			prompts: join(besideFolder, "prompts/gsm8k_test.jsonl"),
			kills: [300, 700],
			requestsPerMinute: 30_000,
			mostSentTwice: 2 * 512,
		});
	});
});
