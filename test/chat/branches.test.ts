import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Chat } from "../../src/chat/chat.ts";
import { codeBlocks } from "../../src/chat/code-blocks.ts";
import { submit } from "../../src/chat/commands/table.ts";
import { exportSession } from "../../src/chat/export.ts";
import { beginSession, readSession, titleOf } from "../../src/state/sessions/sessions.ts";
import { answerOf, factsAt, fakeHost, RecordingView, type Script } from "./fake-host.ts";

let home: string;
let view: RecordingView;
let chat: Chat;
let sent: string[];

const counting: Script = async function* (messages) {
	sent.push(messages.map(({ content }) => (typeof content === "string" ? content : "…")).join(" | "));
	yield* answerOf(`answer ${sent.length}`);
};

beforeEach(async () => {
	home = mkdtempSync(join(tmpdir(), "llmx-branches-"));
	view = new RecordingView();
	sent = [];
	const facts = factsAt(1_000, 30, 60);
	const host = fakeHost(home, { model: counting, other: counting }, { factsOf: () => facts });
	const session = await beginSession(host.paths, { folder: home });
	chat = new Chat({ host, view, session, model: "model" });
});
afterEach(async () => {
	await chat.close();
	rmSync(home, { recursive: true, force: true });
});

const path = () => chat.session.session.messages.map(({ content }) => content);
const stored = () => readSession(chat.host.paths, chat.session.session.name);

describe("branches of a session", () => {
	it("keep what was undone, asked again, changed and compared, and lead back to it", async () => {
		for (const line of ["one", "/retry", "/compare other", "2", "two", "/undo"]) await submit(chat, line);
		expect(path()).toEqual(["one", "answer 3"]);
		await submit(chat, "/redo");
		expect(path()).toEqual(["one", "answer 3", "two", "answer 4"]);
		await submit(chat, "/undo");
		await submit(chat, "/answer 1");
		expect(path()).toEqual(["one", "answer 1"]);
		await submit(chat, "/edit uno");
		expect(path()).toEqual(["uno", "answer 5"]);
		expect(stored()?.messages.map(({ content }) => content)).toEqual(path());
		expect(stored()?.all.map(({ content }) => content)).toEqual([
			...["one", "answer 1", "answer 2", "answer 3", "two", "answer 4", "uno", "answer 5"],
		]);
	});

	it("are listed as questions, whose answers can be walked and which can be asked differently", async () => {
		for (const line of ["one", "/retry", "two", "/history"]) await submit(chat, line);
		expect(view.picker?.items.map(({ label }) => label)).toEqual(["one", "two"]);
		expect(view.picker?.walk?.(0, 1)?.facts[0]).toBe("answer 1 of 2");
		await view.picker?.pick(1);
		expect(view.suggested).toBe("two");
		await submit(chat, "zwei");
		expect(path()).toEqual(["one", "answer 2", "zwei", "answer 4"]);
	});

	it("are seen by exports, which spell fields as files do", async () => {
		for (const line of ["one", "/retry", "two", "/undo"]) await submit(chat, line);
		const session = stored();
		if (session === undefined) throw new Error("nothing was saved");
		expect(exportSession(session, "md")).not.toContain("answer 1\n");
		expect(exportSession(session, "md", { all: true })).toContain("answer 1 of 2 · other branch");
		const json = exportSession(session, "json");
		expect(json).not.toMatch(/"[a-z]+[A-Z]\w*":/);
		expect(JSON.parse(json).messages).toHaveLength(5);
	});

	it("always tell the same conversation from the file as from memory, and have every answer and its cost", async () => {
		const line = fc.constantFrom(
			"/undo",
			"/redo",
			"/retry",
			"/answer",
			"/edit new",
			"ask",
			"/compare other",
			"2",
		);
		await fc.assert(
			fc.asyncProperty(fc.array(line, { maxLength: 12 }), async (lines) => {
				await submit(chat, "/clear");
				const before = sent.length;
				for (const each of lines) await submit(chat, each).catch(() => {});
				await submit(chat, "last");
				expect(stored()?.messages.map(({ content }) => content)).toEqual(
					chat.session.turns.flatMap(({ turn }) => [turn.user.content, turn.assistant.content]),
				);
				const answers = stored()?.all.filter(({ role }) => role === "assistant");
				expect(answers?.map(({ content }) => content)).toEqual(
					sent.slice(before).map((_, index) => `answer ${before + index + 1}`),
				);
				expect(chat.session.spent.cost.usd).toBeCloseTo(0.01 * (sent.length - before));
			}),
			{ numRuns: 25 },
		);
	});

	it("begin behind a summary, with the last turns word for word", async () => {
		for (const line of ["one", "two", "three", "/compact the names"]) await submit(chat, line);
		expect(path().slice(1)).toEqual(["answer 4", "two", "answer 2", "three", "answer 3"]);
		expect(sent.at(-1)).toContain("keep: the names");
		// It is still the conversation that began with that question.
		expect(chat.session.title).toContain("one");
		await submit(chat, "four");
		expect(sent.at(-1)?.startsWith("Summarise our conversation so far")).toBe(true);
	});
});

