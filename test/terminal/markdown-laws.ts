import fc from "fast-check";
import { expect } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import {
	createMarkdownStream,
	type MarkdownOptions,
	renderMarkdown,
} from "../../src/terminal/markdown/markdown.ts";
import { sanitize } from "../../src/terminal/sanitize.ts";
import { textWidth } from "../../src/terminal/width.ts";
import { documents, inPieces, pieceLengths } from "./markdown-documents.ts";

const options: fc.Arbitrary<MarkdownOptions> = fc
	.tuple(fc.constantFrom(24, 40, 80, 140), fc.boolean(), fc.boolean())
	.map(([width, isColored, breakWords]) => ({ width, colors: createColors(isColored), breakWords }));

const withoutStyle = (text: string) => text.replace(/\x1b\[\d+m/g, "");

/** Checks that a text in pieces of each of these lengths looks like the whole, which is not much longer than the text. */
export function checkPieces(text: string, lengths: readonly number[]): void {
	const how = { width: 40, colors: createColors(true) };
	const whole = renderMarkdown(text, how);
	for (const length of lengths) {
		const stream = createMarkdownStream(how);
		let streamed = "";
		for (const piece of text.match(new RegExp(`.{1,${length}}`, "gs")) ?? []) {
			stream.preview();
			streamed += stream.push(piece);
		}
		expect(streamed + stream.end()).toBe(whole);
	}
	expect(whole.length).toBeLessThan(20 * text.length);
}

/** Checks so many random documents: streamed in any pieces they look like the whole, and say every word once. */
export function checkDocuments(count: number): void {
	fc.assert(
		fc.property(documents, pieceLengths, options, (source, lengths, how) => {
			const text = sanitize(source);
			const whole = renderMarkdown(text, how);
			const stream = createMarkdownStream(how);
			let streamed = "";
			for (const piece of inPieces(text, lengths)) {
				const finished = stream.push(piece);
				if (finished !== "" && !finished.endsWith("\n")) throw new Error("an unfinished line was handed out");
				streamed += finished;
				stream.preview();
			}
			streamed += stream.end();
			if (streamed !== whole) {
				throw new Error(`streamed:\n${JSON.stringify(streamed)}\nwhole:\n${JSON.stringify(whole)}`);
			}
			checkWords(text, withoutStyle(whole), how);
		}),
		{ numRuns: count, includeErrorInReport: true },
	);
}

/** Every numbered word stands there once; the names of a table's columns may stand before each of its cells. */
function checkWords(source: string, shown: string, { width, breakWords }: MarkdownOptions): void {
	const joined = shown.replace(/[\s│•]/g, "");
	const heads = new Set(
		source
			.split("\n")
			.filter((_, index, lines) => /^[ >|:-]*-[ |:-]*$/.test(lines[index + 1] ?? ""))
			.flatMap((line) => line.match(/w\d+w/g) ?? []),
	);
	for (const word of new Set(source.match(/w\d+w/g) ?? [])) {
		const times = joined.split(word).length - 1;
		// Cells that stand beside each other tear a word that is broken in one of them.
		if (times === 1 || (heads.has(word) && times > 1) || (breakWords && source.includes("|"))) continue;
		throw new Error(`${word} is shown ${times} times at ${width} columns:\n${shown}`);
	}
	if (!breakWords) return;
	const widest = Math.max(...shown.split("\n").map(textWidth));
	if (widest > Math.max(width, 40)) throw new Error(`${widest} columns wide at ${width}:\n${shown}`);
}
