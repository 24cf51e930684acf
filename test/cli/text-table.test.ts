import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { renderFacts, renderTextTable } from "../../src/cli/text-table.ts";
import { createColors } from "../../src/terminal/colors.ts";
import { textWidth } from "../../src/terminal/width.ts";

const colors = createColors(false);
const columns = [
	{ title: "model" },
	{ title: "in", align: "right" },
	{ title: "cost", align: "right" },
	{ title: "note", flexible: true },
] as const;
const render = (rows: readonly string[][], width: number) =>
	renderTextTable(columns, rows, { width, colors });

const word = fc.stringMatching(/^[a-z]{1,9}$/);
const row = fc.tuple(
	fc.stringMatching(/^[a-z/.-]{1,60}$/),
	fc.stringMatching(/^\d{1,7}$/),
	fc.stringMatching(/^\$\d{1,6}$/),
	fc.array(word, { maxLength: 12 }).map((words) => words.join(" ")),
);

describe("a table", () => {
	it("never cuts anything, breaks only names that are wider than the screen, and aligns its figures", () => {
		fc.assert(
			fc.property(
				fc.array(row, { minLength: 1, maxLength: 5 }),
				fc.integer({ min: 38, max: 200 }),
				(rows, width) => {
					const text = render(rows, width);
					const lines = text.trimEnd().split("\n");
					for (const line of lines) {
						const isName = rows.some(([name]) => name === line.trim());
						if (!isName) expect(textWidth(line)).toBeLessThanOrEqual(width);
					}
					for (const [name, input, cost, note] of rows) {
						expect(text).toContain(name);
						for (const part of [input, cost, ...note.split(" ")]) expect(text).toContain(part);
					}
					if (!lines[0]?.startsWith("model ")) return;
					const end = lines[0].indexOf("cost") + "cost".length;
					const figures = lines.filter((line) => /\$\d/.test(line));
					expect(figures.map((line) => line.search(/\$\d+/) + (/\$\d+/.exec(line)?.[0].length ?? 0))).toEqual(
						rows.map(() => end),
					);
				},
			),
		);
	});

	it("of facts breaks what is said beside its label", () => {
		const facts = [
			["job", "a"],
			["state", "kept until tomorrow"],
		] as const;
		expect(renderFacts(facts, 21)).toBe("job       a\nstate     kept until\n          tomorrow\n");
		expect(renderFacts(facts)).toBe("job       a\nstate     kept until tomorrow\n");
	});

	it("puts what has no room above and below its row", () => {
		const rows = [
			["gpt", "1", "$2.00", "short"],
			["a/very-long-name-of-a-model", "10", "$20.00", "until the end of the next year"],
		];
		expect(render(rows, 34)).toBe(
			[
				"model                   in    cost",
				"  note",
				"gpt                      1   $2.00",
				"  short",
				"a/very-long-name-of-a-model",
				"                        10  $20.00",
				"  until the end of the next year",
				"",
			].join("\n"),
		);
	});
});
