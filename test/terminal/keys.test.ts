import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type InputEvent, KeyDecoder } from "../../src/terminal/keys.ts";

/** Events as short words: `C-a`, `A-enter`, `"text"`, `paste(text)`. */
function words(events: readonly InputEvent[]): string[] {
	return events.map((event) => {
		if (event.type === "text") return JSON.stringify(event.text);
		if (event.type === "paste") return `paste(${event.text})`;
		if (event.type === "kitty-keyboard") return "kitty";
		if (event.type === "size") return `${event.columns}x${event.rows}`;
		if (event.type === "focus") return event.isFocused ? "focus" : "blur";
		const { ctrl, alt, shift, name } = event.key;
		return `${ctrl ? "C-" : ""}${alt ? "A-" : ""}${shift ? "S-" : ""}${name}`;
	});
}

function decode(...chunks: string[]): string[] {
	const decoder = new KeyDecoder();
	return words([...chunks.flatMap((chunk) => decoder.push(chunk, 0)), ...decoder.flush()]);
}

describe("keys", () => {
	it("are found by their place on layouts without Latin letters", () => {
		// Ctrl-C: kitty with its alternate keys, without them (iTerm2), and Alt in any terminal.
		expect(decode("\x1b[1089::99;5u")).toEqual(["C-c"]);
		expect(decode("\x1b[1089;5u", "\x1b[1074;5u", "\x1b[968;5u", "\x1b[12624;5u")).toEqual([
			...["C-c", "C-d", "C-c", "C-o"],
		]);
		expect(decode("\x1bс")).toEqual(["A-c"]);
		// A Latin layout of its own is meant as it is: Dvorak's C is where QWERTY has I.
		expect(decode("\x1b[99::105;5u")).toEqual(["C-c"]);
		expect(decode("\x1b[1089;1u")).toEqual(['"с"']);
	});

	it("of a paste that says that it has ended are still pasted", () => {
		expect(decode("\x1b[200~a\x1b[201~\r\x1b[201~")).toEqual(["paste(a\x1b[201~\n)"]);
		expect(decode("\x1b[200~a\x1b[201~\r\x1b[200~b\x1b[201~")).toEqual(["paste(a)", "enter", "paste(b)"]);
	});

	it("with Shift are what Shift makes of them, and with Command somebody else's", () => {
		expect(decode("\x1b[45:95;6u", "\x1b[45:95;4u")).toEqual(["C-S-_", "A-S-_"]);
		expect(decode("\x1b[99;9u", "\x1b[118::118;137u")).toEqual([]);
	});

	it("say whether the window is looked at", () => {
		expect(decode("\x1b[O\x1b[I")).toEqual(["blur", "focus"]);
	});

	it.each([
		["\r", "enter"],
		["\n", "C-j"],
		["\x1b\r", "A-enter"],
		["\x1b[13;2u", "S-enter"],
		["\x1b[27;2;13~", "S-enter"],
		["\x1b[13;3u", "A-enter"],
		["\t", "tab"],
		["\x1b[Z", "S-tab"],
		["\x7f", "backspace"],
		["\b", "backspace"],
		["\x1b\x7f", "A-backspace"],
		["\x03", "C-c"],
		["\x1b[99;5u", "C-c"],
		["\x1a", "C-z"],
		["\x1f", "C-_"],
		["\x00", "C-space"],
		["\x1bb", "A-b"],
		["\x1bF", "A-S-f"],
		["\x1b[A", "up"],
		["\x1bOA", "up"],
		["\x1b[1;5D", "C-left"],
		["\x1b[1;3C", "A-right"],
		["\x1b\x1b[C", "A-right"],
		["\x1b[H", "home"],
		["\x1b[1~", "home"],
		["\x1b[7~", "home"],
		["\x1bOF", "end"],
		["\x1b[3~", "delete"],
		["\x1b[3;5~", "C-delete"],
		["\x1b[27u", "escape"],
		["\x1b", "escape"],
		["\x1b[97;6u", "C-S-a"],
		["\x1b[?1u", "kitty"],
		["\x1b[8;24;80t", "80x24"],
		["\x1bOM", "enter"],
	])("%j is %s", (sequence, word) => {
		expect(decode(sequence)).toEqual([word]);
		for (let split = 1; split < sequence.length; split += 1)
			expect(decode(sequence.slice(0, split), sequence.slice(split))).toEqual([word]);
	});

	it("are told apart when many come in one chunk", () => {
		expect(decode("ab\x1b[D\x7fc\x03世\r")).toEqual([
			'"ab"',
			"left",
			"backspace",
			'"c"',
			"C-c",
			'"世"',
			"enter",
		]);
		expect(decode("\x1b\x1b[A\x1b\x1b")).toEqual(["A-up", "escape", "escape"]);
	});

	it("ignore what is no key: replies, mouse, focus, key releases", () => {
		expect(decode("a\x1b[12;40R\x1b[<0;1;1M\x1b[?62c\x1b[97;1:3u\x1b[57441;2ub")).toEqual(['"a"', '"b"']);
	});

	it("wait for the rest of a sequence, 50 ms for an Escape", () => {
		const decoder = new KeyDecoder();
		expect(decoder.push("\x1b", 0)).toEqual([]);
		expect(decoder.waiting).toBe(50);
		expect(words(decoder.push("[A", 40))).toEqual(["up"]);
		expect(decoder.waiting).toBeUndefined();
		decoder.push("\x1b", 0);
		expect(words(decoder.flush())).toEqual(["escape"]);
	});
});

