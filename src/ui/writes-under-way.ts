/**
 * What is written to a terminal that may change its size meanwhile. What is on its way then is laid out for a width that
 * the terminal has no more when it arrives, and what it erases is not what it was meant to erase. So the terminal is
 * asked for its size before and behind what erases, and behind what is drawn (`CSI 18 t`): from the answers follows what
 * each write has done, so the next one erases what went wrong and prints again what was erased by mistake. Where the two answers differ, the
 * size has changed while the write arrived, and each screen that may have come of it is thought of: what is erased next
 * is what must go in all of them, and what is printed again is what may be missing in any. A line may then stand twice;
 * none is lost. A terminal that does not answer is taken to get each write as soon as that is written.
 */

import { afterWrite, rowsDownFrom, type ScreenLines, unknownScreen, type Write } from "./screen-lines.ts";

/** Asks a terminal for its size in characters. */
const askForSize = "\x1b[18t";
/** What stands between these is shown at once. */
const [stepStart, stepEnd] = ["\x1b[?2026h\x1b[?25l", "\x1b[?25h\x1b[?2026l"];
/** A frame's lines are cut off, not broken, where it arrives on a terminal that has become narrower. */
const [cutting, breaking] = ["\x1b[?7l", "\x1b[?7h"];
/** An answer that takes longer than this, in ms, is not waited for. */
const patience = 1_000;
/** So many lines for ever can be printed again: more than a terminal has rows. */
const remembered = 500;

export interface TerminalSize {
	readonly columns: number;
	readonly rows: number;
}

/** What is to be shown: lines for ever that are new, and the live region below them; and the size it is laid out for. */
export interface Shown extends Omit<Write, "up" | "above">, TerminalSize {
	readonly printed: readonly string[];
}

/** What has to be written for it. */
export interface Step extends Write {
	/** The terminal is to be asked for its size before it, behind what erases, and behind it all. */
	readonly asks: boolean;
}

/** How many lines for ever there are, counted from the first of all, and the line of the screen below them. */
interface Found {
	readonly until: number;
	readonly below: number;
}

/** A question that was not answered yet, or a write that no answer stands behind. */
type UnderWay =
	| { readonly askedAt: number }
	| { readonly write: Write; readonly columns: number; readonly rows: number; readonly askedAt?: undefined };

export class WritesUnderWay {
	readonly #now: () => number;
	readonly #reflows: boolean;
	/** What may stand on the terminal where the last answer was given; one screen, as a rule. */
	#screens: readonly ScreenLines[] = [unknownScreen(0)];
	/** The width in that answer. */
	#width: number | undefined;
	#underWay: readonly UnderWay[] = [];
	/** Lines for ever, of which the first few are forgotten. */
	#lines: readonly string[] = [];
	#forgotten = 0;
	/** The live region as it should stand there. */
	#frame: readonly string[] = [];
	/** How many rows above the cursor can be erased, at the most: what is further up has left the screen. */
	#reach = 0;
	/** Answers that come too late to say anything. */
	#late = 0;
	#isReliable: boolean | undefined;
	/** It says how many columns it has where the rows belong (tmux 3.3 does). */
	#isSwapped = false;

	/** `now` is monotonic, in ms; the terminal `reflows` when it breaks long lines anew as its width changes. */
	constructor(now: () => number, reflows: boolean) {
		this.#now = now;
		this.#reflows = reflows;
	}

	/** The terminal has not taken yet what was written: the next frame had better wait. */
	get isBehind(): boolean {
		return this.#isReliable === true && this.#underWay.length > 0 && !this.#isLate;
	}

