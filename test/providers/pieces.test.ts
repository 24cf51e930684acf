import { describe, expect, it } from "vitest";
import { credible, reportedCost } from "../../src/providers/charges.ts";
import { redact, safeText } from "../../src/providers/redact.ts";
import { splitThinking, ThinkSplitter } from "../../src/providers/think-splitter.ts";
import { openAiUsage } from "../../src/providers/usage.ts";

describe("ThinkSplitter", () => {
	const answers = [
		["<think>a</think>b", "a", "b"],
		["\n <think>\na\n</think>\n\nb", "\na\n", "b"],
		["<think></think>b", "", "b"],
		["no tags", "", "no tags"],
		["later <think>a</think>", "", "later <think>a</think>"],
		["<thinking>a</thinking>", "", "<thinking>a</thinking>"],
		["<think>never closed", "never closed", ""],
		["<think>a</thin</think>b<think>c</think>", "a</thin", "b<think>c</think>"],
		["<thi", "", "<thi"],
		["  ", "", "  "],
		["", "", ""],
		["<think>a</think>  ", "a", ""],
	] as const;

	it.each(answers)("takes %j apart wherever it is cut", (whole, reasoning, text) => {
		expect(splitThinking(whole)).toEqual({ reasoning, text });
		for (let size = 1; size <= 4; size++) {
			const splitter = new ThinkSplitter();
			let got = { text: "", reasoning: "" };
			const add = (piece: { text: string; reasoning: string }) => {
				got = { text: got.text + piece.text, reasoning: got.reasoning + piece.reasoning };
			};
			for (let start = 0; start < whole.length; start += size)
				add(splitter.push(whole.slice(start, start + size)));
			add(splitter.end());
			expect(got).toEqual({ text, reasoning });
		}
	});

	it("finds thoughts without a beginning in a whole answer, and leaves a tag that is only spoken of", () => {
		expect(splitThinking("hm.\n</think>\n\nParis")).toEqual({ reasoning: "hm.", text: "Paris" });
		expect(splitThinking("hm.</think>Paris")).toEqual({ reasoning: "hm.", text: "Paris" });
		for (const text of ["it ends with `</think>` then", "```xml\n<a>\n</think>\n```", 'say "</think>"']) {
			expect(splitThinking(text)).toEqual({ reasoning: "", text });
		}
	});

	it("holds plain text back no longer than it must", () => {
		const splitter = new ThinkSplitter();
		expect(splitter.push("H").text).toBe("H");
		expect(splitter.push("<think>").text).toBe("<think>");
	});
});

describe("credible", () => {
	const usage = { inputTokens: 9, cachedInputTokens: 0, cacheWriteTokens: 0, audioInputTokens: 0 };
	const output = (outputTokens: number, reasoningTokens: number, text: string, reasoning = "") =>
		credible({ ...usage, outputTokens, reasoningTokens }, { text, reasoning })?.outputTokens;
	const words = (count: number) => "word ".repeat(count);

	it("believes what the text can have been written with", () => {
		expect(output(100, 0, words(100))).toBe(100);
		expect(output(1_000, 900, words(100))).toBe(1_000);
		expect(output(100, 0, words(60), words(40))).toBe(100);
		// Another tokenizer's count of the thoughts, beside a short answer.
		expect(output(100, 100, "Paris.")).toBe(100);
		expect(output(1, 0, "Internationalization")).toBe(1);
		expect(output(40, 0, `a table\n${"-".repeat(2_000)}\n${" ".repeat(2_000)}x`)).toBe(40);
	});

	it("adds thoughts that the text shows not to be counted", () => {
		expect(output(100, 95, words(100))).toBe(195);
		expect(output(100, 300, words(100))).toBe(400);
	});

	it("does not believe a count that is too small for what came", () => {
		expect(output(0, 0, "a")).toBeUndefined();
		expect(output(1, 0, words(100))).toBeUndefined();
		expect(output(50, 0, words(50), words(500))).toBeUndefined();
		expect(output(0, 0, "")).toBe(0);
	});
});

