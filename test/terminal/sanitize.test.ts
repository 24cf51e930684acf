import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
	createSanitizer,
	escapeJson,
	type SanitizeProfile,
	sanitize,
	sanitizeLine,
} from "../../src/terminal/sanitize.ts";
import { hostileTexts } from "./hostile.ts";

const dangerous: Record<SanitizeProfile, RegExp> = {
	terminal:
		/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]|\udb40[\udc00-\udc7f]/,
	pipe: /[\x00-\x08\x0b-\x1f\x7f-\x9f]/,
};
const profiles: readonly SanitizeProfile[] = ["terminal", "pipe"];

function inChunks(chunks: readonly string[], profile: SanitizeProfile): string {
	const sanitizer = createSanitizer(profile);
	return chunks.map((chunk) => sanitizer.push(chunk)).join("") + sanitizer.end();
}

describe.each(profiles)("sanitize for %s", (profile) => {
	it("lets nothing dangerous of the corpus through, wherever it is split", () => {
		for (const text of hostileTexts) {
			const whole = sanitize(text, profile);
			expect(whole).not.toMatch(dangerous[profile]);
			for (let split = 0; split <= text.length; split += 1)
				expect(inChunks([text.slice(0, split), text.slice(split)], profile)).toBe(whole);
			expect(inChunks(text.split(""), profile)).toBe(whole);
		}
	});

	it("gives the same for any text in any chunks", () => {
		const pieces = fc.oneof(
			fc.constantFrom(
				"\x1b",
				"\x1b[",
				"\x1b]0;",
				"\x1bP",
				"\\",
				"\x07",
				"\x9b",
				"\x9d",
				"\x9c",
				"m",
				"\r",
				"\n",
			),
			fc.constantFrom("\udb40", "\udc41", "\u202e", "\ud83d", "\x18", "2J", "text", "é", "\x7f", "\0"),
		);
		fc.assert(
			fc.property(fc.array(pieces, { maxLength: 30 }), (chunks) => {
				const whole = sanitize(chunks.join(""), profile);
				expect(whole).not.toMatch(dangerous[profile]);
				expect(inChunks(chunks, profile)).toBe(whole);
			}),
			{ numRuns: 2000 },
		);
	});

	it("returns plain text as the same string", () => {
		const text = "Grüße, 世界\n\tplain 👩‍🚀 text";
		const sanitizer = createSanitizer(profile);
		expect(sanitizer.push(text)).toBe(text);
	});

	it("is as new after end", () => {
		const sanitizer = createSanitizer(profile);
		sanitizer.push("\x1b]0;title");
		sanitizer.end();
		expect(sanitizer.push("text")).toBe("text");
	});
});

describe("what a terminal shows", () => {
	it.each([
		["a\x1b[31mb\x1b[0mc", "abc"],
		["a\x1b]0;title\x07b", "ab"],
		["a\x9b31mb", "ab"],
		["a\x1b]0;title\nb", "a\nb"],
		["a\x1b[12\r\nb", "a\nb"],
		["\0\x07\x7f\x85", "^@^G^?\\x85"],
		["a\x1bcb", "a^[cb"],
		["\x1b", "^["],
		["1\r\n2\r3\r\r4\r", "1\n2\n3\n\n4\n"],
		["\u202eabc\u200b\ufeff", "<U+202E>abc<U+200B><U+FEFF>"],
		["\u{e0041}", "<U+E0041>"],
		["👩‍🚀 می‌خواهم", "👩‍🚀 می‌خواهم"],
		["\x1bPtmux;\x1b\x1b]52;c;x\x07y", "y"],
	])("%j as %j", (text, shown) => {
		expect(sanitize(text)).toBe(shown);
	});

	it("resumes 4 KB into a sequence that never ends", () => {
		expect(sanitize(`a\x1b]0;${"x".repeat(10_000)}`).length).toBeGreaterThan(5_000);
		expect(sanitize(`a\x1b]0;${"x".repeat(4_000)}`)).toBe("a");
	});

	it("keeps names on one line", () => {
		expect(sanitizeLine("a\nb\x1b[2J\tc\r\nd")).toBe("a b c d");
	});
});

describe("what a pipe gets", () => {
	it.each([
		["a\x1b[31mb", "ab"],
		["\0a\x07\x7f\x85b", "ab"],
		["a\x1bcb", "acb"],
		["a\r\nb", "a\nb"],
		["\u202bשלום\u202c\u200b\ufeff\u{e0067}", "\u202bשלום\u202c\u200b\ufeff\u{e0067}"],
	])("%j as %j", (text, written) => {
		expect(sanitize(text, "pipe")).toBe(written);
	});
});

describe("JSON", () => {
	it("keeps the exact value and shows nothing dangerous", () => {
		for (const text of hostileTexts) {
			const safe = escapeJson(JSON.stringify({ text }, null, 2));
			expect(JSON.parse(safe)).toEqual({ text });
			expect(safe).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
		}
		expect(escapeJson('"\x7f\x9b\u2028\u202e"')).toBe('"\\u007f\\u009b\\u2028\\u202e"');
	});
});
