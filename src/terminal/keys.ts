/**
 * What a terminal sends in raw mode, as keys, typed text and pastes. Sequences may be split over chunks and chunks may
 * hold many keys; both are dealt with here, so that nobody behind it sees an escape sequence.
 */

import { latinKey } from "./key-layouts.ts";

/** `text` is printable text as typed; `paste` is one whole bracketed paste with its line ends as `\n`. */
export type InputEvent =
	| { readonly type: "key"; readonly key: Key }
	| { readonly type: "text"; readonly text: string }
	| { readonly type: "paste"; readonly text: string }
	/** The terminal says that it speaks the kitty keyboard protocol. */
	| { readonly type: "kitty-keyboard" }
	/** The terminal says how large it is. */
	| { readonly type: "size"; readonly columns: number; readonly rows: number }
	/** The terminal's window has got or lost the keyboard. */
	| { readonly type: "focus"; readonly isFocused: boolean };

export interface Key {
	/** `enter`, `tab`, `backspace`, `delete`, `escape`, `up`, …, or the letter of a Ctrl or Alt combination. */
	readonly name: string;
	readonly ctrl: boolean;
	readonly alt: boolean;
	readonly shift: boolean;
}

/** An Escape that begins no sequence is known as such after this time, in ms. */
const escapeDelay = 50;
/** A paste whose end never comes is taken as ended after this time without input, in ms. */
const pasteDelay = 1000;
/** Enter this soon (ms) after several pasted lines belongs to them. */
const burstDelay = 30;

const pasteStart = "\x1b[200~";
const pasteEnd = "\x1b[201~";

const letterKeys: Readonly<Record<string, string>> = {
	...{ A: "up", B: "down", C: "right", D: "left", F: "end", H: "home", M: "enter" },
	...{ a: "up", b: "down", c: "right", d: "left" },
};
const numberKeys: Readonly<Record<string, string>> = {
	...{ 1: "home", 2: "insert", 3: "delete", 4: "end", 5: "page-up", 6: "page-down", 7: "home", 8: "end" },
};
const codeKeys: Readonly<Record<number, string>> = {
	...{ 8: "backspace", 9: "tab", 13: "enter", 27: "escape", 32: "space", 127: "backspace" },
	...{ 57414: "enter", 57417: "left", 57418: "right", 57419: "up", 57420: "down", 57421: "page-up" },
	...{ 57422: "page-down", 57423: "home", 57424: "end", 57425: "insert", 57426: "delete" },
};

interface Parsed {
	readonly events: readonly InputEvent[];
	/** Code units taken; 0 when the sequence is not complete. */
	readonly length: number;
}

function keyEvent(name: string, modifiers: Partial<Key> = {}): InputEvent {
	return { type: "key", key: { name, ctrl: false, alt: false, shift: false, ...modifiers } };
}

/** Turns what stdin delivers into events. It has no timer: whoever feeds it calls `flush` after `waiting` ms. */
export class KeyDecoder {
	/** The beginning of a sequence that is not complete. */
	#pending = "";
	/** The pieces of an open paste. */
	#paste: string[] | undefined;
	#lastBurst = Number.NEGATIVE_INFINITY;

