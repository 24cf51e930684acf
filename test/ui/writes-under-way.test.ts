import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { frameLines, layOutFrame } from "../../src/ui/frame.ts";
import { initialState } from "../../src/ui/state.ts";
import { stepText, WritesUnderWay } from "../../src/ui/writes-under-way.ts";
import { Terminal } from "../helpers/terminal.ts";

const question = "\x1b[18t";
const rows = 200;

/** A terminal, and a program that draws frames on it as the chat does. */
class Scene {
	readonly terminal: Terminal;
	now = 0;
	readonly shown = new WritesUnderWay(() => this.now, true);
	/** What the program takes the width to be. */
	columns: number;
	readonly printed: string[] = [];
	/** What was written and has not arrived. */
	wire = "";

	constructor(columns: number, answers = true, isSwapped = false) {
		this.columns = columns;
		this.terminal = new Terminal(columns, rows);
		this.terminal.onReply = (reply) => {
			const [high = 0, wide = 0] = (/;(\d+);(\d+)t/.exec(reply)?.slice(1) ?? []).map(Number);
			if (answers) this.shown.seen(isSwapped ? { columns: high, rows: wide } : { columns: wide, rows: high });
		};
	}

	draw(tail: string, printed: readonly string[] = []): void {
		const frame = layOutFrame({ ...initialState(this.columns, 24), tail }, createColors(false));
		this.printed.push(...printed);
		const { cursor } = frame;
		const step = this.shown.show({ printed, frame: frameLines(frame), cursor, columns: this.columns, rows });
		this.wire += stepText(step).replaceAll("\n", "\r\n");
	}

	/** So many of the characters on the wire arrive; all of them when that is not said. */
	arrive(characters = this.wire.length): void {
		this.terminal.write(this.wire.slice(0, characters));
		this.wire = this.wire.slice(characters);
	}

	/** The size is quiet, and the program learns of it: it draws until what is shown is right. */
	settle(): void {
		this.arrive();
		this.columns = this.terminal.columns;
		let times = 0;
		do {
			this.draw("the end");
			this.arrive();
			times += 1;
		} while (!this.shown.isRight && times < 5);
		expect(times).toBeLessThanOrEqual(2);
	}

	get lines(): string[] {
		return this.terminal.lines.map((text) => text.trimEnd()).filter((text) => text !== "");
	}
}

const frame = ["the end", "╭─", "│ ›", "╰"];
const lineOf = (...words: string[]) =>
	fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 12 }).map((parts) => parts.join(" "));
const width = fc.integer({ min: 20, max: 120 });
const drawnOf = (line: fc.Arbitrary<string>) =>
	fc.record({ tail: line, printed: fc.array(line, { maxLength: 2 }) });

