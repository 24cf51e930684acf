import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ChatOptions } from "../../src/chat/asking.ts";
import { Chat } from "../../src/chat/chat.ts";
import { submit } from "../../src/chat/commands/table.ts";
import { complete } from "../../src/chat/input/completion.ts";
import { shortMarkOf } from "../../src/chat/marks.ts";
import { shownTurns } from "../../src/chat/record.ts";
import type { TurnEnd } from "../../src/chat/view.ts";
import { LlmxError, RequestError } from "../../src/errors.ts";
import { beginSession, openSession, readSession } from "../../src/state/sessions/sessions.ts";
import type { Message } from "../../src/types.ts";
import { answerOf, factsAt, fakeHost, hangAfter, RecordingView, type Script } from "./fake-host.ts";

let home: string;
let view: RecordingView;
let chats: Chat[];

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-chat-"));
	view = new RecordingView();
	chats = [];
});
afterEach(async () => {
	for (const chat of chats) await chat.close();
	rmSync(home, { recursive: true, force: true });
});

const echo: Script = async function* (messages) {
	yield* answerOf(`echo of ${JSON.stringify(messages.at(-1)?.content)}`);
};

async function open(
	scripts: Readonly<Record<string, Script>> = { model: echo },
	change: Parameters<typeof fakeHost>[2] = {},
	options: Partial<ChatOptions> = {},
	isFree = false,
): Promise<Chat> {
	const host = fakeHost(home, scripts, change, isFree);
	const session = options.session ?? (await beginSession(host.paths, { folder: home }));
	const chat = new Chat({ host, view, session, model: "model", ...options });
	chats.push(chat);
	return chat;
}

const kept = (chat: Chat) =>
	readSession(chat.host.paths, chat.session.session.name)?.messages.map(({ content }) => content) ?? [];

describe("a question", () => {
	it("is asked with the history, answered, saved, and paid for", async () => {
		const seen: (readonly Message[])[] = [];
		const chat = await open(
			{
				model: async function* (messages) {
					seen.push(messages);
					yield* answerOf("fine thanks");
				},
			},
			{},
			{ system: "be brief" },
		);
		await chat.ask("hello");
		await chat.ask("again");
		expect(seen[1]?.map(({ role, content }) => `${role}: ${content}`)).toEqual([
			...["system: be brief", "user: hello", "assistant: fine thanks", "user: again"],
		]);
		expect(kept(chat)).toEqual(["hello", "fine thanks", "again", "fine thanks"]);
		expect(chat.session.spent.cost).toEqual({ usd: 0.02, unknownCalls: 0 });
		expect(view.log.slice(0, 5)).toEqual([
			"asked hello",
			"answering model",
			"text fine",
			"text thanks",
			"answered",
		]);
	});

	it("that failed before a word goes back to the input, with what was attached", async () => {
		const chat = await open({
			model: async function* () {
				yield* [];
				throw new LlmxError("no route to host", { exitCode: 5 });
			},
		});
		writeFileSync(join(home, "a.txt"), "text");
		await submit(chat, "/file a.txt");
		await chat.ask("hello");
		expect(view.suggested).toBe("hello");
		expect(chat.attachments).toHaveLength(1);
		expect(chat.session.turns).toHaveLength(0);
		expect(view.log.at(-1)).toBe("answered interrupted empty: no route to host");
		expect(chat.failedWith).toBe(5);
	});

	it("cannot be asked while another is answered", async () => {
		const chat = await open({ model: (_, options) => hangAfter("some", options) });
		const asking = chat.ask("one");
		await expect(chat.ask("two")).rejects.toThrow("still being answered");
		chat.stop();
		await asking;
	});

	it("is refused when a budget is spent, and nothing is sent", async () => {
		let calls = 0;
		const chat = await open(
			{
				model: async function* () {
					calls += 1;
					yield* answerOf("x");
				},
			},
			{
				checkBudget: async () => {
					throw new LlmxError("the daily budget is spent", { exitCode: 8 });
				},
			},
		);
		await chat.ask("hello");
		expect(calls).toBe(0);
		expect(view.log.at(-1)).toContain("the daily budget is spent");
	});

	it("is preceded by one warning when the context window is nearly full", async () => {
		const chat = await open(
			{
				model: async function* () {
					yield* answerOf("x", 900);
				},
			},
			{ factsOf: () => factsAt(1_000, 2, 8) },
		);
		for (const text of ["one", "two", "three"]) await chat.ask(text);
		expect(view.log.filter((line) => line.includes("% of what model can read (1k)"))).toHaveLength(1);
	});
});

