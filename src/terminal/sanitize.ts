/**
 * Text that others wrote (a model, a server, a file name) made safe to show. A terminal obeys escape sequences and
 * bidi controls wherever they come from, so they are taken out before anything is written, one stateful sanitizer a
 * stream: a sequence split over chunks is treated like an unsplit one. What is stored stays exact; only what is shown
 * passes through here.
 */

/**
 * `terminal`: sequences dropped, other controls made visible (`^X`, `^?`, `\x9b`), bidi controls, tag characters,
 * U+200B and U+FEFF shown as `<U+202E>`. `pipe`: sequences and controls removed, every other character kept.
 */
export type SanitizeProfile = "terminal" | "pipe";

export interface Sanitizer {
	/** Takes the next chunk and returns what may be shown of it; an unfinished sequence or character is held back. */
	push(chunk: string): string;
	/** Returns what was held back. The sanitizer is then as new. */
	end(): string;
}

/** An unterminated sequence swallows at most this many characters. */
const sequenceLimit = 4096;

const controls = "\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f";
const formatting = "\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u206f\\ufeff";
const danger: Record<SanitizeProfile, RegExp> = {
	terminal: new RegExp(`[${controls}${formatting}\\udb40]`, "g"),
	pipe: new RegExp(`[${controls}]`, "g"),
};

const escapeCode = 0x1b;
const startOfControlSequence = 0x9b;
/** DCS, SOS, OSC, PM and APC as C1 controls. */
const startsOfString = new Set([0x90, 0x98, 0x9d, 0x9e, 0x9f]);
/** The same after ESC, and `k`, the title of screen and tmux. */
const stringIntroducers = new Set("PX]^_k");

type State = "text" | "escape" | "control-sequence" | "string" | "string-escape";

