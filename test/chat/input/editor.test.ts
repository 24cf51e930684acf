import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Editor } from "../../../src/chat/input/editor.ts";
import { layoutRows, positionAt, visibleRows } from "../../../src/chat/input/input-layout.ts";
import { textWidth } from "../../../src/terminal/width.ts";

function editor(text = "", back = 0): Editor {
	const result = new Editor();
	if (text !== "") result.setText(text);
	for (let step = 0; step < back; step += 1) result.left();
	return result;
}

/** The text with `|` at the cursor. */
function shown(edited: Editor): string {
	return `${edited.text.slice(0, edited.cursor)}|${edited.text.slice(edited.cursor)}`;
}

describe("editing", () => {
	it("goes by what people see as one character", () => {
		const edited = editor("e\u0301👩‍🚀🇩🇪世");
		edited.left();
		expect(shown(edited)).toBe("e\u0301👩‍🚀🇩🇪|世");
		edited.backspace();
		edited.backspace();
		expect(shown(edited)).toBe("e\u0301|世");
		edited.left();
		edited.deleteForward();
		expect(shown(edited)).toBe("|世");
	});

	it("moves and kills by word, spaced word and line", () => {
		const edited = editor("one two-three\nfour");
		edited.wordLeft();
		edited.wordLeft();
		expect(shown(edited)).toBe("one two-|three\nfour");
		edited.killSpacedLeft();
		expect(shown(edited)).toBe("one |three\nfour");
		edited.killToEnd();
		edited.killToEnd();
		expect(shown(edited)).toBe("one |four");
		edited.wordRight();
		edited.killWordLeft();
		edited.killToStart();
		expect(shown(edited)).toBe("|");
	});

	it("yanks what was killed together, and what was killed before", () => {
		const edited = editor("one two three");
		edited.killWordLeft();
		edited.killWordLeft();
		edited.lineStart();
		edited.killWordRight();
		edited.yank();
		expect(shown(edited)).toBe("one| ");
		edited.yankPop();
		expect(shown(edited)).toBe("two three| ");
		edited.yankPop();
		expect(shown(edited)).toBe("one| ");
	});

	it("undoes word by word and redoes", () => {
		const edited = editor();
		for (const character of "one two") edited.insert(character);
		edited.backspace();
		edited.undo();
		expect(shown(edited)).toBe("one two|");
		edited.undo();
		expect(shown(edited)).toBe("one|");
		edited.undo();
		expect(shown(edited)).toBe("|");
		edited.redo();
		edited.redo();
		expect(shown(edited)).toBe("one two|");
	});

	it("transposes", () => {
		const edited = editor("ab世", 1);
		edited.transpose();
		expect(shown(edited)).toBe("a世b|");
		edited.transpose();
		expect(shown(edited)).toBe("ab世|");
	});

	it("never leaves the cursor inside a character", () => {
		const operations: ((edited: Editor) => void)[] = [
			...["e\u0301", "👩‍🚀", "世", "a ", "\n", "🇩🇪"].map((text) => (edited: Editor) => edited.insert(text)),
			...(["left", "right", "wordLeft", "wordRight", "lineStart", "lineEnd", "backspace"] as const).map(
				(name) => (edited: Editor) => edited[name](),
			),
			...(["deleteForward", "killToEnd", "killWordLeft", "yank", "undo", "redo", "transpose"] as const).map(
				(name) => (edited: Editor) => edited[name](),
			),
			(edited) => edited.moveRows(-1, 8),
			(edited) => edited.moveRows(1, 8),
			(edited) => edited.paste("x\n".repeat(10)),
		];
		fc.assert(
			fc.property(fc.array(fc.nat({ max: operations.length - 1 }), { maxLength: 60 }), (choices) => {
				const edited = editor();
				for (const choice of choices) {
					operations[choice]?.(edited);
					const boundaries = [0];
					for (const { index, segment } of new Intl.Segmenter().segment(edited.text))
						boundaries.push(index + segment.length);
					expect(boundaries).toContain(edited.cursor);
				}
			}),
		);
	});
});

