import { expect, it } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { Allowance } from "../../src/terminal/markdown/allowance.ts";
import { CodeHighlighter } from "../../src/terminal/markdown/highlight.ts";

const colors = createColors(true);
const lines = ["# x", "  indented", "let w = 1;", "", "@ {", "`${"];

it.each([
	"js",
	"ts",
	"c",
	"css",
	"rust",
	"python",
	"sql",
	"xml",
	"yaml",
	"shell",
	"perl",
	"ruby",
	"swift",
])("colours a line of %s by the lines before it alone, whatever else is coloured between them", (language) => {
	const alone = new CodeHighlighter(language, colors, new Allowance(1));
	const expected = lines.map((line) => alone.push(line));
	for (const other of ["(", "let", "'a'", "x", ".", "function"]) {
		const between = new CodeHighlighter(language, colors, new Allowance(1));
		const one = new CodeHighlighter(language, colors, new Allowance(1));
		const seen = lines.map((line) => {
			between.push(other);
			return one.push(line);
		});
		expect(seen).toEqual(expected);
	}
});
