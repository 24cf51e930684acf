import { describe, expect, it } from "vitest";
import { type AnswerJob, printAnswers } from "../../src/cli/ask/answers.ts";
import { AbortedError } from "../../src/errors.ts";
import type { AskOptions, LLM } from "../../src/index.ts";
import { createTestIo } from "../helpers/io.ts";

/** A model whose stream is interrupted after some text. */
function interrupted(model: string, text: string): AnswerJob {
	const ask = async (_messages: unknown, { onPart }: AskOptions) => {
		if (text !== "") onPart?.({ type: "text-delta", text });
		throw new AbortedError(undefined, { partialText: text });
	};
	const llm = { model, cost: { usd: 0, unknownCalls: 1 }, ask } as unknown as LLM;
	return { llm, messages: [], options: { streamed: true } };
}

const jobs = () => [interrupted("a", "one"), interrupted("b", ""), interrupted("c", "three")];

describe("an interruption of several models", () => {
	it("prints what all of them had brought", async () => {
		const io = createTestIo();
		await expect(printAnswers(io, {}, jobs())).rejects.toThrow(AbortedError);
		expect(io.out()).toBe("── a ──\none\n\n── c ──\nthree\n");
	});

	it("prints it as rows of JSON with --json", async () => {
		const io = createTestIo();
		await expect(printAnswers(io, { json: true }, jobs())).rejects.toThrow(AbortedError);
		const rows = io.out().trimEnd().split("\n");
		expect(rows.map((row) => JSON.parse(row))).toMatchObject([
			{ model: "a", error: { class: "interrupted" }, cost_usd: null, partial_text: "one" },
			{ model: "c", error: { class: "interrupted" }, cost_usd: null, partial_text: "three" },
		]);
	});

	it("hands what came to the session, with what is known of its cost", async () => {
		const heard: unknown[] = [];
		const job = { ...interrupted("a", "one"), onEnd: (answer: unknown) => heard.push(answer) };
		await expect(printAnswers(createTestIo(), {}, [job])).rejects.toThrow(AbortedError);
		expect(heard).toEqual([{ model: "a", partial: "one", costUsd: null }]);
	});

	it("prints them side by side on a wide terminal", async () => {
		const io = createTestIo({ terminal: { columns: 200, rows: 50 } });
		await expect(printAnswers(io, {}, jobs())).rejects.toThrow(AbortedError);
		expect(io.out()).toContain("one");
		expect(io.out()).toContain("three");
	});
});

describe("an answer that cannot be handed on", () => {
	const result = {
		model: "a",
		text: "hi",
		texts: ["hi"],
		reasoning: null,
		finishReason: "stop",
		usage: null,
	};
	const llm = {
		model: "a",
		ask: async () => ({ ...result, costUsd: null, cached: false, attempts: 1, latencyMs: 1 }),
	};
	const job: AnswerJob = {
		llm: llm as unknown as LLM,
		messages: [],
		options: {},
		onEnd: () => {
			throw new Error("no space left");
		},
	};

	it.each([
		[{}, "hi\n"],
		[{ json: true }, '"text":"hi"'],
	] as const)("is printed before that is told: %o", async (flags, text) => {
		const io = createTestIo();
		await expect(printAnswers(io, flags, [job])).rejects.toThrow("no space left");
		expect(io.out()).toContain(text);
	});
});