describe("what is written to a terminal that changes its width", () => {
	it("stands there once when it arrives as a whole, at whatever width", () => {
		// Where a wide character does not fit, terminals do not agree what becomes of the cell that is left.
		const drawn = drawnOf(lineOf("one", "three", "x".repeat(30)));
		const step = fc.record({ drawn, width: fc.option(width) });
		fc.assert(
			fc.property(width, fc.array(step, { minLength: 2, maxLength: 6 }), (first, steps) => {
				const scene = new Scene(first);
				scene.draw("begin");
				scene.arrive();
				for (const [index, { drawn, width }] of steps.entries()) {
					scene.columns = scene.terminal.columns;
					scene.draw(
						drawn.tail,
						drawn.printed.map((text, at) => `${index}.${at} ${text}`),
					);
					if (width !== null) scene.terminal.resize(width, rows);
					scene.arrive();
				}
				scene.settle();
				expect(scene.lines).toEqual([...scene.printed.map((text) => text.trimEnd()), ...frame]);
			}),
		);
	});

	it("is never lost when the width changes in the middle of it", () => {
		const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), width });
		const drawn = drawnOf(lineOf("one", "世界", "three", "x".repeat(30)));
		const step = fc.record({ drawn, changes: fc.array(change, { maxLength: 2 }) });
		fc.assert(
			fc.property(width, fc.array(step, { minLength: 2, maxLength: 6 }), (first, steps) => {
				const scene = new Scene(first);
				scene.draw("begin");
				scene.arrive();
				for (const [index, { drawn, changes }] of steps.entries()) {
					scene.draw(
						drawn.tail,
						drawn.printed.map((text, at) => `${index}.${at} ${text}`),
					);
					for (const { at, width } of changes) {
						scene.arrive(Math.floor(at * scene.wire.length));
						scene.terminal.resize(width, rows);
					}
					scene.arrive();
					scene.columns = scene.terminal.columns;
				}
				scene.settle();
				const { lines } = scene;
				const [top = "", ...rest] = lines.slice(-frame.length);
				// What is left of a broken frame may stand in front of it.
				expect([top.slice(-"the end".length), ...rest]).toEqual(frame);
				let found = 0;
				for (const text of lines) if (text.endsWith(scene.printed[found]?.trimEnd() ?? "\n")) found += 1;
				expect(found, `${scene.printed.join("\n")}\n— in —\n${lines.join("\n")}`).toBe(scene.printed.length);
			}),
		);
	});

	it("is found again where the terminal says its rows and columns in the wrong order", () => {
		const scene = new Scene(80, true, true);
		scene.draw("one");
		scene.arrive();
		scene.draw("x".repeat(70), ["two"]);
		scene.terminal.resize(30, rows);
		scene.settle();
		expect(scene.lines).toEqual(["two", ...frame]);
	});

	it("is waited for as long as the terminal answers", () => {
		const scene = new Scene(80);
		scene.draw("one");
		expect(scene.shown.isBehind).toBe(false);
		scene.arrive();
		scene.draw("two");
		expect(scene.shown.isBehind).toBe(true);
		scene.arrive();
		expect(scene.shown.isBehind).toBe(false);
		scene.draw("three");
		scene.now = 2000;
		expect(scene.shown.isBehind).toBe(false);
	});

	it("is taken to have arrived while answers take too long, and asked for again once they have come", () => {
		const scene = new Scene(80);
		scene.draw("one");
		scene.arrive();
		scene.draw("two");
		scene.now = 2000;
		scene.draw("three");
		expect(scene.wire.split(question)).toHaveLength(4);
		scene.arrive();
		scene.draw("four");
		expect(scene.wire.split(question)).toHaveLength(4);
		scene.settle();
		expect(scene.lines).toEqual(frame);
	});

	it("is taken to have arrived where the terminal never answers, or answers what is not so", () => {
		const scene = new Scene(80, false);
		scene.draw("one");
		scene.arrive();
		scene.now = 2000;
		scene.draw("two");
		expect(scene.wire).not.toContain(question);
		scene.terminal.resize(40, rows);
		scene.settle();
		expect(scene.lines).toEqual(frame);
		const shown = new WritesUnderWay(() => 0, true);
		const frameOf = { printed: [], frame: ["a"], cursor: { x: 0, y: 0 }, columns: 80, rows };
		expect(shown.show(frameOf).asks).toBe(true);
		expect(shown.seen({ columns: 24, rows: 81 })).toBeUndefined();
		expect(shown.show(frameOf).asks).toBe(false);
	});

	it("is found again where a terminal cuts its lines off instead of breaking them", () => {
		const shown = new WritesUnderWay(() => 0, false);
		const wide = { printed: ["y".repeat(78)], frame: ["x".repeat(78), "", ""], cursor: { x: 70, y: 1 } };
		shown.show({ ...wide, columns: 80, rows });
		for (let answers = 0; answers < 3; answers += 1) shown.seen({ columns: 80, rows });
		expect(shown.show({ ...wide, columns: 40, rows })).toMatchObject({ up: 1, above: wide.printed });
	});
});
