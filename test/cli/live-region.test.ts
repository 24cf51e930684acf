import { describe, expect, it } from "vitest";
import { RateMeter } from "../../src/cli/batch/rate-meter.ts";
import type { OutputStream } from "../../src/cli/io.ts";
import { LiveRegion } from "../../src/cli/live-region.ts";

/** A terminal as far as the region uses one: lines that wrap, a cursor, and the sequences to move and erase. */
class Screen implements OutputStream {
	readonly isTTY = true;
	columns: number;
	readonly rows = 24;
	readonly gone = new AbortController().signal;
	readonly lines: string[] = [""];
	writes = 0;
	/** Rows that go on with the row above, because the terminal broke a line there; overwriting them changes nothing. */
	readonly #broken = new Set<number>();
	#row = 0;
	#column = 0;

	constructor(columns: number) {
		this.columns = columns;
	}

	write(text: string): boolean {
		this.writes += 1;
		for (const [piece] of text.matchAll(/\x1b\[\d*[AKJ]|\x1b\[[\d;]*m|[\s\S]/g)) this.#take(piece);
		return true;
	}

	async flush(): Promise<void> {}

	/** Breaks lines that are too long, and joins again what it has broken, as terminals do. */
	resize(columns: number): void {
		this.columns = columns;
		const whole: string[] = [];
		for (const [row, line] of this.lines.entries()) {
			if (this.#broken.has(row)) whole.push(whole.pop() + line);
			else whole.push(line);
		}
		this.lines.length = 0;
		this.#broken.clear();
		for (const line of whole) {
			const [first = "", ...others] = line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [];
			this.lines.push(first);
			for (const other of others) this.#broken.add(this.lines.push(other) - 1);
		}
		this.#row = this.lines.length - 1;
	}

	#take(piece: string): void {
		if (piece === "\r") this.#column = 0;
		else if (piece === "\n") {
			this.#row += 1;
			this.#column = 0;
			if (this.#row === this.lines.length) this.lines.push("");
		} else if (/^\x1b\[\d*A$/.test(piece)) this.#row -= Number(piece.slice(2, -1));
		else if (piece === "\x1b[K") this.#set(this.#line.slice(0, this.#column));
		else if (piece === "\x1b[J") {
			this.#set(this.#line.slice(0, this.#column));
			this.lines.length = this.#row + 1;
			for (const row of this.#broken) if (row > this.#row) this.#broken.delete(row);
		} else if (!piece.startsWith("\x1b")) {
			this.#set(
				this.#line.slice(0, this.#column).padEnd(this.#column) + piece + this.#line.slice(this.#column + 1),
			);
			this.#column += 1;
		}
	}

	get #line(): string {
		return this.lines[this.#row] ?? "";
	}

	#set(line: string): void {
		this.lines[this.#row] = line;
	}
}

describe("the live region", () => {
	it("draws in place, and is gone without a trace when it is cleared", () => {
		const screen = new Screen(40);
		const region = new LiveRegion(screen);
		screen.write("before\n");
		region.draw(["one", "two", "three"]);
		expect(screen.lines).toEqual(["before", "one", "two", "three"]);
		region.draw(["1", "2"]);
		expect(screen.lines).toEqual(["before", "1", "2"]);
		region.log("a message");
		expect(screen.lines).toEqual(["before", "a message", "1", "2"]);
		region.clear();
		expect(screen.lines).toEqual(["before", "a message", ""]);
	});

	it("writes nothing when nothing has changed", () => {
		const screen = new Screen(40);
		const region = new LiveRegion(screen);
		region.draw(["same"]);
		region.draw(["same"]);
		expect(screen.writes).toBe(1);
	});

	it("cuts lines to the terminal, and leaves no rest behind when that is made narrower", () => {
		const screen = new Screen(40);
		const region = new LiveRegion(screen);
		screen.write("before\n");
		region.draw(["x".repeat(60), `\x1b[31m${"界".repeat(30)}\x1b[39m`]);
		expect(screen.lines[1]).toBe(`${"x".repeat(38)}…`);
		region.draw(["a".repeat(39), "b".repeat(39)]);
		screen.resize(15);
		region.draw(["short", "too"]);
		expect(screen.lines).toEqual(["before", "short", "too"]);
	});

	it("is not torn when a terminal that was made narrower is made wider again", () => {
		const screen = new Screen(40);
		const region = new LiveRegion(screen);
		screen.write("before\n");
		region.draw(["a".repeat(39), "b".repeat(39), "c"]);
		screen.resize(20);
		region.draw(["one", "two", "three"]);
		screen.resize(40);
		region.draw(["1", "2", "3"]);
		expect(screen.lines).toEqual(["before", "1", "2", "3"]);
	});
});

describe("a rate", () => {
	it("is that of the last minute, or since the start", () => {
		let now = 0;
		const meter = new RateMeter(() => now);
		expect(meter.perMinute).toBe(0);
		now = 10_000;
		meter.add(100);
		expect(meter.perMinute).toBe(600);
		now = 60_000;
		expect(meter.perMinute).toBe(100);
		now = 69_999;
		expect(meter.perMinute).toBe(100);
		now = 70_001;
		expect(meter.perMinute).toBe(0);
		now = 10_000_000;
		meter.add(5);
		expect(meter.perMinute).toBe(5);
	});
});
