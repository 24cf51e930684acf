/** Where an unfinished piece of markdown may be cut so that what comes later cannot change how the first part looks. */

/** An opener that is not closed within this many characters is taken as plain text. */
const patience = 400;

/** Lines that would turn the line above them into a heading or a table. */
const underline = /^[\s>|:=-]*$/;
const listMarker = /^\s*([-*+]|\d{1,9}[.)])\s/;

/** What is open at a point of inline markdown. */
class OpenInline {
	/** Length of the backtick run that opened a code span. */
	code = 0;
	brackets = 0;
	address = false;
	tag = false;
	readonly emphasis = new Map<string, number>();
	#since = 0;

	get none(): boolean {
		return (
			this.code === 0 &&
			this.brackets === 0 &&
			!this.address &&
			!this.tag &&
			[...this.emphasis.values()].every((count) => count === 0)
		);
	}

	clear(): void {
		this.code = 0;
		this.brackets = 0;
		this.address = false;
		this.tag = false;
		this.emphasis.clear();
	}

	/** Gives up on what has been open for too long. */
	tick(index: number): void {
		if (this.none) this.#since = index;
		else if (index - this.#since > patience) this.clear();
	}
}

/**
 * Returns the index of the last white space of an unfinished block before which nothing can change any more: every
 * emphasis, code span, link and tag before it is closed. 0 when there is none.
 */
export function stableCut(block: string): number {
	if (/^\s*[|<]/.test(block)) return 0;
	const open = new OpenInline();
	let cut = 0;
	let offset = 0;
	const lines = block.split("\n");
	for (const [number, line] of lines.entries()) {
		const next = lines[number + 1];
		// With the next line it may become a table, whose columns are not known yet.
		const mayBeTable = line.includes("|") && (next === undefined || underline.test(next));
		let index = 0;
		while (index < line.length) {
			if (line[index] === " ") {
				open.tick(offset + index);
				if (open.none && !mayBeTable && !underline.test(line.slice(0, index))) cut = offset + index;
				index += 1;
			} else index += readInline(line, index, open);
		}
		offset += line.length;
		if (next === undefined) break;
		if (next.trim() === "" || listMarker.test(next)) open.clear();
		open.tick(offset);
		if (open.none && !mayBeTable && !underline.test(line)) cut = offset;
		offset += 1;
	}
	return cut;
}

/** Notes what opens or closes at `index` and returns how many characters that took. */
function readInline(block: string, index: number, open: OpenInline): number {
	const character = block[index] ?? "";
	if (character === "`") {
		const length = runLength(block, index);
		if (open.code === length) open.code = 0;
		else if (open.code === 0) open.code = length;
		return length;
	}
	if (open.code > 0) return 1;
	switch (character) {
		case "\\":
			return 2;
		case "*":
		case "_":
		case "~":
			return readEmphasis(block, index, open);
		case "[":
			open.brackets += 1;
			return 1;
		case "]":
			if (open.brackets === 0) return 1;
			open.brackets -= 1;
			if (block[index + 1] !== "(") return 1;
			open.address = true;
			return 2;
		case ")":
			open.address = false;
			return 1;
		case "<":
			if (/[a-z!/]/i.test(block[index + 1] ?? "")) open.tag = true;
			return 1;
		case ">":
			open.tag = false;
			return 1;
		default:
			return 1;
	}
}

function readEmphasis(block: string, index: number, open: OpenInline): number {
	const character = block[index] ?? "";
	const length = runLength(block, index);
	const before = block[index - 1] ?? " ";
	const after = block[index + length] ?? "";
	const count = open.emphasis.get(character) ?? 0;
	const insideWord = character === "_" && /\w/.test(before) && /\w/.test(after);
	if (count > 0 && !/\s/.test(before) && !insideWord) {
		open.emphasis.set(character, Math.max(0, count - length));
	} else if (after !== "" && !/\s/.test(after) && !insideWord) {
		open.emphasis.set(character, count + length);
	}
	return length;
}

function runLength(block: string, index: number): number {
	let end = index;
	while (block[end] === block[index]) end += 1;
	return end - index;
}