describe("a paste", () => {
	const text = "one\ntwo\x1b[31m\x03 three";

	it("is one event whatever is in it and however it is split", () => {
		const input = `a\x1b[200~${text.replace("\n", "\r")}\x1b[201~b`;
		for (let split = 0; split <= input.length; split += 1) {
			expect(decode(input.slice(0, split), input.slice(split)).join("|")).toBe(`"a"|paste(${text})|"b"`);
		}
		expect(decode(...input.split("")).join("|")).toBe(`"a"|paste(${text})|"b"`);
	});

	it("of 2 MB in small chunks takes no time worth naming", () => {
		const decoder = new KeyDecoder();
		decoder.push("\x1b[200~", 0);
		const chunk = "x".repeat(1000);
		for (let index = 0; index < 2000; index += 1) expect(decoder.push(chunk, 0)).toEqual([]);
		const [event] = decoder.push("\x1b[201~", 0);
		expect(event?.type === "paste" && event.text.length).toBe(2_000_000);
	});

	it("whose end never comes is given up", () => {
		const decoder = new KeyDecoder();
		decoder.push("\x1b[200~half", 0);
		expect(decoder.waiting).toBe(1000);
		expect(words(decoder.flush())).toEqual(["paste(half)"]);
	});

	it("without brackets does not send: Enter among or right behind its lines is a newline", () => {
		const decoder = new KeyDecoder();
		expect(words(decoder.push("one\r\ntwo\rthr", 100))).toEqual([
			'"one"',
			'"\\n"',
			'"two"',
			'"\\n"',
			'"thr"',
		]);
		expect(words(decoder.push("ee\r", 110))).toEqual(['"ee"', '"\\n"']);
		expect(words(decoder.push("\r", 200))).toEqual(["enter"]);
	});

	it("is not what a fast typist does", () => {
		expect(decode("one\x1b\rtwo\nthree")).toEqual(['"one"', "A-enter", '"two"', "C-j", '"three"']);
		expect(decode("a whole line at once\r")).toEqual(['"a whole line at once"', "enter"]);
	});
});

it("no input makes the decoder lose text or throw", () => {
	const piece = fc.constantFrom(
		"\x1b",
		"[",
		"O",
		"1",
		";",
		"~",
		"u",
		"A",
		"\x1b[200~",
		"\x1b[201~",
		"\r",
		"x",
		"世",
		"\x7f",
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
			const decoder = new KeyDecoder();
			for (const chunk of pieces) decoder.push(chunk, 0);
			decoder.flush();
			expect(decoder.waiting).toBeUndefined();
			expect(words(decoder.push("ok", 100))).toEqual(['"ok"']);
		}),
	);
});