describe("openAiUsage", () => {
	const figures = (raw: object) => {
		const usage = openAiUsage(raw);
		return usage && [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens, usage.reasoningTokens];
	};

	it.each([
		[
			"reasoning within",
			{ prompt_tokens: 5, completion_tokens: 9, completion_tokens_details: { reasoning_tokens: 4 } },
			[5, 0, 9, 4],
		],
		[
			"reasoning apart, as the total shows",
			{
				prompt_tokens: 12,
				completion_tokens: 1,
				total_tokens: 303,
				completion_tokens_details: { reasoning_tokens: 290 },
			},
			[12, 0, 291, 290],
		],
		[
			"thoughts in the total alone",
			{ prompt_tokens: 66, completion_tokens: 6, total_tokens: 100 },
			[66, 0, 34, 28],
		],
		[
			"reasoning apart, not in the total",
			{
				prompt_tokens: 9,
				completion_tokens: 2,
				total_tokens: 11,
				completion_tokens_details: { reasoning_tokens: 25 },
			},
			[9, 0, 27, 25],
		],
		[
			"DeepSeek's cache",
			{ prompt_tokens: 9, completion_tokens: 2, prompt_cache_hit_tokens: 3 },
			[9, 3, 2, 0],
		],
		["Together's cache", { prompt_tokens: 9, completion_tokens: 2, cached_tokens: 4 }, [9, 4, 2, 0]],
		[
			"nulls in the details",
			{ prompt_tokens: 9, completion_tokens: 2, prompt_tokens_details: null },
			[9, 0, 2, 0],
		],
	])("reads %s", (_, raw, expected) => {
		expect(figures(raw)).toEqual(expected);
	});

	it("is null when it is missing or makes no sense, never 0", () => {
		const senseless = [
			undefined,
			null,
			[],
			"x",
			{},
			{ prompt_tokens: 5 },
			{ prompt_tokens: -1, completion_tokens: 2 },
			// More cached than sent: counted as all cached it would be too cheap.
			{ prompt_tokens: 9, completion_tokens: 2, cached_tokens: 40 },
		];
		for (const raw of [
			...senseless,
			{ prompt_tokens: 1.5, completion_tokens: 2 },
			{ prompt_tokens: "5", completion_tokens: 2 },
		]) {
			expect(openAiUsage(raw), JSON.stringify(raw)).toBeNull();
		}
	});
});

describe("reportedCost", () => {
	it("takes finite costs of 0 and above", () => {
		expect(reportedCost({ cost: 0.5 })).toBe(0.5);
		expect(reportedCost({ cost: 0 })).toBe(0);
		// The example of xAI's own page.
		expect(reportedCost({ cost_in_usd_ticks: 37_756_000 })).toBe(0.0037756);
		expect(reportedCost({ cost_in_usd_ticks: 0 })).toBe(0);
		expect(reportedCost({ cost_in_usd_ticks: -1 })).toBeNull();
		for (const cost of [-1, Number.NaN, Number.POSITIVE_INFINITY, "0.5", null, undefined]) {
			expect(reportedCost({ cost })).toBeNull();
		}
	});
});

describe("redact", () => {
	it("takes out the call's keys and whatever looks like one", () => {
		const text = "key corp-secret-1, sk-ant-api03-abcdef, AIzaSyA1234567, gsk_abc12345, Bearer abcdefgh1234";
		const safe = redact(text, ["corp-secret-1", undefined]);
		expect(safe).toBe("key [key], [key], [key], [key], Bearer [key]");
	});

	it("leaves ordinary words alone", () => {
		const text = "task-list risk-free gpt-4.1-mini sk- hf_ the bearer of news";
		expect(redact(text, ["a"])).toBe(text);
	});
});

describe("safeText", () => {
	it("makes one line without control, bidi or markup characters", () => {
		expect(safeText("a\r\n\tb\u001b[0m\u202ec", 100)).toBe("a b [0m c");
		expect(safeText("<p>hello</p> <b>x", 100)).toBe("hello x");
		expect(safeText("1 < 2 and 3 > 2", 100)).toBe("1 < 2 and 3 > 2");
		expect(safeText("x".repeat(300), 200)).toHaveLength(200);
	});

	it("ends on hostile input", () => {
		expect(safeText("<".repeat(1_000_000), 200)).toHaveLength(200);
		expect(safeText(`<script ${"a".repeat(1_000_000)}`, 200)).toHaveLength(200);
		expect(redact("sk-".repeat(300_000))).toBe("[key]");
		expect(redact(`Bearer ${" ".repeat(300_000)}`)).toHaveLength(300_007);
	});
});
