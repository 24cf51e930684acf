/**
 * Emphasis, code, links and formulas inside a line of markdown, as styled text.
 *
 * The rules are CommonMark's where a reader profits from them and stricter where they would eat text: a mark that a
 * person would not take for one (`2*3*4`, `src/**\/*.ts`, `~/lib`, `__init__`, `C:\_new`) stays as it is. What no
 * style can show, because colours are off, keeps its marks too.
 */

import type { Colors } from "../colors.ts";
import { addressAt } from "./addresses.ts";
import { closeEmphasis, emphasisAt, type InlineNode } from "./emphasis.ts";
import { isNumbering, type Word, wordAt } from "./escapes.ts";

export interface Inline {
	/** Styled, not broken into lines yet. */
	readonly text: string;
	/** Something has begun that text behind it may still end: emphasis, code, a link. */
	readonly isOpen: boolean;
	/** How many marks were looked at; those that take longer count more. */
	readonly marks: number;
}

const plainRun = /[^`\\$*_~[\]!<&hH]+/y;
const plainWord = /h+[^`\\$*_~[\]!<&hH]*/iy;
const angleAddress = /<((?:https?:\/\/|mailto:)[^\s<>]+|[\w.+-]+@[\w-]+\.[\w.-]+)>/iy;
const lineBreakTag = /<br\s*\/?>/iy;
const destination = /\(\s*(<[^<>\n]*>|(?:[^\s()<>]|\([^\s()<>]*\))*)(?:\s+("[^"\n]*"|'[^'\n]*'))?\s*\)/y;
const reference = /&(amp|lt|gt|quot|apos|nbsp|#39);/y;
const references: Readonly<Record<string, string>> = {
	...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", nbsp: " " },
};

/** What a mark takes to be looked at, in marks of the cheapest kind. */
const costOf: Readonly<Record<string, number>> = {
	...{ "`": 1, "[": 1, "]": 1, "!": 1, "<": 1, "&": 1, h: 0.5, H: 0.5 },
	...{ "*": 2, _: 2, "~": 2, "\\": 2, $: 3 },
};

class InlineParser {
	readonly #source: string;
	readonly #colors: Colors;
	readonly #nodes: InlineNode[] = [];
	/** Indices of the nodes that are an open `[` or `![`, with where their text begins. */
	readonly #brackets: { readonly node: number; readonly start: number; readonly isImage: boolean }[] = [];
	#at = 0;
	#isOpen = false;
	#marks = 0;
	/** The word that holds the last backslash. */
	#word: Word = { start: 0, end: -1, isPattern: false };
	/** Closing marks that do not come any more. */
	readonly #missing = new Set<string>();

	constructor(source: string, colors: Colors) {
		this.#source = source;
		this.#colors = colors;
	}

	run(): Inline {
		while (this.#at < this.#source.length) this.#take();
		const isOpen =
			this.#isOpen ||
			this.#brackets.length > 0 ||
			this.#nodes.some(({ delimiter }) => delimiter?.canOpen === true);
		return { text: this.#nodes.map(({ text }) => text).join(""), isOpen, marks: this.#marks };
	}

	#take(): void {
		const next = this.#source[this.#at];
		this.#marks += costOf[next ?? ""] ?? 0;
		switch (next) {
			case "`":
				this.#takeCode();
				return;
			case "\\":
				this.#takeBackslash();
				return;
			case "$":
				this.#takeDollar();
				return;
			case "*":
			case "_":
			case "~":
				this.#takeEmphasis();
				return;
			case "[":
				this.#openBracket(1);
				return;
			case "!":
				if (this.#source[this.#at + 1] === "[") this.#openBracket(2);
				else this.#takeText(1);
				return;
			case "]":
				this.#closeBracket();
				return;
			case "<":
				this.#takeAngle();
				return;
			case "&": {
				const name = this.#match(reference)?.[1];
				if (name === undefined) this.#takeText(1);
				else this.#add(references[name] ?? "");
				return;
			}
			case "h":
			case "H":
				this.#takeAddress();
				return;
			default:
				this.#add(this.#match(plainRun)?.[0] ?? this.#source[this.#at++] ?? "");
				return;
		}
	}

	/** Matches at the current place and moves behind it. */
	#match(expression: RegExp): RegExpExecArray | null {
		expression.lastIndex = this.#at;
		const found = expression.exec(this.#source);
		if (found) this.#at += found[0].length;
		return found;
	}

	#add(text: string): void {
		this.#nodes.push({ text });
	}

	#takeText(length: number): void {
		this.#add(this.#source.slice(this.#at, this.#at + length));
		this.#at += length;
	}

	#takeCode(): void {
		const length = runLength(this.#source, this.#at);
		const start = this.#at + length;
		const end = findRun(this.#source, "`", length, start);
		if (end < 0) {
			this.#isOpen = true;
			this.#takeText(length);
			return;
		}
		const inner = this.#source.slice(start, end);
		const code = /^ .* $/s.test(inner) && inner.trim() !== "" ? inner.slice(1, -1) : inner;
		const mark = this.#source.slice(this.#at, start);
		this.#add(this.#colors.enabled ? this.#colors.cyan(code) : mark + inner + mark);
		this.#at = end + length;
	}

	#takeBackslash(): void {
		const next = this.#source[this.#at + 1] ?? "";
		const { start, isPattern } = this.#wordHere();
		if (next === "(" || next === "[") {
			const close = next === "(" ? "\\)" : "\\]";
			const end = isPattern ? -1 : this.#find(close);
			if (end > 0) this.#takeFormula(end + 2, 2);
			else {
				this.#isOpen ||= !isPattern;
				this.#takeText(2);
			}
			return;
		}
		const isEscape =
			isNumbering(this.#source.slice(start, this.#at + 2)) || (/[*_`~#|<>&$!]/.test(next) && !isPattern);
		if (!isEscape) {
			this.#takeText(next === "\\" ? 2 : 1);
			return;
		}
		this.#add(next);
		this.#at += 2;
	}

	/** The word at the current place. */
	#wordHere(): Word {
		if (this.#at >= this.#word.end) this.#word = wordAt(this.#source, this.#at);
		return this.#word;
	}

	/** Where a closing mark stands; -1 when there is none, which is then known for the rest of the text. */
	#find(mark: string): number {
		if (this.#missing.has(mark)) return -1;
		const found = this.#source.indexOf(mark, this.#at + 2);
		if (found < 0) this.#missing.add(mark);
		return found;
	}

	/** Formulas stand as they were written, so that they can be copied; only their delimiters are dimmed. */
	#takeFormula(end: number, mark: number): void {
		const { dim } = this.#colors;
		const source = this.#source.slice(this.#at, end);
		this.#add(dim(source.slice(0, mark)) + source.slice(mark, -mark) + dim(source.slice(-mark)));
		this.#at = end;
	}

	#takeDollar(): void {
		const rest = this.#source.slice(this.#at, this.#at + 240);
		const found = /^\$\$[^$]+\$\$/.exec(rest) ?? /^\$(?![\s$\d])(?:[^$\n\\]|\\.)*(?<!\s)\$(?!\d)/.exec(rest);
		if (found) {
			this.#takeFormula(this.#at + found[0].length, found[0].startsWith("$$") ? 2 : 1);
			return;
		}
		// Anything else is money, or a formula that goes on; the latter not over a line's end.
		if (rest.length <= 120 && /^\$\$?[^\s$\d]/.test(rest) && !rest.includes("\n")) this.#isOpen = true;
		this.#takeText(rest.startsWith("$$") ? 2 : 1);
	}

	#takeEmphasis(): void {
		const delimiter = emphasisAt(this.#source, this.#at);
		this.#at += delimiter.length;
		closeEmphasis(this.#nodes, delimiter, this.#colors, this.#brackets.at(-1)?.node ?? -1);
	}

	#openBracket(length: 1 | 2): void {
		this.#brackets.push({
			node: this.#nodes.length,
			start: this.#at + length,
			isImage: length === 2,
		});
		this.#takeText(length);
	}

	#closeBracket(): void {
		const bracket = this.#brackets.pop();
		const close = this.#at;
		this.#takeText(1);
		if (bracket === undefined) return;
		if (this.#at === this.#source.length) return;
		if (this.#source[this.#at] !== "(") return;
		const found = this.#match(destination);
		if (found === null) {
			// The address may be incomplete.
			this.#isOpen ||= !/[)\n]/.test(this.#source.slice(this.#at));
			return;
		}
		const [, target = "", title] = found;
		const text = this.#source.slice(bracket.start, close);
		const inner = this.#nodes.slice(bracket.node + 1, -1).map((node) => node.text);
		const label = bracket.isImage ? `image: ${inner.join("")}` : inner.join("");
		this.#nodes.length = bracket.node;
		this.#add(this.#link(label, text, target.replace(/^<(.*)>$/, "$1"), title));
	}

	/** The address is always shown: a model must not hide where a link leads. */
	#link(label: string, text: string, target: string, title: string | undefined): string {
		const address = this.#colors.underline(target);
		if (text === target || `mailto:${text}` === target) return this.#colors.underline(text);
		return `${label} (${address}${title === undefined ? "" : ` ${title}`})`;
	}

	#takeAngle(): void {
		if (this.#match(lineBreakTag)) {
			this.#add("\n");
			return;
		}
		const found = this.#match(angleAddress)?.[1];
		if (found !== undefined) {
			this.#add(this.#colors.underline(found));
			return;
		}
		if (/^<br\s*\/?$/i.test(this.#source.slice(this.#at, this.#at + 8))) this.#isOpen = true;
		this.#takeText(1);
	}

	#takeAddress(): void {
		const url = addressAt(this.#source, this.#at);
		if (url === undefined) {
			this.#add(this.#match(plainWord)?.[0] ?? "");
			return;
		}
		this.#add(this.#colors.underline(url));
		this.#at += url.length;
	}
}

function runLength(text: string, start: number): number {
	let end = start;
	while (text[end] === text[start]) end += 1;
	return end - start;
}

/** Where the next run of exactly `length` of a character begins; -1 when there is none. */
function findRun(text: string, character: string, length: number, from: number): number {
	for (let at = text.indexOf(character, from); at >= 0; at = text.indexOf(character, at)) {
		const run = runLength(text, at);
		if (run === length) return at;
		at += run;
	}
	return -1;
}

/** Renders a piece of sanitized inline markdown. */
export function renderInline(source: string, colors: Colors): Inline {
	return new InlineParser(source, colors).run();
}
