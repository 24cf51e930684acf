import { describe, expect, it } from "vitest";
import { LineView, runLineMode } from "../../src/chat/line-mode.ts";
import { completeMessage, MessageReader } from "../../src/chat/messages-in.ts";

function read(...lines: string[]): (string | undefined)[] {
	const reader = new MessageReader();
	return [...lines.map((line) => reader.push(line)), reader.end()].filter((message) => message !== undefined);
}

describe("lines to messages", () => {
	it.each([
		[
			["one", "two"],
			["one", "two"],
		],
		[
			['"""', "a", "", 'b"""', "c"],
			["a\n\nb", "c"],
		],
		[['"""a', '"""'], ["a"]],
		[
			['"""a b"""', "c"],
			["a b", "c"],
		],
		[["a\\", "b\\", "c"], ["a\nb\nc"]],
		[['"""', "a\\", 'b"""'], ["a\\\nb"]],
		[['"""', "never closed"], ["never closed"]],
		[["trailing\\"], ["trailing"]],
		[['say """ inside'], ['say """ inside']],
	])("%j are %j", (lines, messages) => {
		expect(read(...lines)).toEqual(messages);
	});

	it.each([
		["plain", "plain"],
		["two\nlines", "two\nlines"],
		['"""', undefined],
		['"""open\nstill', undefined],
		['"""\na\nb\n"""', "a\nb"],
		['"""a"""', "a"],
	])("Enter behind %j sends %j", (text, message) => {
		expect(completeMessage(text)).toBe(message);
	});
});

/** What of a chat lines are read with. */
const idle = {
	comparison: { isOpen: false },
	shell: { last: undefined },
	attachments: [],
	session: { llm: { fetchesImages: false } },
	host: { folder: "/", presetNames: () => [] },
};

describe("line mode", () => {
	it("takes lines however they are cut, in UTF-8, with either line end", async () => {
		const seen: string[] = [];
		const view = new LineView({ out: () => {}, note: () => {}, isTerminal: false, isConversation: false });
		const bytes = Buffer.from("世界\r\nzwei\ndrei");
		const chat = {
			view,
			...idle,
			ask: async (text: string) => void seen.push(text),
		};
		async function* input() {
			for (const byte of bytes) yield Uint8Array.of(byte);
		}
		await runLineMode({ chat: chat as never, view, input: input() });
		expect(seen).toEqual(["世界", "zwei", "drei"]);
	});

	it.each([
		["hi\n", "› › \nsaved as notes · llmx chat -c continues it\n"],
		['"""\nhi', "› … … \nsaved as notes · llmx chat -c continues it\n"],
		["/quit\n", "› saved as notes · llmx chat -c continues it\n"],
	])("leaves the line behind its prompt to the shell, and says what is kept: %j", async (typed, said) => {
		let notes = "";
		const note = (text: string) => {
			notes += text;
		};
		const view = new LineView({ out: () => {}, note, isTerminal: true, isConversation: true });
		const chat = { view, ...idle, ask: async () => {} } as never;
		async function* input() {
			yield typed;
		}
		await runLineMode({ chat, view, input: input() });
		view.end({ session: { session: { name: "notes", all: [{}] } } } as never);
		expect(notes).toBe(said);
	});

	it("ends when the chat is left, although the input goes on", async () => {
		const view = new LineView({ out: () => {}, note: () => {}, isTerminal: false, isConversation: false });
		async function* input() {
			yield "/quit\n";
			await new Promise(() => {});
		}
		await runLineMode({ chat: { view, ...idle } as never, view, input: input() });
		expect(view.left.aborted).toBe(true);
	});
});
