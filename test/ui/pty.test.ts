import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PtyChat, type PtyOptions } from "../helpers/pty.ts";

let home: string;
let chats: PtyChat[];

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-pty-"));
	chats = [];
});
afterEach(async () => {
	await Promise.all(chats.map((chat) => chat.dispose()));
	rmSync(home, { recursive: true, force: true });
});

async function open(argv: readonly string[], options: Partial<PtyOptions> = {}): Promise<PtyChat> {
	const chat = new PtyChat(argv, { home, ...options });
	chats.push(chat);
	if (!options.command) await chat.ready();
	return chat;
}

/** How often a whole line was printed, on the screen and above it. */
const count = (chat: PtyChat, line: string) => chat.terminal.lines.filter((shown) => shown === line).length;

/** All messages of the only session. */
function messages(): { role: string; content: string; interrupted?: boolean }[] {
	const [file = ""] = readdirSync(join(home, "sessions")).filter((name) => name.endsWith(".jsonl"));
	return readFileSync(join(home, "sessions", file), "utf8")
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line))
		.filter(({ type }) => type === "message");
}

/** Nothing that a chat must never do to a terminal. */
function expectDecent(chat: PtyChat): void {
	const { events } = chat.terminal;
	expect(events.filter((event) => !/^(OSC|CSI|ESC|control|alternate|[123]J|H)/.test(event))).toEqual([]);
	expect(events).toEqual([]);
	if (!chat.terminal.modes.has("?2026")) expect(chat.terminal.wraps).toBe(true);
}

describe("typing", () => {
	it("sends a line, and prints the question, the answer and its figures once", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("why is the sky blue?");
		await chat.until("│ › why is the sky blue?");
		chat.type("\r");
		await chat.until(/6 in · 6 out|\d+ in · \d+ out/);
		expect(count(chat, "› why is the sky blue?")).toBe(1);
		expect(count(chat, "why is the sky blue?")).toBe(1);
		chat.type("\x04");
		expect(await chat.exited).toBe(0);
		expectDecent(chat);
	});

	it("edits over several lines: Alt-Enter, Ctrl-J, backslash and triple quotes", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("one\x1b\rtwo\nthree\\");
		await chat.until("│   three\\");
		// An Enter this soon after several lines could belong to them.
		await new Promise((resolve) => setTimeout(resolve, 100));
		chat.type("\r");
		// A frame may be seen when half of it has come.
		await chat.until(({ screen }) => screen.includes("│   three") && screen.includes("│"));
		chat.type("four\x01\x1b[A\x1b[H>\x05<");
		await chat.until("│   >three<");
		chat.type("\r");
		await chat.idle();
		await chat.until(/ in · /);
		expect(messages()[0]?.content).toBe("one\ntwo\n>three<\nfour");
		chat.type('"""');
		await chat.until('│ › """');
		chat.type("\r");
		await chat.until((terminal) => terminal.cursor.x === 4);
		chat.type('b"""');
		await chat.until('│   b"""');
		chat.type("\r");
		await chat.until((terminal) => terminal.lines.filter((line) => / in · /.test(line)).length === 2);
		expect(messages()[2]?.content).toBe("b");
	});

	it("puts the cursor behind wide characters, where an input method draws", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("世界e\u0301👍");
		await chat.until("│ › 世界e\u0301👍");
		await chat.until((terminal) => terminal.cursor.x === 4 + 7);
		expect(chat.terminal.screen[chat.terminal.cursor.y]).toContain("世界");
		chat.type("\x1b[D\x1b[D");
		await chat.until((terminal) => terminal.cursor.x === 4 + 4);
		chat.type("\x7f");
		await chat.until("│ › 世e\u0301👍");
	});

	it("understands Shift-Enter of a terminal with the kitty keyboard", async () => {
		const chat = await open(["sim/echo"], { answers: "everything" });
		await chat.until((terminal) => terminal.modes.has("kitty"));
		chat.type("a\x1b[13;2ub");
		await chat.until("│   b");
		chat.type("\x1b[99;5u\x1b[100;5u");
		expect(await chat.exited).toBe(0);
		expect(chat.terminal.modes.has("kitty")).toBe(false);
	});

	it("completes commands, models and paths", async () => {
		writeFileSync(join(home, "a file.txt"), "text");
		writeFileSync(join(home, "notes.txt"), "text");
		const chat = await open(["sim/echo"]);
		chat.type("/comp");
		await chat.until("│   /compare  MODEL: ");
		chat.type("\tgpt-4.1-mi\t");
		await chat.until("│ › /compare gpt-4.1-mini");
		chat.type("\x15/file no\t");
		await chat.until("│ › /file notes.txt");
		chat.type("\r");
		await chat.until("[notes.txt 14 tok]");
		chat.type("/tok");
		await chat.until("│   /tokens");
		chat.type("\r");
		await chat.until("attached: about");
	});
});