describe("a large paste", () => {
	const large = Array.from({ length: 12 }, (_, line) => `line ${line}`).join("\n");

	it("is a chip that is deleted as a whole and sent in full", () => {
		const edited = editor("see ");
		edited.paste(large);
		edited.insert("!");
		expect(edited.content).toBe(`see ${large}!`);
		expect(visibleRows(edited.text, edited.cursor, 40, 5, edited.chipLabel)).toEqual({
			rows: ["see [pasted 12 lines]!"],
			cursor: { row: 0, column: 22 },
		});
		edited.backspace();
		edited.backspace();
		expect(edited.content).toBe("see ");
		edited.undo();
		expect(edited.content).toBe(`see ${large}`);
	});

	it("of one long line says its length; a small one is plain text", () => {
		const edited = editor();
		edited.paste("x".repeat(600));
		expect(visibleRows(edited.text, 0, 40, 5, edited.chipLabel).rows).toEqual(["[pasted 600 characters]"]);
		edited.clear();
		edited.paste("a\nb");
		expect(edited.text).toBe("a\nb");
	});
});

describe("the box", () => {
	const none = () => undefined;
	const rowsOf = (text: string, width: number) => layoutRows(text, width, none).map((row) => row.shown);

	it("breaks by columns, with room for the cursor behind a full row", () => {
		expect(rowsOf("abcdef", 4)).toEqual(["abcd", "ef"]);
		expect(rowsOf("abcd", 4)).toEqual(["abcd", ""]);
		expect(rowsOf("世界中", 4)).toEqual(["世界", "中"]);
		expect(rowsOf("a世界", 4)).toEqual(["a世", "界"]);
		expect(rowsOf("a\n\nb", 4)).toEqual(["a", "", "b"]);
	});

	it("shows tabs and controls as text and bidi controls not at all", () => {
		expect(rowsOf("a\tb\x1b[2J\u202e\x9bc", 40)).toEqual(["a    b^[[2J\\x9bc"]);
	});

	it("puts the cursor by columns", () => {
		const rows = layoutRows("世界中\nab", 4, none);
		expect([0, 1, 2, 3, 4, 6].map((index) => positionAt(rows, index))).toEqual([
			...[
				{ row: 0, column: 0 },
				{ row: 0, column: 2 },
				{ row: 1, column: 0 },
				{ row: 1, column: 2 },
			],
			...[
				{ row: 2, column: 0 },
				{ row: 2, column: 2 },
			],
		]);
	});

	it("moves up and down by rows, keeps the column, and stops at the ends", () => {
		const edited = editor("abcdef\nx\nabcdef");
		expect(edited.moveRows(-1, 20)).toBe(true);
		expect(shown(edited)).toBe("abcdef\nx|\nabcdef");
		edited.moveRows(-1, 20);
		expect(shown(edited)).toBe("abcdef|\nx\nabcdef");
		expect(edited.moveRows(-1, 20)).toBe(false);
		edited.left();
		edited.moveRows(-1, 4);
		expect(shown(edited)).toBe("a|bcdef\nx\nabcdef");
		expect(editor("abc").moveRows(1, 20)).toBe(false);
	});

	it("shows the rows around the cursor of any text at once", () => {
		const text = Array.from({ length: 5000 }, (_, line) => `line ${line}`).join("\n");
		const at = text.indexOf("line 2500");
		expect(visibleRows(text, at, 40, 5, none)).toEqual({
			rows: [2498, 2499, 2500, 2501, 2502].map((line) => `line ${line}`),
			cursor: { row: 2, column: 0 },
		});
		expect(visibleRows(text, text.length, 40, 3, none).rows).toEqual(["line 4997", "line 4998", "line 4999"]);
	});

	it("never draws a row wider than itself", () => {
		fc.assert(
			fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 6, max: 30 }), (text, width) => {
				for (const row of rowsOf(text, width)) expect(textWidth(row)).toBeLessThanOrEqual(width);
				expect(layoutRows(text, width, none).reduce((sum, row) => sum + row.end - row.start, 0)).toBe(
					text.replaceAll("\n", "").length,
				);
			}),
		);
	});
});