describe("stopping", () => {
	it("keeps what came, marked, and sends it as history", async () => {
		let last: readonly Message[] = [];
		const chat = await open({
			model: (messages, options) => {
				last = messages;
				return hangAfter("half an", options);
			},
		});
		view.onText = () => chat.stop();
		await chat.ask("one");
		await chat.ask("two");
		expect(chat.session.turns[0]?.turn).toMatchObject({
			interrupted: true,
			assistant: { content: "half an" },
		});
		expect(last.map(({ content }) => content)).toEqual(["one", "half an", "two"]);
		expect(readSession(chat.host.paths, chat.session.session.name)?.messages[1]?.interrupted).toBe(true);
		expect(view.log).not.toContain("failed interrupted");
	});

	it.each([
		["blocked", "ended by the content filter"],
		["incomplete", "cut off"],
	] as const)("is told from an answer that ended otherwise (%s), also when it is gone on with", async (errorClass, mark) => {
		const chat = await open({
			model: async function* () {
				yield { type: "text-delta", text: "half an" };
				throw new RequestError("it ended", {
					...{ provider: "openai", errorClass, maybeBilled: true, exitCode: 1 },
					...{ advice: { retry: "never", key: "keep" }, partialText: "half an" },
				});
			},
		});
		await chat.ask("one");
		const endOf = () => shownTurns(chat.session.turns)[0]?.end;
		expect(shortMarkOf({ ...(endOf() as TurnEnd), hasText: true })).toBe(mark);
		await chat.close();
		const session = await openSession(chat.host.paths, chat.session.session.name, { folder: home });
		const second = await open(undefined, {}, { session });
		const [again] = shownTurns(second.session.turns);
		expect(again?.end).toEqual(endOf());
	});

	it.each([
		[true, 0],
		[false, 1],
	])("costs nothing where nothing is charged (free: %s), also when it is gone on with later", async (isFree, unknownCalls) => {
		const chat = await open({ model: (_, options) => hangAfter("half an", options) }, {}, {}, isFree);
		view.onText = () => chat.stop();
		await chat.ask("one");
		await chat.close();
		const session = await openSession(chat.host.paths, chat.session.session.name, { folder: home });
		const second = await open(undefined, {}, { session });
		await second.session.spending;
		expect(second.session.spent.cost).toEqual({ usd: 0, unknownCalls });
	});

	it("before the first word leaves no turn, and /retry asks again", async () => {
		let calls = 0;
		const chat = await open({
			model: (_, options) => {
				calls += 1;
				if (calls === 1) queueMicrotask(() => chat.stop());
				return calls === 1
					? hangAfter("", options)
					: (async function* () {
							yield* answerOf("there");
						})();
			},
		});
		await chat.ask("hello");
		expect(chat.session.turns).toHaveLength(0);
		expect(view.suggested).toBeUndefined();
		await chat.retry();
		expect(kept(chat)).toEqual(["hello", "there"]);
	});

	it("ends a wait before a retry, which is told as a countdown", async () => {
		const chat = await open({
			model: async function* (_, options) {
				options.onRetry?.({ attempt: 2, delayMs: 5000, reason: "answered 429" });
				yield* hangAfter("", options);
			},
		});
		const asking = chat.ask("hello");
		await expect.poll(() => chat.answering.retryWait).toEqual({ reason: "answered 429", until: 1_005_000 });
		chat.stop();
		await asking;
		expect(chat.answering.retryWait).toBeUndefined();
	});
});

describe("asking again", () => {
	it("is never answered from the cache, and replaces the old answer only by a new one", async () => {
		const modes: unknown[] = [];
		let fails = false;
		const chat = await open({
			model: async function* (_, { cache }) {
				modes.push(cache);
				if (fails) throw new LlmxError("down");
				yield* answerOf(`answer ${modes.length}`);
			},
		});
		await chat.ask("hello");
		await chat.retry();
		expect(modes).toEqual([true, "refresh"]);
		expect(kept(chat)).toEqual(["hello", "answer 2"]);
		fails = true;
		await chat.retry();
		expect(kept(chat)).toEqual(["hello", "answer 2"]);
		expect(chat.session.turns).toHaveLength(1);
	});

	it("with /edit replaces the question too", async () => {
		const chat = await open();
		await chat.ask("first");
		await chat.ask("secnd");
		await submit(chat, "/edit");
		expect(view.suggested).toBe("secnd");
		await submit(chat, "second");
		expect(kept(chat)).toEqual(["first", 'echo of "first"', "second", 'echo of "second"']);
		expect(chat.branchBehind).toBeUndefined();
	});
});