describe("pasting", () => {
	const large = Array.from(
		{ length: 4000 },
		(_, line) => `line ${line} of a large paste, 50 characters wide`,
	).join("\n");

	it("200 KB is one chip that never sends itself, and goes out in full", async () => {
		const chat = await open(["sim/words-3"]);
		chat.type(`see \x1b[200~${large}\x1b[201~`);
		await chat.until("│ › see [pasted 4000 lines]");
		chat.type("\x7f");
		await chat.until((terminal) => terminal.screen.includes("│ › see"));
		chat.type("\x1f");
		await chat.until("[pasted 4000 lines]");
		chat.type("\r");
		await chat.until(/ in · /);
		expect(messages()[0]?.content).toBe(`see ${large}`);
		expect(chat.terminal.lines.some((line) => line.endsWith("more lines"))).toBe(true);
		expectDecent(chat);
	});

	it("without brackets does not send", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("first\rsecond\rthird");
		await chat.until("│   third");
		expect(count(chat, "│ › first")).toBe(1);
	});
});

describe("the history", () => {
	it("outlives the process, is walked with the draft kept, and searched", async () => {
		const first = await open(["sim/words-1"]);
		for (const [index, text] of ["alpha one", "beta", "alpha two"].entries()) {
			first.type(`${text}\r`);
			await first.until(({ lines }) => lines.filter((line) => / in · /.test(line)).length === index + 1);
		}
		first.type("\x04");
		await first.exited;
		const second = await open(["sim/words-1"]);
		second.type("draft\x1b[A");
		await second.until("│ › alpha two");
		second.type("\x1b[A");
		await second.until("│ › beta");
		second.type("\x1b[B\x1b[B");
		await second.until("│ › draft");
		second.type("\x12alp");
		await second.until("search: alp");
		await second.until("│ › alpha two");
		second.type("\x12");
		await second.until("│ › alpha one");
		second.type("\x1b");
		await second.until((terminal) => !terminal.screen.some((line) => line.includes("search:")));
		second.type("!");
		await second.until("│ › alpha one!");
	});
});

describe("interrupting", () => {
	it("keeps what came, marks it, and sends it as history", async () => {
		const chat = await open(["sim/slow", "--no-cache"]);
		chat.type("one two three four five six seven eight nine ten eleven twelve\r");
		await chat.until(/^one two three/m);
		chat.type("\x03");
		await chat.until("stopped; the partial answer is kept");
		const [, partial] = messages();
		expect(partial?.interrupted).toBe(true);
		expect(partial?.content).toMatch(/^one two three/);
		chat.type("/model sim/history\r");
		await chat.until("model: sim/history");
		chat.type("and now?\r");
		await chat.until(/ in · /);
		expect(messages()[3]?.content).toContain(JSON.stringify(partial?.content));
		expectDecent(chat);
	});

	it("with Escape cancels a wait before a retry", async () => {
		const chat = await open(["sim/fault:429-retry-after", "--no-cache"]);
		chat.type("hello\r");
		await chat.until(/trying again in \d+ s · Esc cancels/);
		chat.type("\x1b");
		await chat.until("stopped · /retry asks again");
	});

	it("clears the input with Ctrl-C, and leaves with the second one on an empty line", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("typed");
		await chat.until("│ › typed");
		chat.type("\x03");
		await chat.until((terminal) => terminal.screen.includes("│ ›"));
		chat.type("\x03");
		await chat.until("press Ctrl-C again to leave");
		chat.type("y");
		await chat.until(({ screen }) => screen.includes("│ › y") && !screen.join().includes("Ctrl-C again"));
		chat.type("\x7f");
		await chat.until((terminal) => terminal.screen.includes("│ ›"));
		chat.type("\x03");
		await chat.until("press Ctrl-C again to leave");
		chat.type("\x03");
		expect(await chat.exited).toBe(0);
	});
});

