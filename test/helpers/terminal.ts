import { textWidth } from "../../src/terminal/width.ts";

/** A character in its cell; the second cell of a wide one holds "". */
type Row = { cells: string[]; wrapped: boolean };

/**
 * A terminal in memory: enough of xterm to tell what a person would see, what scrolled away, and whether anything
 * was done that must not be. Lines are broken anew when the width changes, as modern terminals do.
 */
export class Terminal {
	columns: number;
	rows: number;
	/** Lines that scrolled off the top, oldest first. */
	readonly scrollback: Row[] = [];
	#screen: Row[] = [];
	#x = 0;
	#y = 0;
	#pending = "";
	/** Modes that are on now, such as `?2004`. */
	readonly modes = new Set<string>(["?25"]);
	/** Text that is too long for its row goes on in the next one (DECAWM). */
	wraps = true;
	/** Everything seen that moves more than text: `2J`, `3J`, `OSC 52`, `alternate`, … */
	readonly events: string[] = [];
	/** Hears the replies that a terminal gives to questions. */
	onReply: (text: string) => void = () => {};

	constructor(columns: number, rows: number) {
		this.columns = columns;
		this.rows = rows;
		this.#screen = this.#blank(rows);
	}

	get cursor(): { x: number; y: number } {
		return { x: this.#x, y: this.#y };
	}

	/** What is on the screen, line by line, trailing space cut. */
	get screen(): string[] {
		return this.#screen.map(textOf);
	}

	/** Screen and scrollback as whole lines: rows that belong together are joined. */
	get lines(): string[] {
		const lines: string[] = [];
		let open = false;
		for (const row of [...this.scrollback, ...this.#screen]) {
			const text = row.wrapped ? row.cells.join("") : textOf(row);
			if (open) lines[lines.length - 1] += text;
			else lines.push(text);
			open = row.wrapped;
		}
		return lines;
	}

	write(data: string): void {
		let text = this.#pending + data;
		this.#pending = "";
		while (text !== "") {
			if (text[0] === "\x1b") {
				const taken = this.#sequence(text);
				if (taken === 0) {
					this.#pending = text;
					return;
				}
				text = text.slice(taken);
				continue;
			}
			const control = text.search(/[\x00-\x1f\x7f]/);
			if (control === 0) {
				this.#control(text.charCodeAt(0));
				text = text.slice(1);
				continue;
			}
			const end = control < 0 ? text.length : control;
			for (const { segment } of new Intl.Segmenter().segment(text.slice(0, end))) this.#put(segment);
			text = text.slice(end);
		}
	}

	resize(columns: number, rows: number): void {
		if (columns === this.columns && rows === this.rows) return;
		const all = [...this.scrollback, ...this.#screen];
		const cursorRow = this.scrollback.length + this.#y;
		let last = all.length - 1;
		while (last > cursorRow && textOf(all[last] as Row) === "") last -= 1;
		const result: Row[] = [];
		let cursor = { row: 0, x: this.#x };
		let index = 0;
		while (index <= last) {
			const cells: string[] = [];
			const start = index;
			let offset = -1;
			for (;;) {
				const row = all[index] as Row;
				if (index === cursorRow) offset = cells.length + this.#x;
				const isOpen = row.wrapped && index < last;
				cells.push(...(isOpen ? row.cells : trimmed(row.cells)));
				index += 1;
				if (!isOpen) break;
			}
			const pieces = columns === this.columns ? all.slice(start, index) : breakCells(cells, columns);
			if (offset >= 0) {
				// Behind the last column the next character still goes into the row below, as long as the width is the same.
				const waits = columns === this.columns && this.#x === columns ? 1 : 0;
				const piece = Math.min(Math.floor((offset - waits) / columns), pieces.length - 1);
				cursor = { row: result.length + piece, x: Math.min(offset - piece * columns, columns - 1 + waits) };
			}
			result.push(...pieces);
		}
		const height = Math.min(rows, Math.max(result.length, 1));
		const top = Math.max(0, Math.min(result.length - height, cursor.row));
		this.scrollback.splice(0, this.scrollback.length, ...result.slice(0, top));
		this.#screen = [...result.slice(top), ...this.#blank(rows)].slice(0, rows);
		this.columns = columns;
		this.rows = rows;
		this.#y = Math.min(rows - 1, cursor.row - top);
		this.#x = cursor.x;
	}

	#blank(count: number): Row[] {
		return Array.from({ length: count }, () => ({ cells: [], wrapped: false }));
	}

	#put(grapheme: string): void {
		const width = Math.max(1, textWidth(grapheme));
		if (this.#x + width > this.columns && !this.wraps) return;
		if (this.#x + width > this.columns) {
			(this.#screen[this.#y] as Row).wrapped = true;
			this.#x = 0;
			this.#lineFeed();
		}
		const { cells } = this.#screen[this.#y] as Row;
		while (cells.length < this.#x) cells.push(" ");
		cells[this.#x] = grapheme;
		for (let extra = 1; extra < width; extra += 1) cells[this.#x + extra] = "";
		this.#x += width;
	}

	#lineFeed(): void {
		if (this.#y < this.rows - 1) {
			this.#y += 1;
			return;
		}
		this.scrollback.push(this.#screen.shift() as Row);
		this.#screen.push({ cells: [], wrapped: false });
	}

	#control(code: number): void {
		if (code === 0x0a) {
			// The line discipline of a raw terminal leaves the column alone, but node-pty's has ONLCR on.
			(this.#screen[this.#y] as Row).wrapped = false;
			this.#lineFeed();
		} else if (code === 0x0d) this.#x = 0;
		else if (code === 0x08) this.#x = Math.max(0, this.#x - 1);
		else this.events.push(`control ${code}`);
	}

	/** Returns how much of the text the sequence takes; 0 when it is not complete. */
	#sequence(text: string): number {
		const csi = /^\x1b\[([\x30-\x3f]*)([\x20-\x2f]*)([\x40-\x7e])/.exec(text);
		if (csi) {
			this.#csi(csi[1] ?? "", `${csi[2]}${csi[3]}`);
			return csi[0].length;
		}
		const osc = /^\x1b\](\d*)[^\x07\x1b]*(?:\x07|\x1b\\)/.exec(text);
		if (osc) {
			this.events.push(`OSC ${osc[1]}`);
			return osc[0].length;
		}
		if (/^\x1b(\[[\x20-\x3f]*|\][^\x07]*)?$/.test(text)) return 0;
		this.events.push(`ESC ${text[1]}`);
		return 2;
	}

	#csi(parameters: string, final: string): void {
		const [first = 0, second = 0] = parameters.split(";").map((field) => Number.parseInt(field, 10) || 0);
		const count = Math.max(1, first);
		switch (final) {
			case "A":
				this.#y = Math.max(0, this.#y - count);
				break;
			case "B":
				this.#y = Math.min(this.rows - 1, this.#y + count);
				break;
			case "C":
				this.#x = Math.min(this.columns - 1, this.#x + count);
				break;
			case "D":
				this.#x = Math.max(0, this.#x - count);
				break;
			case "E":
				this.#y = Math.min(this.rows - 1, this.#y + count);
				this.#x = 0;
				break;
			case "G":
				this.#x = Math.min(this.columns, count) - 1;
				break;
			case "H":
				this.#y = Math.min(this.rows, Math.max(1, first)) - 1;
				this.#x = Math.min(this.columns, Math.max(1, second)) - 1;
				this.events.push("H");
				break;
			case "J":
				this.#eraseDisplay(first);
				break;
			case "K":
				this.#eraseLine(first);
				break;
			case "h":
			case "l":
				if (/^\?(47|1047|1049)$/.test(parameters)) this.events.push("alternate");
				if (parameters === "?7") this.wraps = final === "h";
				else if (final === "h") this.modes.add(parameters);
				else this.modes.delete(parameters);
				break;
			case "u":
				if (parameters === "?") this.onReply("\x1b[?0u");
				else if (parameters.startsWith(">")) this.modes.add("kitty");
				else if (parameters.startsWith("<")) this.modes.delete("kitty");
				break;
			case "t":
				if (first === 18) this.onReply(`\x1b[8;${this.rows};${this.columns}t`);
				else this.events.push(`CSI ${parameters}${final}`);
				break;
			case "m":
				break;
			default:
				this.events.push(`CSI ${parameters}${final}`);
		}
	}

	#eraseDisplay(kind: number): void {
		if (kind >= 1) this.events.push(`${kind}J`);
		if (kind === 3) this.scrollback.length = 0;
		if (kind === 2) this.#screen = this.#blank(this.rows);
		if (kind === 0) {
			this.#eraseLine(0);
			for (let row = this.#y + 1; row < this.rows; row += 1)
				this.#screen[row] = { cells: [], wrapped: false };
		}
	}

	#eraseLine(kind: number): void {
		const row = this.#screen[this.#y] as Row;
		if (kind === 0) row.cells.length = Math.min(row.cells.length, this.#x);
		else row.cells = [];
		row.wrapped = false;
	}
}

function textOf({ cells }: Row): string {
	return cells.join("").trimEnd();
}

function trimmed(cells: readonly string[]): string[] {
	const result = [...cells];
	while (result.at(-1) === " ") result.pop();
	return result;
}

function breakCells(cells: readonly string[], columns: number): Row[] {
	const rows: Row[] = [];
	let row: string[] = [];
	for (const [index, cell] of cells.entries()) {
		const isWide = cells[index + 1] === "";
		if (cell !== "" && row.length + (isWide ? 2 : 1) > columns) {
			rows.push({ cells: row, wrapped: true });
			row = [];
		}
		row.push(cell);
	}
	rows.push({ cells: row, wrapped: false });
	return rows;
}