const isHighSurrogate = (code: number) => code >= 0xd800 && code <= 0xdbff;
const isLowSurrogate = (code: number) => code >= 0xdc00 && code <= 0xdfff;
const isLineEnd = (code: number) => code === 0x0a || code === 0x0d;
/** CAN and SUB cancel any sequence. */
const isCancel = (code: number) => code === 0x18 || code === 0x1a;
const named = (code: number) => `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;

class StreamSanitizer implements Sanitizer {
	readonly #visible: boolean;
	readonly #danger: RegExp;
	#state: State = "text";
	/** Characters swallowed by the open sequence. */
	#swallowed = 0;
	/** The last character was `\r`: a `\n` that follows belongs to it. */
	#afterReturn = false;
	/** The first half of a character whose second half has not come yet. */
	#held = "";

	constructor(profile: SanitizeProfile) {
		this.#visible = profile === "terminal";
		this.#danger = danger[profile];
	}

	push(chunk: string): string {
		if (chunk === "") return "";
		let text = this.#held + chunk;
		this.#held = "";
		if (isHighSurrogate(text.charCodeAt(text.length - 1))) {
			this.#held = text.slice(-1);
			text = text.slice(0, -1);
		}
		let index = 0;
		if (this.#afterReturn && text !== "") {
			this.#afterReturn = false;
			if (text.startsWith("\n")) index = 1;
		}
		let output = "";
		while (index < text.length) {
			if (this.#state !== "text") {
				const code = text.charCodeAt(index);
				if (this.#swallow(code)) index += 1;
				else if (this.#state === "escape") {
					// ESC that introduces nothing: harmless once it is no longer an ESC.
					this.#state = "text";
					if (this.#visible) output += "^[";
				} else this.#state = "text";
				continue;
			}
			this.#danger.lastIndex = index;
			const found = this.#danger.exec(text)?.index ?? text.length;
			output += index === 0 && found === text.length ? text : text.slice(index, found);
			index = found;
			if (found < text.length) {
				output += this.#show(text, found);
				index += this.#length(text, found);
			}
		}
		return output;
	}

	end(): string {
		const rest = this.#state === "escape" && this.#visible ? "^[" : "";
		const half = this.#held === "" ? "" : "\ufffd";
		this.#state = "text";
		this.#swallowed = 0;
		this.#afterReturn = false;
		this.#held = "";
		return rest + half;
	}

	/** True when the open sequence takes the character; false when it is text again (or an ESC of no sequence). */
	#swallow(code: number): boolean {
		this.#swallowed += 1;
		const state = this.#state;
		if (state === "escape") {
			if (code === 0x5b) this.#state = "control-sequence";
			else if (stringIntroducers.has(String.fromCharCode(code))) this.#state = "string";
			else return false;
			this.#swallowed = 0;
			return true;
		}
		if (state === "string-escape") {
			// tmux doubles every ESC that it passes through.
			if (code === escapeCode) return true;
			if (code === 0x5c) {
				this.#state = "text";
				return true;
			}
			this.#state = "escape";
			return this.#swallow(code);
		}
		if (isLineEnd(code) || this.#swallowed > sequenceLimit) return false;
		if (code === escapeCode) {
			this.#state = state === "string" ? "string-escape" : "escape";
			return true;
		}
		if (isCancel(code)) {
			this.#state = "text";
			return true;
		}
		if (state === "string") {
			if (code === 0x07 || code === 0x9c) {
				this.#state = "text";
				return true;
			}
			return code < 0x80 || code > 0x9f;
		}
		if (code >= 0x80) return false;
		if (code >= 0x40 && code <= 0x7e) this.#state = "text";
		return true;
	}

	/** What stands for the dangerous character at `index`, which may also open a sequence. */
	#show(text: string, index: number): string {
		const code = text.charCodeAt(index);
		if (code === 0x0d) {
			this.#afterReturn = index + 1 === text.length;
			return "\n";
		}
		if (code === escapeCode || code === startOfControlSequence || startsOfString.has(code)) {
			this.#state =
				code === escapeCode ? "escape" : code === startOfControlSequence ? "control-sequence" : "string";
			this.#swallowed = 0;
			return "";
		}
		if (!this.#visible) return "";
		if (code < 0x20) return `^${String.fromCharCode(code + 0x40)}`;
		if (code === 0x7f) return "^?";
		if (code <= 0x9f) return `\\x${code.toString(16)}`;
		if (code !== 0xdb40) return named(code);
		const low = text.charCodeAt(index + 1);
		// A lone half must not meet another half once what stood between them is gone.
		if (!isLowSurrogate(low)) return "\ufffd";
		const point = text.codePointAt(index) ?? 0;
		return point <= 0xe007f ? named(point) : text.slice(index, index + 2);
	}

	/** How many code units `#show` has dealt with. */
	#length(text: string, index: number): number {
		const code = text.charCodeAt(index);
		const next = text.charCodeAt(index + 1);
		if (code === 0x0d) return next === 0x0a ? 2 : 1;
		return code === 0xdb40 && isLowSurrogate(next) ? 2 : 1;
	}
}

/** A sanitizer for one stream of untrusted text. */
export function createSanitizer(profile: SanitizeProfile = "terminal"): Sanitizer {
	return new StreamSanitizer(profile);
}

/** Returns what may be shown of a complete text. */
export function sanitize(text: string, profile: SanitizeProfile = "terminal"): string {
	const sanitizer = createSanitizer(profile);
	return sanitizer.push(text) + sanitizer.end();
}

/** Like `sanitize` for the terminal, and on one line: for names of models, sessions and files. */
export function sanitizeLine(text: string): string {
	return sanitize(text).replace(/[\n\t]+/g, " ");
}

const hiddenInJson =
	/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f]/g;

/**
 * Takes JSON text and returns it with controls, bidi controls and line separators as `\u` escapes: it parses to the very
 * same value and is safe to print.
 */
export function escapeJson(json: string): string {
	return json.replace(
		hiddenInJson,
		(character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
	);
}
