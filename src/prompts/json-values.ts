import type { Files } from "../state/file-system.ts";
import { lineLimitBytes } from "../state/lines.ts";
import { countLineEnds, TextChunks } from "./text-chunks.ts";

/** A value of a JSON file as it is written there. */
export interface JsonPiece {
	/** Of its first character, counted from 1. */
	readonly line: number;
	readonly text: string;
	/** Why nothing is to be read behind it, or what is wrong between values. */
	readonly problem?: string;
}

/**
 * `values`: one value after another, however they are broken into lines. `list`: the items of one list. `member`: the
 * items of the one list that the file's one object has.
 */
export type JsonLayout = "values" | "list" | "member";

const blank = /[ \t\r\n]*/y;
const memberStart = /^\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*\[\s*\{/;
const neverClosed = "not valid JSON (a bracket or quote opened here is never closed)";

/** The layout of a file that holds JSON, by its beginning; only for an object around a list the whole file is read. */
export function findJsonLayout(files: Files, file: number): JsonLayout {
	const head = new TextChunks(files, file).next() ?? "";
	if (/^\s*\[/.test(head)) return "list";
	const name = memberStart.test(head) ? /"((?:[^"\\]|\\.)*)"/.exec(head)?.[1] : undefined;
	// An object of messages is itself a row.
	if (name === undefined || name === "messages") return "values";
	for (const { problem } of readJsonPieces(files, file, "member")) if (problem !== undefined) return "values";
	return "member";
}

/** True when a JSONL file is none: its first value goes over several lines, or is a list around the rows. */
export function isLaidOut(files: Files, file: number): boolean {
	const chunks = new TextChunks(files, file);
	const head = chunks.next() ?? "";
	if (/^\s*\[/.test(head)) return true;
	const [first = ""] = head.trimStart().split(/\r?\n/, 1);
	if (!first.startsWith("{") || isJson(first)) return false;
	const piece = readJsonPieces(files, file, "values").next().value;
	return piece !== undefined && piece.problem === undefined && isJson(piece.text);
}

function isJson(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}

/** The values of an open JSON file, in flat memory. Only brackets and quotes are looked at: a piece need not be JSON. */
export function* readJsonPieces(
	files: Files,
	file: number,
	layout: JsonLayout,
): Generator<JsonPiece, void, undefined> {
	const text = new Lookahead(new TextChunks(files, file));
	text.skipBlank();
	if (layout === "member") {
		text.skip(1);
		text.skipBlank();
		text.take();
		text.skipBlank();
		text.skip(1);
		text.skipBlank();
	}
	if (layout === "values") {
		while (text.peek() !== undefined) {
			yield text.take();
			text.skipBlank();
			if (text.peek() !== ",") continue;
			yield { line: text.line, text: "", problem: "not valid JSON (a comma between two rows)" };
			return;
		}
		return;
	}
	text.skip(1);
	text.skipBlank();
	while (text.peek() !== "]") {
		if (text.peek() === undefined) {
			yield { line: text.line, text: "", problem: "not valid JSON (the list ends early)" };
			return;
		}
		const piece = text.take();
		yield piece;
		if (piece.problem !== undefined) return;
		text.skipBlank();
		if (text.peek() === "]") break;
		if (text.peek() !== ",") {
			const problem =
				text.peek() === undefined ? "the list ends early" : "a comma is missing between two rows";
			yield { line: text.line, text: "", problem: `not valid JSON (${problem})` };
			return;
		}
		text.skip(1);
		text.skipBlank();
		if (text.peek() === "]") {
			yield { line: text.line, text: "", problem: "not valid JSON (a comma before the end of the list)" };
			return;
		}
	}
	text.skip(1);
	text.skipBlank();
	if (layout === "member" && text.peek() === "}") {
		text.skip(1);
		text.skipBlank();
	}
	if (text.peek() !== undefined)
		yield { line: text.line, text: "", problem: "not valid JSON (text after the end of the list)" };
}

/** A text that comes in chunks, at a position that only goes forward. */
class Lookahead {
	readonly #chunks: TextChunks;
	#text = "";
	#position = 0;
	line = 1;

	constructor(chunks: TextChunks) {
		this.#chunks = chunks;
	}

	/** The character at the position; undefined at the end. */
	peek(): string | undefined {
		while (this.#position >= this.#text.length && !this.#chunks.done) this.#more();
		return this.#text[this.#position];
	}

	skip(count: number): void {
		this.#position += count;
	}

	skipBlank(): void {
		while (this.peek() !== undefined) {
			blank.lastIndex = this.#position;
			const [found = ""] = blank.exec(this.#text) ?? [];
			this.#advance(found.length);
			if (this.#position < this.#text.length) return;
		}
	}

	/** The value at the position, and goes behind it. */
	take(): JsonPiece {
		const line = this.line;
		const end = this.#valueEnd();
		if (end === undefined) {
			this.#position = this.#text.length;
			return { line, text: "", problem: neverClosed };
		}
		const text = this.#text.slice(this.#position, end);
		const problem = this.#chunks.judge(text);
		this.#advance(text.length);
		return problem === undefined ? { line, text } : { line, text, problem };
	}

	#advance(count: number): void {
		this.line += countLineEnds(this.#text.slice(this.#position, this.#position + count));
		this.#position += count;
	}

	/** Where the value at the position ends; undefined when it never does. */
	#valueEnd(): number | undefined {
		const structure = /["{}[\]]/g;
		const scalarEnd = /[\s,\]}]/g;
		let depth = 0;
		for (let at = 0; ; ) {
			const from = this.#position + at;
			const character = this.#text[from];
			if (character === undefined && this.#more()) continue;
			if (character === '"') {
				const close = this.#stringEnd(at + 1);
				if (close === undefined) return undefined;
				at = close + 1;
			} else if (character === "{" || character === "[") {
				depth += 1;
				at += 1;
			} else if (character === "}" || character === "]") {
				depth -= 1;
				at += 1;
			} else {
				if (character === undefined && depth > 0) return undefined;
				const next = depth === 0 ? scalarEnd : structure;
				next.lastIndex = from + (depth === 0 ? 1 : 0);
				const found = next.exec(this.#text)?.index;
				if (found === undefined && this.#more()) continue;
				if (depth === 0) return found ?? this.#text.length;
				if (found === undefined) return undefined;
				at = found - this.#position;
				continue;
			}
			if (depth <= 0) return this.#position + at;
		}
	}

	/** Where, from the position, the string closes that goes on at `at`. */
	#stringEnd(at: number): number | undefined {
		const special = /["\\]/g;
		for (let from = at; ; ) {
			special.lastIndex = this.#position + from;
			const found = special.exec(this.#text)?.index;
			if (found === undefined) {
				from = Math.max(from, this.#text.length - this.#position);
				if (!this.#more()) return undefined;
				continue;
			}
			if (this.#text[found] === '"') return found - this.#position;
			from = found - this.#position + 2;
		}
	}

	/** Reads on; false at the end, or when a value is too long. */
	#more(): boolean {
		if (this.#chunks.done || this.#text.length - this.#position > lineLimitBytes) return false;
		this.#text = this.#chunks.more(this.#text.slice(this.#position));
		this.#position = 0;
		return true;
	}
}