	/** What should be on the terminal stands there and nothing else, unless that is not known yet. */
	get isRight(): boolean {
		if (this.#underWay.length > 0) return true;
		return this.#screens.every((screen) => {
			const { until, below } = this.#standing(screen);
			return until === this.#total && screen.lines.length === below + this.#frame.length;
		});
	}

	/** Takes note of what is shown next and returns what is to be written for it, on top of what stands there now. */
	show({ printed, frame, cursor, columns, rows }: Shown): Step {
		if (this.#isLate) this.#stopWaiting(columns);
		this.#reach = rows - 1;
		const { up, until, isSure } = this.#erasure(columns);
		const standing = this.#lines.slice(0, until - this.#forgotten);
		const missing = this.#lines.slice(until - this.#forgotten);
		// Where this may begin in the middle of a line that the terminal has broken, that line is ended first.
		const again = isSure ? missing : ["", ...missing];
		const erasing: Write = { up, above: [], frame: [""], cursor: { x: 0, y: 0 } };
		const writing: Write = { up: 0, above: [...again, ...printed], frame, cursor };
		this.#frame = frame;
		this.#lines = [...standing, ...again, ...printed];
		const asks = this.#isReliable !== false && this.#late === 0;
		if (asks) {
			const question = { askedAt: this.#now() };
			const [first, second] = [erasing, writing].map((write) => ({ write, columns, rows }));
			this.#underWay = [
				...this.#underWay,
				question,
				first,
				question,
				second,
				question,
			] as readonly UnderWay[];
		} else for (const write of [erasing, writing]) this.#arrive(write, columns, columns);
		return { ...writing, up, asks };
	}

	/** An answer to the oldest question. Returns the size that the terminal has there, if that is to be relied on. */
	seen(answer: TerminalSize): TerminalSize | undefined {
		if (this.#late > 0) {
			this.#late -= 1;
			return undefined;
		}
		const index = this.#underWay.findIndex(({ askedAt }) => askedAt !== undefined);
		if (index < 0) return undefined;
		const arrived = this.#underWay.slice(0, index);
		const left = this.#underWay.slice(index + 1);
		if (this.#isReliable === undefined) {
			const expected = left.find((item) => item.askedAt === undefined) ?? answer;
			// The first answer tells how they are to be read. That of a square terminal does not tell it.
			this.#isSwapped = answer.columns !== expected.columns && answer.rows === expected.columns;
			if (answer.columns !== expected.columns && !this.#isSwapped) {
				this.#isReliable = false;
				this.#stopWaiting(expected.columns);
				this.#late = 0;
				return undefined;
			}
			if (answer.columns !== answer.rows) this.#isReliable = true;
		}
		const columns = this.#isSwapped ? answer.rows : answer.columns;
		this.#underWay = left;
		for (const item of arrived)
			if (item.askedAt === undefined) this.#arrive(item.write, this.#width ?? item.columns, columns);
		const isSure = columns === this.#width;
		this.#width = columns;
		if (left.length === 0 && isSure) this.#settle(columns);
		return { columns, rows: this.#isSwapped ? answer.columns : answer.rows };
	}

	/** Something else has been on the screen: nothing is known of what stands above the cursor. */
	forget(): void {
		this.#screens = [unknownScreen(this.#total)];
		this.#late += this.#questions;
		this.#underWay = [];
		this.#frame = [];
	}

	get #total(): number {
		return this.#forgotten + this.#lines.length;
	}

	get #questions(): number {
		return this.#underWay.filter(({ askedAt }) => askedAt !== undefined).length;
	}

	/** The questions under way are not waited for any more. */
	get #isLate(): boolean {
		const oldest = this.#underWay.find(({ askedAt }) => askedAt !== undefined)?.askedAt;
		return oldest !== undefined && this.#now() - oldest > patience;
	}

	/** Takes everything under way to have arrived by now; asks again once the answers are there after all. */
	#stopWaiting(columns: number): void {
		this.#late += this.#questions;
		const writes = this.#underWay;
		this.#underWay = [];
		for (const item of writes)
			if (item.askedAt === undefined) this.#arrive(item.write, item.columns, columns);
		this.#width = undefined;
	}

	/** A write has arrived on a terminal that was this wide before it and is that wide behind it. */
	#arrive(write: Write, before: number, behind: number): void {
		this.#screens = this.#after(this.#screens, write, before, behind);
		// What is known of what stands far above is not needed any more.
		const [screen] = this.#screens;
		if (this.#screens.length > 1 || screen === undefined) return;
		const spare = Math.min(this.#standing(screen).below, screen.lines.length - remembered);
		if (spare < remembered) return;
		const first = screen.first + spare;
		this.#screens = [{ ...screen, first, lines: screen.lines.slice(spare), y: screen.y - spare }];
		this.#lines = this.#lines.slice(first - this.#forgotten);
		this.#forgotten = first;
	}

	#after(screens: readonly ScreenLines[], write: Write, before: number, behind: number): ScreenLines[] {
		const { above } = write;
		// Where lines are written while a terminal breaks them anew, what comes of them is as little as can be.
		const broken = { ...write, above: above.map(() => "\x1b[m") };
		const ways: readonly (readonly [Write, erasing: number, writing: number])[] =
			before === behind
				? [[write, behind, behind]]
				: [
						[write, behind, behind],
						[broken, before, Math.min(before, behind)],
						[write, before, before],
					];
		const all = screens.flatMap((screen) =>
			ways.map(([way, erasing, writing]) => afterWrite(screen, way, { erasing, writing }, this.#reflows)),
		);
		if (all.length === 1) return all;
		return [...new Map(all.map((screen) => [JSON.stringify(screen), screen])).values()];
	}

	/**
	 * What stands between the lines for ever is let be when it cannot be erased, or is not known, and no line is missing.
	 * From then on it is not counted: less is erased than might be.
	 */
	#settle(columns: number): void {
		const [screen = unknownScreen(0)] = this.#screens;
		if (this.#screens.length === 1 && this.#isInReach(screen, columns)) return;
		if (!this.#screens.every((one) => this.#found(one).until === this.#total)) return;
		const { first, lines, y, x } = screen;
		const above = this.#lines.slice(first - this.#forgotten);
		const write = {
			up: 0,
			above,
			frame: this.#frame,
			cursor: { x, y: y - (lines.length - this.#frame.length) },
		};
		const widths = { erasing: columns, writing: columns };
		this.#screens = [afterWrite(unknownScreen(first), write, widths, this.#reflows)];
	}

	/** How much is to be erased above the cursor, so that only the first `until` lines for ever stand there. */
	#erasure(columns: number): { readonly up: number; readonly until: number; readonly isSure: boolean } {
		let screens = this.#screens;
		for (const item of this.#underWay)
			if (item.askedAt === undefined) screens = this.#after(screens, item.write, item.columns, item.columns);
		const found = screens.map((screen) => {
			const isKnown = screens.length === 1 && this.#isInReach(screen, columns);
			const { until, below } = isKnown ? this.#standing(screen) : this.#found(screen);
			return { until, up: rowsDownFrom(screen, Math.min(below, screen.y), columns) };
		});
		const until = Math.min(...found.map((one) => one.until));
		const up = Math.min(...found.map((one) => one.up));
		return { up, until, isSure: screens.length === 1 && up <= this.#reach };
	}

	/** What is not as it should be can be erased. */
	#isInReach(screen: ScreenLines, columns: number): boolean {
		return rowsDownFrom(screen, this.#standing(screen).below, columns) <= this.#reach;
	}

	/** How many lines for ever stand at the top, one behind the other, and below which line all of these are. */
	#standing({ first, lines, y }: ScreenLines): Found {
		let count = 0;
		while (count < y && lines[count]?.text === this.#lines[first + count - this.#forgotten]) count += 1;
		return { until: first + count, below: count };
	}

	/** The same with others between them. */
	#found({ first, lines, y }: ScreenLines): Found {
		let until = first;
		let below = 0;
		for (const [index, { text }] of lines.slice(0, y).entries()) {
			if (until === this.#total || text !== this.#lines[until - this.#forgotten]) continue;
			until += 1;
			below = index + 1;
		}
		return { until, below };
	}
}

/** The bytes of a step. */
export function stepText({ up, above, frame, cursor, asks }: Step): string {
	const question = asks ? askForSize : "";
	const erasing = `\r${goUp(up)}\x1b[J`;
	const printing = above.map((line) => `${line}\n`).join("");
	const placing = `${goUp(frame.length - 1 - cursor.y)}\x1b[${cursor.x + 1}G`;
	const drawing = cutting + frame.join("\n") + placing + breaking;
	return stepStart + question + erasing + question + printing + drawing + stepEnd + question;
}

function goUp(rows: number): string {
	return rows > 0 ? `\x1b[${rows}A` : "";
}