	/** How long to wait (ms) before `flush`; undefined when nothing is held back. */
	get waiting(): number | undefined {
		if (this.#paste) return pasteDelay;
		return this.#pending === "" ? undefined : escapeDelay;
	}

	/** Takes a chunk of decoded text; `now` is any clock in ms. */
	push(chunk: string, now: number): InputEvent[] {
		const events: InputEvent[] = [];
		let input = this.#pending + chunk;
		this.#pending = "";
		while (input !== "") {
			if (this.#paste) {
				input = this.#takePaste(input, events);
				continue;
			}
			const start = input.indexOf(pasteStart);
			const keys = start < 0 ? input : input.slice(0, start);
			this.#takeKeys(keys, start < 0, now, events);
			if (start < 0) break;
			this.#paste = [];
			input = input.slice(start + pasteStart.length);
		}
		return events;
	}

	/** Gives up waiting: a held Escape is the Escape key, an open paste has ended. */
	flush(): InputEvent[] {
		const events: InputEvent[] = [];
		if (this.#paste) {
			events.push({ type: "paste", text: normalLineEnds(this.#paste.join("") + this.#pending) });
			this.#paste = undefined;
		} else if (this.#pending !== "") {
			const rest = this.#pending.replace(/^\x1b+/, "");
			for (let count = this.#pending.length - rest.length; count > 0; count -= 1)
				events.push(keyEvent("escape"));
			if (rest !== "") events.push({ type: "text", text: rest });
		}
		this.#pending = "";
		return events;
	}

	/** Returns what follows the paste, or "" while it goes on. */
	#takePaste(input: string, events: InputEvent[]): string {
		const end = endOfPaste(input);
		if (end < 0) {
			// The end marker itself may be split.
			const escapeAt = input.lastIndexOf("\x1b");
			const split = escapeAt >= 0 && pasteEnd.startsWith(input.slice(escapeAt)) ? escapeAt : input.length;
			this.#paste?.push(input.slice(0, split));
			this.#pending = input.slice(split);
			return "";
		}
		this.#paste?.push(input.slice(0, end));
		events.push({ type: "paste", text: normalLineEnds(this.#paste?.join("") ?? "") });
		this.#paste = undefined;
		return input.slice(end + pasteEnd.length);
	}

	#takeKeys(input: string, isLast: boolean, now: number, events: InputEvent[]): void {
		// A terminal without bracketed paste sends pasted lines as keys: text behind an Enter in one chunk is a paste.
		if (/(?<!\x1b)\r\n?[^\r\n\x1b]/.test(input)) this.#lastBurst = now;
		const burst = now - this.#lastBurst <= burstDelay;
		let index = 0;
		while (index < input.length) {
			const code = input.charCodeAt(index);
			if (code === 0x1b) {
				const parsed = parseEscape(input.slice(index));
				if (parsed.length === 0 && isLast) {
					this.#pending = input.slice(index);
					return;
				}
				events.push(...parsed.events);
				index += Math.max(1, parsed.length);
			} else if (code < 0x20 || code === 0x7f) {
				if (burst && (code === 0x0d || code === 0x0a)) {
					if (!(code === 0x0a && input[index - 1] === "\r")) events.push({ type: "text", text: "\n" });
				} else if (burst && code === 0x09) events.push({ type: "text", text: "\t" });
				else events.push(controlKey(code));
				index += 1;
			} else {
				let end = index + 1;
				while (end < input.length && input.charCodeAt(end) >= 0x20 && input.charCodeAt(end) !== 0x7f)
					end += 1;
				events.push({ type: "text", text: input.slice(index, end) });
				index = end;
			}
		}
	}
}

/**
 * Where a paste ends; -1 when it goes on. Pasted text that says that it has ended, for what follows to be taken as typed,
 * has not: there is an end without a beginning behind it.
 */
function endOfPaste(input: string): number {
	const next = input.indexOf(pasteStart);
	return (next < 0 ? input : input.slice(0, next)).lastIndexOf(pasteEnd);
}

function normalLineEnds(text: string): string {
	return text.replace(/\r\n?/g, "\n");
}

function controlKey(code: number, alt = false): InputEvent {
	switch (code) {
		case 0x09:
			return keyEvent("tab", { alt });
		case 0x0d:
			return keyEvent("enter", { alt });
		case 0x08:
		case 0x7f:
			return keyEvent("backspace", { alt });
		case 0x00:
			return keyEvent("space", { ctrl: true, alt });
		default:
			return keyEvent(String.fromCharCode(code + (code <= 0x1a ? 0x60 : 0x40)).toLowerCase(), {
				ctrl: true,
				alt,
			});
	}
}

/** Reads one sequence from its ESC on. */
function parseEscape(input: string): Parsed {
	const next = input[1];
	if (next === undefined) return { events: [], length: 0 };
	if (next === "[") return parseControlSequence(input, 2, false);
	if (next === "O") return parseSingleShift(input);
	if (next === "\x1b") {
		if (input[2] === undefined) return { events: [], length: 0 };
		if (input[2] === "[") return parseControlSequence(input, 3, true);
		// The second Escape may begin a sequence of its own.
		return { events: [keyEvent("escape")], length: 1 };
	}
	const point = input.codePointAt(1) ?? 0;
	const character = String.fromCodePoint(point);
	if (point < 0x20 || point === 0x7f) return { events: [controlKey(point, true)], length: 2 };
	const lower = character.toLowerCase();
	return {
		events: [keyEvent(point < 0x80 ? lower : latinKey(lower), { alt: true, shift: lower !== character })],
		length: 1 + character.length,
	};
}

function parseSingleShift(input: string): Parsed {
	const found = /^\x1bO(\d*)([A-Za-z])/.exec(input);
	if (!found) {
		const complete = input.length > 2 && !/^\x1bO\d*$/.test(input);
		return complete
			? { events: [keyEvent("o", { alt: true, shift: true })], length: 2 }
			: { events: [], length: 0 };
	}
	const name = letterKeys[found[2] ?? ""];
	return { events: name ? [keyEvent(name, readModifiers(found[1]))] : [], length: found[0].length };
}

function parseControlSequence(input: string, start: number, alt: boolean): Parsed {
	const body = input.slice(start, start + 64);
	const found = /^([\x30-\x3f]*)([\x20-\x2f]*)([\x40-\x7e])/.exec(body);
	if (!found) {
		const incomplete = /^[\x30-\x3f]*[\x20-\x2f]*$/.test(body) && body.length < 64;
		return { events: [], length: incomplete ? 0 : start };
	}
	const [all, parameters = "", intermediate = "", final = ""] = found;
	const length = start + all.length;
	if (intermediate !== "") return { events: [], length };
	if (final === "u" && parameters.startsWith("?")) return { events: [{ type: "kitty-keyboard" }], length };
	const fields = parameters.split(";");
	if (final === "t") return { events: sizeEvents(fields), length };
	const modifiers = readModifiers(fields[1]);
	if (alt) modifiers.alt = true;
	// The kitty protocol can report releases; they are not input.
	if (fields[1]?.endsWith(":3")) return { events: [], length };
	if (final === "u") return { events: codeEvents(fields[0], fields[1], alt), length };
	if (final === "~" && fields[0] === "27") return { events: codeEvents(fields[2], fields[1], alt), length };
	if (parameters === "" && (final === "I" || final === "O"))
		return { events: [{ type: "focus", isFocused: final === "I" }], length };
	if (final === "Z") return { events: [keyEvent("tab", { shift: true })], length };
	const name = final === "~" ? numberKeys[fields[0] ?? ""] : letterKeys[final];
	if (name === undefined || parameters.startsWith("?") || parameters.startsWith("<"))
		return { events: [], length };
	return { events: [keyEvent(name, modifiers)], length };
}

/** `8;rows;columns`, the answer to `CSI 18 t`. */
function sizeEvents([kind, ...fields]: readonly string[]): InputEvent[] {
	const [rows = 0, columns = 0] = fields.map(Number);
	return kind === "8" && rows > 0 && columns > 0 ? [{ type: "size", columns, rows }] : [];
}

/** A key reported by its code point, as kitty and modifyOtherKeys do: `code:shifted:base`. */
function codeEvents(field: string | undefined, modifierField: string | undefined, alt = false): InputEvent[] {
	const modifiers = readModifiers(modifierField);
	if (alt) modifiers.alt = true;
	const [own = "", shifted = "", base = ""] = (field ?? "").split(":");
	// Ctrl-_ is Shift on the key of the minus sign.
	const code = Number.parseInt((modifiers.shift && shifted) || own, 10);
	if (!(code >= 0 && code <= 0x10ffff)) return [];
	const name = codeKeys[code];
	const plain = !modifiers.ctrl && !modifiers.alt;
	if (name === "space" && plain) return [{ type: "text", text: " " }];
	if (name !== undefined) return [keyEvent(name, modifiers)];
	if (code < 0x20) return [controlKey(code, modifiers.alt)];
	// Private use: keys that have no name here, as media keys.
	if (code >= 0xe000 && code <= 0xf8ff) return [];
	if (isForeign(modifierField)) return [];
	const character = String.fromCodePoint(code);
	if (plain) return [{ type: "text", text: modifiers.shift ? character.toUpperCase() : character }];
	const baseCode = Number.parseInt(base, 10);
	const onLatin = baseCode > 0x20 && baseCode < 0x7f ? String.fromCodePoint(baseCode) : latinKey(character);
	return [keyEvent((code < 0x80 ? character : onLatin).toLowerCase(), modifiers)];
}

function readModifiers(field: string | undefined): { ctrl: boolean; alt: boolean; shift: boolean } {
	const bits = modifierBits(field);
	return { shift: (bits & 1) !== 0, alt: (bits & (2 | 32)) !== 0, ctrl: (bits & 4) !== 0 };
}

/** With Super (Command, Windows) or Hyper a letter is a shortcut of somebody else's. */
function isForeign(field: string | undefined): boolean {
	return (modifierBits(field) & (8 | 16)) !== 0;
}

function modifierBits(field: string | undefined): number {
	return Math.max(0, (Number.parseInt(field ?? "", 10) || 1) - 1);
}