describe("the screen", () => {
	const lines = Array.from({ length: 40 }, (_, index) => `unique line ${index} of the answer`);

	it("prints every finished line exactly once and never clears what scrolled away", async () => {
		const chat = await open(["sim/echo"]);
		chat.type(`\x1b[200~${lines.join("\n")}\x1b[201~\r`);
		await chat.until(/ in · /);
		for (const line of lines.slice(12)) expect(count(chat, line), line).toBe(1);
		expect(chat.terminal.scrollback.length).toBeGreaterThan(20);
		expectDecent(chat);
	});

	const words = Array.from({ length: 70 }, (_, index) => `w${index}`);
	/** The words below the question. The status names the session by its first question, and is left out. */
	const answer = (chat: PtyChat) => {
		const shown = chat.terminal.lines.filter((line) => !line.startsWith("╰")).join(" ");
		return shown.slice(shown.indexOf("w69") + 3).split(/\s+/);
	};

	it("shows everything once after a change of size while an answer streams", async () => {
		const chat = await open(["sim/slow", "--no-cache"], { columns: 120, rows: 40 });
		chat.type(`${words.join(" ")}\r`);
		// The unfinished line is long enough to be broken into three.
		await chat.until(/^w0 w1 w2 .*w23/m);
		await chat.resize(40, 24);
		await chat.until(/ in · \d+ out/);
		await chat.idle();
		for (const word of words) expect(answer(chat).filter((other) => other === word)).toEqual([word]);
		await chat.until((terminal) => terminal.lines.filter((line) => line.startsWith("╰")).length === 1);
		expectDecent(chat);
	});

	// Terminals tell the program at once; tmux does after up to 250 ms, and a frame that is drawn until then goes wrong.
	it.each([
		0, 250,
	])("loses nothing in a storm of sizes while an answer streams, told of after up to %i ms", async (delay) => {
		const chat = await open(["sim/slow", "--no-cache"], { columns: 120, rows: 40 });
		chat.type(`${words.join(" ")}\r`);
		await chat.until(/^w0 w1 w2 .*w23/m);
		const sizes = fc.sample(
			fc.tuple(fc.nat(100), fc.nat(30), fc.nat(delay), fc.integer({ min: 5, max: 30 })),
			40,
		);
		for (const [index, [columns, rows, late, gap]] of sizes.entries()) {
			await chat.resize(20 + columns, 10 + rows, late);
			// Now and then it is quiet for just as long as the program waits before it draws.
			await new Promise((resolve) => setTimeout(resolve, index % 4 === 0 ? 60 : gap));
			if (/ in · \d+ out/.test(chat.terminal.lines.join("\n"))) break;
		}
		await chat.until(/ in · \d+ out/);
		await chat.idle();
		const shown = answer(chat);
		for (const word of words) expect(shown, chat.terminal.lines.join("\n")).toContain(word);
		await chat.until((terminal) => terminal.screen.filter((line) => line.startsWith("╰")).length === 1);
		expectDecent(chat);
	});

	it("is cleared by Ctrl-L with the conversation kept, and by /clear with it forgotten", async () => {
		const chat = await open(["sim/echo"]);
		chat.type("remember me\r");
		await chat.until(/ in · /);
		chat.type("\x0c");
		await chat.until((terminal) => terminal.screen[0] === "╭─");
		expect(chat.terminal.events).toEqual(["H", "2J"]);
		chat.type("/tokens\r");
		await chat.until("in 1 turn");
		chat.type("/clear\r");
		await chat.until((terminal) => terminal.screen[1]?.includes("new session") ?? false);
		chat.type("/tokens\r");
		await chat.until("in 0 turns");
		expect(chat.terminal.events).toEqual(["H", "2J", "H", "2J"]);
	});

	it("is not moved, titled, copied from or hidden by what a model writes", async () => {
		const chat = await open(["sim/hostile"]);
		chat.type("go\r");
		await chat.until(/ in · /);
		expectDecent(chat);
		// A frame on its way is bracketed by mode 2026: look between two.
		await chat.until(({ modes }) => !modes.has("?2026"));
		expect(chat.terminal.modes).toEqual(new Set(["?25", "?2004", "?1004"]));
		expect(chat.terminal.lines.join("\n")).toContain("<U+202E>gnp.exe");
	});

	it("leaves out colours under NO_COLOR and has them otherwise", async () => {
		const plain = await open(["sim/markdown"], { env: { NO_COLOR: "1" } });
		plain.type("go\r");
		await plain.until(/ in · /);
		expect(plain.raw).not.toMatch(/\x1b\[[0-9;]*m(?<!\x1b\[0m)/);
		const colored = await open(["sim/markdown"]);
		colored.type("go\r");
		await colored.until(/ in · /);
		expect(colored.raw).toContain("\x1b[36m");
	});

	it("is a line mode on a terminal that cannot do more", async () => {
		const chat = new PtyChat(["sim/echo"], { home, env: { TERM: "dumb" } });
		chats.push(chat);
		await chat.until(/^›/m);
		chat.type("plain\r");
		await chat.until(/^plain$/m);
		await chat.until(/ in · \d+ out/);
		chat.type("\x04");
		expect(await chat.exited).toBe(0);
		expect(chat.raw).not.toContain("\x1b");
	});
});

describe("sessions", () => {
	it("are gone on with, and forked when another process has them open", async () => {
		const first = await open(["sim/echo", "--session", "shared"]);
		first.type("hello\r");
		await first.until(/ in · /);
		const second = await open(["--session", "shared"]);
		await second.until("shared is open in another process; this is a copy of it, shared-2");
		expect(count(second, "› hello")).toBe(1);
		second.type("in the copy\r");
		await second.until(/ in · /);
		first.type("in the first\r");
		await first.until((terminal) => terminal.lines.filter((line) => / in · /.test(line)).length === 2);
		const contents = (name: string) => readFileSync(join(home, "sessions", `${name}.jsonl`), "utf8");
		expect(contents("shared")).not.toContain("in the copy");
		expect(contents("shared-2")).not.toContain("in the first");
	});
});