describe("before anything is sent", () => {
	it("a mistyped command is no question, and a space in front makes it one", async () => {
		for (const slip of ["/modle gpt-4o", "/compair gpt-4o", "/sysem be brief", "/cost/tokens", "/tmpp"])
			await expect(submit(chat, slip)).rejects.toThrow("there is no command");
		expect(sent).toEqual([]);
		await submit(chat, " /modle x");
		await submit(chat, "/etc/hosts is what?");
		expect(sent).toHaveLength(2);
	});

	it("what exceeds the window is held back once, with what is attached", async () => {
		writeFileSync(join(home, "long.txt"), "word ".repeat(2_000));
		await submit(chat, "/file long.txt");
		expect(chat.estimate("summarise").tokens).toBeGreaterThan(2_000);
		await submit(chat, "summarise");
		expect(sent).toEqual([]);
		expect(view.suggested).toBe("summarise");
		await submit(chat, "summarise");
		expect(sent).toHaveLength(1);
	});

	it("files that the text mentions go along, and are the chips of the question later", async () => {
		writeFileSync(join(home, "my notes.txt"), "text");
		await submit(chat, 'read @"my notes.txt" for @ada');
		expect(stored()?.messages[0]?.attachments).toEqual([expect.stringMatching(/^my notes.txt \d+ tok$/)]);
		expect(titleOf(chat.session.session)).toBe('read @"my notes.txt" for @ada');
	});

	it.each([
		"my\\ notes.txt",
		"'my notes.txt'",
		"file://HOME/my%20notes.txt",
	])("takes a dropped path: %s", async (spelling) => {
		writeFileSync(join(home, "my notes.txt"), "text");
		await submit(chat, `/file ${spelling.replace("HOME", home)}`);
		expect(chat.attachments.map(({ label }) => label)).toEqual([
			expect.stringMatching(/^my notes.txt \d+ tok$/),
		]);
	});

	it("a command of the shell is run, shown, and goes along", async () => {
		await submit(chat, "!git diff");
		expect(view.log.at(-1)).toContain("output of git diff");
		await submit(chat, "");
		expect(sent).toHaveLength(1);
		expect(stored()?.messages[0]?.attachments?.[0]).toMatch(/^git diff \d+ tok$/);
	});
});

describe("blocks of code", () => {
	it("are found in lists, quotes and without an end, as they are numbered on the screen", () => {
		const text = "a\n```sh\nls\n```\n1. x\n   ```js\n   let a;\n   ```\n> ```\n> q\n> ```\n~~~py\nopen";
		expect(codeBlocks(text)).toEqual([
			{ info: "sh", code: "ls" },
			{ info: "js", code: "let a;" },
			{ info: "", code: "q" },
			{ info: "py", code: "open" },
		]);
	});
});
