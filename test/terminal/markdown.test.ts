import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { createMarkdownStream, renderMarkdown } from "../../src/terminal/markdown/markdown.ts";
import { sanitize } from "../../src/terminal/sanitize.ts";
import { textWidth } from "../../src/terminal/width.ts";
import { hostileTexts } from "./hostile.ts";
import { hostileMarkdown } from "./hostile-markdown.ts";
import { checkDocuments, checkPieces } from "./markdown-laws.ts";

const plain = { width: 40, colors: createColors(false) };
const colored = { ...plain, colors: createColors(true) };

const document = `# A title with *emphasis*

A first paragraph that is **long enough to be broken** over several lines, with \`some code\`, a
[link](https://example.com/page), 世界中文 wide text and an_underscored_name. 2 * 3 = 6 and 5 > 4.

1. one item that goes on and on until it must be wrapped to the next line
2. two with **bold
   text** over lines
   - nested
     \`\`\`js
     const a = 1;

     const b = 2;
     \`\`\`
   - more

   a paragraph of the second item
3. three

- loose

- list

- [x] done
- [ ] open

    indented code


Text right after.
\`\`\`typescript
/* a comment
   of two lines */
const answer: number = 42; // to everything, and a very long line indeed
\`\`\`
> quoted text that is long enough to be wrapped, said **someone**
> - with a list

| Name | Value | 说明 |
|:-----|------:|:----:|
| a | 1 | 世界 |
| long name here | 1000 | with a cell that must be wrapped |

***
a | b
--- | ---
1 | 2

Last words &amp; an entity, ~~gone~~
next line of the same paragraph`;

function stream(text: string, chunks: (text: string) => readonly string[], options = plain): string {
	const markdown = createMarkdownStream(options);
	const outputs = chunks(text).map((chunk) => {
		markdown.preview();
		return markdown.push(chunk);
	});
	expect(outputs.filter((output) => output !== "" && !output.endsWith("\n"))).toEqual([]);
	return outputs.concat(markdown.end()).join("");
}

describe("markdown on a terminal", () => {
	it("looks like this without colours", () => {
		expect(renderMarkdown(document, plain)).toMatchSnapshot();
	});

	it("looks like this with colours", () => {
		expect(renderMarkdown(document, colored)).toMatchSnapshot();
	});

	it("keeps within the width", () => {
		for (const width of [20, 40, 80]) {
			const lines = renderMarkdown(document, { ...colored, width, breakWords: true }).split("\n");
			expect(Math.max(...lines.map(textWidth))).toBeLessThanOrEqual(width);
		}
	});

	it("leaves lines of code whole unless told to break them", () => {
		const code = `\`\`\`\n${"x".repeat(100)}\n\`\`\``;
		expect(renderMarkdown(code, plain).split("\n")[1]).toBe("x".repeat(100));
		expect(renderMarkdown(code, { ...plain, breakWords: true }).split("\n")[1]).toBe("x".repeat(40));
	});

	it("shows where a link leads", () => {
		expect(renderMarkdown("[your bank](https://evil.example)", plain)).toBe(
			"your bank (https://evil.example)\n",
		);
		expect(renderMarkdown("https://a.example", plain)).toBe("https://a.example\n");
	});

	it("does not let character references bring controls back", () => {
		const hostile = hostileTexts.flatMap((text) => {
			const references = Array.from(text, (character) => `&#${character.codePointAt(0)};`).join("");
			return [
				references,
				`[${references}](${references})`,
				`**${references}**`,
				`| ${references} |\n|-|\n| x |`,
			];
		});
		for (const text of hostile) {
			const shown = renderMarkdown(sanitize(text), plain);
			expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff]/);
		}
	});
});

