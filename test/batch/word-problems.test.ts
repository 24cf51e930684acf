import { join } from "node:path";
import { describe, it } from "vitest";
import { survives } from "./helpers/word-problems.ts";

describe("word problems", () => {
	it("run whole against a limited server, are killed twice, resumed, and end in a clean table", async () => {
		await survives({
			prompts: join(import.meta.dirname, "../fixtures/prompts/word-problems.jsonl"),
			kills: [8, 18],
			requestsPerMinute: 6_000,
			flags: ["--concurrency", "2"],
			mostSentTwice: 2 * 2,
		});
	});
});
