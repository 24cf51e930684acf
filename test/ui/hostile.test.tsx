import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { Stage } from "../../src/ui/stage.tsx";
import type { Terminal as RealTerminal } from "../../src/ui/terminal-control.ts";
import { Transcript } from "../../src/ui/transcript.ts";
import { Terminal } from "../helpers/terminal.ts";
import { hostileTexts } from "../terminal/hostile.ts";

const colors = createColors(true);
/** What the chat itself turns on: the cursor, pastes as such, word of the keyboard's coming and going. */
const ownModes = new Set(["?25", "?2004", "?1004"]);
let terminal: Terminal;
let transcript: Transcript;
let stage: Stage;

beforeEach(async () => {
	terminal = new Terminal(100, 30);
	const stdout = Object.assign(new PassThrough(), { isTTY: true, columns: 100, rows: 30 });
	stdout.on("data", (chunk: Buffer) => terminal.write(chunk.toString().replaceAll("\n", "\r\n")));
	const stdin = Object.assign(new PassThrough(), { setRawMode() {}, ref() {}, unref() {} });
	const nothing = () => {};
	stage = new Stage({
		...{ terminal: { stdin, stdout } as unknown as RealTerminal, env: {}, colors },
		...{ onEvent: nothing, onResize: nothing, onGone: nothing, onError: nothing },
	});
	transcript = new Transcript({
		...{ store: stage.store, colors, now: () => 0, isBehind: () => false },
		...{ onChange: nothing, onSuggest: nothing, onClear: nothing, onLeave: nothing },
		...{ onPick: nothing, onAnswered: nothing },
	});
	await transcript.load();
	stage.begin();
});
afterEach(() => stage.end());

/** What was drawn has reached the terminal. */
const drawn = () => new Promise((resolve) => setTimeout(resolve, 4));

/** Streams an answer in the given chunks and draws it. */
async function answer(chunks: readonly string[], kind: "text" | "reasoning" = "text"): Promise<void> {
	transcript.answering("model", false);
	for (const chunk of chunks) transcript[kind](chunk);
	await transcript.answered({
		model: "model",
		finish: null,
		interrupted: true,
		isFiltered: false,
		hasText: true,
		failure: null,
	});
	await drawn();
}

function expectUntouched(): void {
	expect(terminal.events).toEqual([]);
	expect([...terminal.modes].filter((mode) => !ownModes.has(mode))).toEqual([]);
	expect(terminal.lines.join("")).not.toMatch(/[\x00-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]/);
}

describe("a hostile answer on the screen", () => {
	it("would be noticed by the terminal of these tests", () => {
		const harmful = hostileTexts.filter((text) => {
			const bare = new Terminal(100, 30);
			bare.write(text);
			return bare.events.length > 0 || bare.modes.size !== 1;
		});
		expect(harmful.length).toBeGreaterThan(20);
	});

	it("cannot do anything, wherever it is split", async () => {
		for (const text of hostileTexts) {
			// Every split of the longest ones would take minutes; the sanitizer's own tests try them all.
			const step = Math.max(1, Math.floor(text.length / 4));
			for (let split = 0; split <= text.length; split += step)
				await answer([text.slice(0, split), text.slice(split)]);
			await answer([...text]);
			expectUntouched();
		}
	});

	it("does not hide what comes after it", async () => {
		for (const [index, text] of hostileTexts.entries()) {
			await answer([text, `\n\nseen ${index}`]);
			expect(terminal.lines).toContain(`seen ${index}`);
		}
	});

	it("nor does hostile reasoning, shown or folded, a notice, a failure or a question", async () => {
		const end = { interrupted: true, isCut: true, isSummary: false, finishReason: undefined, cached: true };
		for (const text of hostileTexts) {
			await answer([...text], "reasoning");
			transcript.toggleReasoning(text);
			await answer([...text], "reasoning");
			transcript.notice(text);
			transcript.failed({ message: text, hint: text, exitCode: 1 });
			transcript.asked(text, [text]);
			transcript.resumed([{ question: text, attachments: [text], answer: text, end }]);
			transcript.compared([
				{ model: text, text, finish: null },
				{ model: "other", text, finish: null },
			]);
			stage.store.update({ attachments: [text], retry: { reason: text, until: 0 } });
			await drawn();
			expectUntouched();
		}
	});
});