describe("comparing", () => {
	const scripts: Record<string, Script> = {
		model: echo,
		other: async function* () {
			yield* answerOf("another answer");
		},
	};

	it("asks the same of another model and keeps what the user chooses", async () => {
		const chat = await open(scripts);
		await chat.ask("hello");
		await submit(chat, "/compare other");
		expect(view.log.at(-1)).toBe('compared model=echo of "hello" other=another answer');
		expect(kept(chat)).toEqual(["hello", 'echo of "hello"']);
		await submit(chat, "2");
		expect(kept(chat)).toEqual(["hello", "another answer"]);
		expect(readSession(chat.host.paths, chat.session.session.name)?.messages[1]?.model).toBe("other");
		expect(chat.model).toBe("model");
		await submit(chat, "2");
		expect(kept(chat)).toHaveLength(4);
	});

	it("asks the other model again with /retry, when it has failed and when its answer is not liked; all are kept", async () => {
		const modes: unknown[] = [];
		const chat = await open({
			model: echo,
			other: async function* (_, { cache }) {
				modes.push(cache);
				if (modes.length === 1) throw new LlmxError("down");
				yield* answerOf(`answer ${modes.length}`);
			},
		});
		await chat.ask("hello");
		await submit(chat, "/compare other");
		expect(view.log.at(-1)).toBe("notice no answer from other · /retry asks again");
		expect(chat.comparison.isOpen).toBe(false);
		for (const number of [2, 3]) {
			await submit(chat, "/retry");
			expect(view.log.at(-1)).toBe(`compared model=echo of "hello" other=answer ${number}`);
		}
		expect(modes).toEqual([true, "refresh", "refresh"]);
		await submit(chat, "2");
		expect(kept(chat)).toEqual(["hello", "answer 3"]);
		const last = chat.session.turns.at(-1);
		expect(last && chat.session.answersOf(last)).toEqual({ number: 3, count: 3 });
		await submit(chat, "/retry");
		expect(kept(chat)).toEqual(["hello", 'echo of "hello"']);
	});

	it("keeps the first answer when the user simply goes on", async () => {
		const chat = await open(scripts);
		await chat.ask("hello");
		await submit(chat, "/compare other");
		await submit(chat, "more");
		expect(kept(chat)).toEqual(["hello", 'echo of "hello"', "more", 'echo of "more"']);
	});
});

describe("sessions", () => {
	it("come back with their turns, costs and settings", async () => {
		const first = await open({ model: echo, other: echo });
		await first.ask("hello");
		await submit(first, "/model other");
		await submit(first, "/system be brief");
		await submit(first, "/set temperature 0.5");
		const { name } = first.session.session;
		await first.close();
		chats = [];
		const session = await openSession(first.host.paths, name, { folder: home });
		const second = await open({ other: echo }, {}, { session, model: session.session.model ?? "" });
		await second.session.spending;
		expect(second.session.turns).toHaveLength(1);
		expect(second.session.system).toBe("be brief");
		expect(second.parameters).toEqual({ temperature: 0.5 });
		expect(second.session.spent.cost).toEqual({ usd: 0.01, unknownCalls: 0 });
	});

	it("that cannot be written are told of, and the chat goes on", async () => {
		const chat = await open();
		rmSync(join(home, "sessions"), { recursive: true, force: true });
		writeFileSync(join(home, "sessions"), "a file where the folder was");
		await chat.ask("hello");
		expect(view.log.some((line) => line.startsWith("failed the session"))).toBe(true);
		expect(chat.session.turns).toHaveLength(1);
	});

	it("are renamed with what they cost so far", async () => {
		const chat = await open();
		await chat.ask("hello");
		await chat.retry();
		const before = chat.session.spent.cost;
		await submit(chat, "/rename notes");
		expect(chat.session.spent.cost).toEqual(before);
		await chat.ask("more");
		expect(kept(chat)).toHaveLength(4);
		expect(chat.session.session.name).toBe("notes");
	});
});

describe("completion", () => {
	const offers = async (text: string) => {
		const chat = await open();
		return complete(text, text.length, chat)?.candidates.map((candidate) => candidate.text);
	};

	it("offers commands, and what belongs behind them", async () => {
		expect(await offers("/co")).toEqual(["/compare ", "/compact ", "/cost", "/copy "]);
		expect(await offers("/compare gpt")).toEqual(["gpt-4.1", "gpt-4.1-mini"]);
		expect(await offers("/model haiku")).toEqual(["anthropic/claude-haiku-4-5"]);
		expect(await offers("/cache o")).toEqual(["on", "off"]);
		expect(await offers("/set temp")).toEqual(["temperature"]);
		expect(await offers("/unknown x")).toBeUndefined();
		expect(await offers("plain text")).toBeUndefined();
	});

	it("offers files, folders with a slash, hidden ones only when asked for", async () => {
		writeFileSync(join(home, "notes.txt"), "");
		writeFileSync(join(home, ".hidden"), "");
		const chat = await open();
		await chat.ask("x");
		expect(await offers("/file n")).toEqual(["notes.txt"]);
		expect(await offers("/file .h")).toEqual([".hidden"]);
		expect((await offers("/file "))?.includes("sessions/")).toBe(true);
		expect((await offers("/file "))?.includes(".hidden")).toBe(false);
		expect(await offers("look at ./no")).toEqual(["./notes.txt"]);
	});
});
