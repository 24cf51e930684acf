import { describe, expect, it } from "vitest";
import { createColors, wantsColor } from "../../src/terminal/colors.ts";
import {
	formatAge,
	formatBytes,
	formatCost,
	formatCount,
	formatDuration,
	formatPlural,
	formatTokens,
	formatUsd,
	roundUsd,
	usageLine,
} from "../../src/terminal/formats.ts";
import { breakText, padText, textWidth, truncateText, wrapText } from "../../src/terminal/width.ts";

describe("figures", () => {
	it("writes money to the cent, small money with two digits, and unknown as unknown", () => {
		const written = [1.83, 0.42, 0.1, 0.0996, 0.042, 0.0031, 0.00031, 0.0003, 1234.5, 0, null, -0.5, 1e-7];
		expect(written.map(formatUsd)).toEqual([
			...["$1.83", "$0.42", "$0.10", "$0.10", "$0.042", "$0.0031", "$0.00031", "$0.0003"],
			...["$1,234.50", "$0", "unknown", "-$0.50", "$0.0000001"],
		]);
	});

	it("gives machines sums as they would be on paper", () => {
		const tenTimes = Array.from({ length: 10 }, () => 0.1).reduce((sum, usd) => sum + usd, 0);
		expect([tenTimes, 0, 1234.5 + 1e-7].map(roundUsd)).toEqual([1, 0, 1234.5000001]);
	});

	it("never hides calls of unknown price", () => {
		expect(formatCost({ usd: 0.42, unknownCalls: 3 })).toBe("$0.42 + 3 calls of unknown price");
		expect(formatCost({ usd: 0, unknownCalls: 1 })).toBe("1 call of unknown price");
		expect(formatCost({ usd: 0.42, unknownCalls: 0 })).toBe("$0.42");
	});

	it("writes tokens, counts and bytes", () => {
		expect([812, 3100, 99_940, 128_000, 999_600, 1_100_000].map(formatTokens)).toEqual([
			...["812", "3.1k", "99.9k", "128k", "1 M", "1.1 M"],
		]);
		expect([0, 999, 10_000, 1_234_567].map(formatCount)).toEqual(["0", "999", "10,000", "1,234,567"]);
		expect(formatPlural(1, "row")).toBe("1 row");
		expect(formatPlural(2000, "query", "queries")).toBe("2,000 queries");
		expect([812, 1200, 38_000_000, 2e12].map(formatBytes)).toEqual(["812 B", "1.2 KB", "38 MB", "2 TB"]);
	});

	it("writes durations and ages", () => {
		expect(
			[40, 800, 1234, 12_000, 1_450_000, 3_600_000, 11_100_000, 180_000_000].map((ms) => formatDuration(ms)),
		).toEqual(["40 ms", "0.8 s", "1.2 s", "12 s", "24 min 10 s", "1 h", "3 h 5 min", "2 d 2 h"]);
		expect([840_000, 7_200_000, 172_800_000].map((ms) => formatDuration(ms, { coarse: true }))).toEqual([
			...["14 min", "2 h", "2 d"],
		]);
		expect([10_000, 300_000, 7_200_000, 90_000_000, 400_000_000].map(formatAge)).toEqual([
			...["just now", "5 minutes ago", "2 hours ago", "yesterday", "5 days ago"],
		]);
		expect(formatAge(Number.NaN)).toBe("unknown");
	});
});

describe("the usage line", () => {
	const usage = {
		inputTokens: 412,
		cachedInputTokens: 128,
		cacheWriteTokens: 0,
		audioInputTokens: 0,
		outputTokens: 96,
		reasoningTokens: 0,
	};

	it("has tokens, cost, time and speed", () => {
		expect(usageLine({ usage, costUsd: 0.00031, cached: false, latencyMs: 1200 })).toBe(
			"412 in (128 cached) · 96 out · $0.00031 · 1.2 s · 80 tok/s",
		);
	});

	it("says what is unknown, what was thought and what came from the cache", () => {
		expect(usageLine({ usage: null, costUsd: null, cached: false, latencyMs: 1200 })).toBe(
			"tokens unknown · cost unknown · 1.2 s",
		);
		const thinking = { ...usage, cachedInputTokens: 0, reasoningTokens: 64 };
		expect(usageLine({ usage: thinking, costUsd: 0, cached: true, latencyMs: 3 })).toBe(
			"412 in · 96 out (64 reasoning) · $0 · from the cache",
		);
	});
});

describe("colours", () => {
	it.each([
		[{ TERM: "xterm-256color" }, true, true],
		[{ TERM: "xterm-256color" }, false, false],
		[{ TERM: "dumb" }, true, false],
		[{ TERM: "xterm", NO_COLOR: "1" }, true, false],
		[{ TERM: "xterm", NO_COLOR: "" }, true, true],
		[{ FORCE_COLOR: "1" }, false, true],
		[{ TERM: "xterm", FORCE_COLOR: "0" }, true, false],
		[{ COLORTERM: "truecolor" }, true, true],
		[{}, true, false],
	])("%j on a terminal: %j gives %j", (environment, isTerminal, wanted) => {
		expect(wantsColor(environment, isTerminal)).toBe(wanted);
	});

	it("nest", () => {
		const { bold, dim } = createColors(true);
		expect(bold(`a${dim("b")}c`)).toBe("\x1b[1ma\x1b[2mb\x1b[22m\x1b[1mc\x1b[22m");
		expect(createColors(false).bold("a")).toBe("a");
	});
});

describe("widths", () => {
	it("counts columns, not characters", () => {
		expect(["abc", "世界", "👩‍🚀", "e\u0301", "\x1b[31mred\x1b[39m"].map(textWidth)).toEqual([3, 4, 2, 1, 3]);
		expect(padText("世", 4, "right")).toBe("  世");
		expect(truncateText("世界中文", 5)).toBe("世界…");
		expect(breakText("one  two", 5)).toBe("one  \ntwo");
		expect(breakText("\x1b[1m世界\x1b[32m中文\x1b[39m!\x1b[22m\nx", 5)).toBe(
			"\x1b[1m世界\x1b[32m\x1b[39m\x1b[22m\n\x1b[1m\x1b[32m中文\x1b[39m!\x1b[22m\nx",
		);
		expect(breakText("e\u0301".repeat(5), 3)).toBe(`${"e\u0301".repeat(3)}\n${"e\u0301".repeat(2)}`);
		expect(wrapText("one two three 世界中文", 7)).toBe("one two\nthree\n世界中\n文");
	});
});