describe("a stream of markdown", () => {
	it("gives the same text in any chunks", () => {
		const whole = renderMarkdown(document, colored);
		expect(stream(document, (text) => text.split(""), colored)).toBe(whole);
		expect(stream(document, (text) => text.split(/(?<= )/), colored)).toBe(whole);
		fc.assert(
			fc.property(fc.array(fc.nat({ max: document.length })), (positions) => {
				const cuts = [0, ...positions.sort((a, b) => a - b), document.length];
				const chunks = cuts.slice(1).map((end, index) => document.slice(cuts[index], end));
				expect(stream(document, () => chunks, colored)).toBe(whole);
			}),
		);
	});

	it("shows any document as the whole one is shown, every word once", () => {
		checkDocuments(80);
	});

	it("hands out the lines of a paragraph before it ends", () => {
		const markdown = createMarkdownStream(plain);
		const shown = markdown.push(`${"some words and more ".repeat(10)}`);
		expect(shown.split("\n").length).toBeGreaterThan(3);
		expect(markdown.preview()).not.toBe("");
		expect(markdown.preview()).not.toContain("\n");
	});

	it("hands out code line by line and keeps colouring it", () => {
		const markdown = createMarkdownStream(colored);
		const rule = (label: string) => `\x1b[2m${label.padEnd(40, "─")}\x1b[22m\n`;
		expect(markdown.push("```js\n/* one\ntwo")).toBe(`${rule("── 1 · js ")}\x1b[2m/* one\x1b[22m\n`);
		expect(markdown.preview()).toBe("\x1b[2mtwo\x1b[22m");
		expect(markdown.push("\n*/ let\n```\n")).toBe(
			`\x1b[2mtwo\x1b[22m\n\x1b[2m*/\x1b[22m \x1b[35mlet\x1b[39m\n${rule("")}`,
		);
	});

	it("shows of a block without code no more than its rule", () => {
		expect(renderMarkdown("```js\n```\n", plain)).toBe(`${"── 1 · js ".padEnd(40, "─")}\n`);
	});

	it("names a callout by its kind, in a quote only", () => {
		const text = "> [!WARNING]\n> Do not run this as root.\n\n[!NOTE]\n";
		expect(renderMarkdown(text, plain)).toBe("│ Warning:\n│ Do not run this as root.\n\n[!NOTE]\n");
		expect(renderMarkdown(text, colored)).toContain("\x1b[1m\x1b[33mWarning:\x1b[39m\x1b[22m");
	});

	it("waits with a table until it has ended", () => {
		const markdown = createMarkdownStream(plain);
		expect(markdown.push("| a | b |\n|---|---|\n| long cell | 2 |\n")).toBe("");
		expect(markdown.preview()).toContain("long cell");
		expect(markdown.push("\n")).toBe("a         │ b\n──────────┼──\nlong cell │ 2\n");
	});

	it("takes a new width for the next block", () => {
		const markdown = createMarkdownStream(plain);
		markdown.resize(12);
		expect(markdown.push("one two three four five\n\n")).toBe("one two\nthree four\nfive\n");
	});

	it.each([
		"> ",
		"- ",
		"[",
		"**a",
		"> > a\n",
		"  - a\n",
		"| a | b |\n",
		"``` ",
		"![",
		"<!-- ",
	])("survives %j without an end", (unit) => {
		const text = `w1w ${unit.repeat(10_000)}\n\nw2w`;
		const shown = stream(text, (all) => all.match(/.{1,2000}/gs) ?? []);
		expect(shown).toContain("w1w");
		expect(shown).toContain("w2w");
		expect(renderMarkdown(unit.repeat(10_000), plain)).not.toBe("");
	});

	it("loses and repeats nothing when the width changes again and again", () => {
		const words = Array.from({ length: 300 }, (_, index) => `w${index}w${index % 40 === 39 ? "\n\n" : " "}`);
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.nat({ max: 299 }), fc.integer({ min: 10, max: 120 }))), (changes) => {
				const markdown = createMarkdownStream(plain);
				let shown = "";
				for (const [index, word] of words.entries()) {
					for (const [at, width] of changes) if (at === index) markdown.resize(width);
					shown += markdown.push(word);
				}
				shown += markdown.end();
				expect(shown.split(/\s+/).filter(Boolean)).toEqual(words.map((word) => word.trim()));
			}),
		);
	});

	it("colours all of a long answer of ordinary text, tables and code", () => {
		const section = `${document}\n\n`;
		const once = renderMarkdown(`x\n\n${section}`, colored).split("\n").slice(-20, -2);
		const often = renderMarkdown(section.repeat(200), colored).split("\n").slice(-20, -2);
		const unnumbered = (lines: readonly string[]) =>
			lines.map((line) => line.replace(/─ \d+ · [a-z]+ ─+/, ""));
		expect(unnumbered(often)).toEqual(unnumbered(once));
	});

	it("shows text of marks alone as it was written, once there are far too many of them", () => {
		const shown = renderMarkdown("**a** ".repeat(5_000), { ...colored, width: 120 });
		expect(shown).toMatch(/^(\x1b\[1ma\x1b\[22m ?){10}/);
		expect(shown).toContain("**a** **a** **a**");
		const code = renderMarkdown(`\`\`\`js\n${"(;\n".repeat(10_000)}`, colored);
		expect(code.match(/\(;/g)).toHaveLength(10_000);
	});

	it.each([
		...hostileMarkdown(2_000),
	])("shows %s in any pieces alike, without making more of them", (_, text) => {
		checkPieces(text, [7, 130]);
	});

	it("stays fast without line breaks and spaces", () => {
		const markdown = createMarkdownStream(plain);
		let length = 0;
		for (let chunk = 0; chunk < 20_000; chunk += 1) length += markdown.push("abcdefghij").length;
		length += markdown.end().length;
		expect(length).toBeGreaterThan(200_000);
	});
});
