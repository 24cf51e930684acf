import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { type Paths, resolvePaths } from "../../src/state/paths.ts";
import {
	beginSession,
	checkSessionName,
	forkSession,
	latestSession,
	openSession,
	readSession,
	removeSession,
	renameSession,
	requireSession,
	sessionNames,
	titleOf,
} from "../../src/state/sessions/sessions.ts";
import { noUsage } from "../../src/types.ts";

let paths: Paths;
const folder = "/home/ada/project";
const options = { folder, now: () => Date.UTC(2026, 10, 22, 12) };
beforeEach(() => {
	paths = resolvePaths({ LLMX_HOME: mkdtempSync(join(tmpdir(), "llmx-sessions-")) });
});
afterEach(() => rmSync(paths.stateFolder, { recursive: true, force: true }));

const user = (content: string) => ({ role: "user", content }) as const;
const assistant = (content: string) =>
	({ role: "assistant", content, model: "sim/echo", usage: null, costUsd: null }) as const;
const texts = (name: string) => readSession(paths, name)?.messages.map((message) => message.content);

async function write(name: string, ...contents: string[]): Promise<void> {
	const open = await openSession(paths, name, options);
	open.append(...contents.map(user));
	await open.close();
}

describe("session names", () => {
	it.each(["a", "tuesday-notes", "2026.11.22_x", "a".repeat(64)])("%s is one", (name) => {
		expect(() => checkSessionName(name)).not.toThrow();
	});
	it.each([
		"",
		".",
		"..",
		".a",
		"-a",
		"a..b",
		"a/b",
		"a b",
		"a\n",
		"é",
		"a".repeat(65),
		"../../etc/passwd",
	])("%j is none, for any verb", async (name) => {
		expect(() => checkSessionName(name)).toThrow(UsageError);
		expect(() => readSession(paths, name)).toThrow(UsageError);
		await expect(openSession(paths, name, options)).rejects.toThrow(UsageError);
		await expect(removeSession(paths, name)).rejects.toThrow(UsageError);
		await write("fine", "hi");
		await expect(renameSession(paths, "fine", name)).rejects.toThrow(UsageError);
	});
});

describe("a session", () => {
	it("keeps messages and settings, privately, from one process to the next", async () => {
		const open = await openSession(paths, "notes", options);
		open.update({ model: "sim/echo", system: "Be brief.", parameters: { maxTokens: 9 } });
		expect(existsSync(join(paths.sessions, "notes.jsonl"))).toBe(false);
		open.append(user("why?"), { ...assistant("because"), interrupted: true });
		open.update({ title: "Why" });
		await open.close();
		expect(statSync(join(paths.sessions, "notes.jsonl")).mode & 0o777).toBe(0o600);
		expect(statSync(paths.sessions).mode & 0o777).toBe(0o700);
		const at = "2026-11-22T12:00:00.000Z";
		const answer = { model: "sim/echo", usage: null, costUsd: null, interrupted: true };
		const messages = [
			{ id: 1, parent: null, at, role: "user", content: "why?" },
			{ id: 2, parent: 1, at, role: "assistant", content: "because", ...answer },
		];
		expect(readSession(paths, "notes")).toEqual({
			name: "notes",
			createdAt: "2026-11-22T12:00:00.000Z",
			updatedAt: "2026-11-22T12:00:00.000Z",
			folder,
			forkedFrom: null,
			title: "Why",
			model: "sim/echo",
			system: "Be brief.",
			parameters: { maxTokens: 9 },
			damaged: 0,
			firstDamaged: null,
			inherited: 0,
			formerNames: [],
			messages,
			all: messages,
		});
	});

	it("is written in the spelling of files", async () => {
		const usage = { ...noUsage, inputTokens: 3, outputTokens: 4 };
		const open = await openSession(paths, "notes", options);
		open.update({ parameters: { maxTokens: 9, topP: 1 } });
		open.append(user("why?"), { ...assistant("because"), usage });
		await open.close();
		const [, settings, , answer] = readFileSync(join(paths.sessions, "notes.jsonl"), "utf8").split("\n");
		expect(JSON.parse(settings ?? "")).toMatchObject({ parameters: { max_tokens: 9, top_p: 1 } });
		expect(JSON.parse(answer ?? "")).toMatchObject({ usage: { input_tokens: 3, output_tokens: 4 } });
		expect(readSession(paths, "notes")?.messages[1]?.usage).toEqual(usage);
	});

	it("cuts its history back and goes on", async () => {
		const open = await openSession(paths, "notes", options);
		open.append(user("a"), assistant("b"), user("c"));
		open.goTo(open.session.messages[0]?.id ?? null);
		open.append(assistant("d"));
		expect(open.session.messages.map((message) => message.content)).toEqual(["a", "d"]);
		await open.close();
		expect(texts("notes")).toEqual(["a", "d"]);
	});

	it("survives torn and damaged lines and counts them", async () => {
		await write("notes", "a");
		appendFileSync(join(paths.sessions, "notes.jsonl"), '{"type":"unknown"}\n{"type":"message","at":"x","ro');
		await write("notes", "b");
		expect(texts("notes")).toEqual(["a", "b"]);
		expect(readSession(paths, "notes")?.damaged).toBe(2);
	});

	it("keeps exact text", async () => {
		const text = "\u0000 \u001b[31m \ud800 \u2028 模型\r\n";
		await write("notes", text);
		expect(texts("notes")).toEqual([text]);
	});

	it("is copied when another process has it open", async () => {
		await write("notes", "a");
		const first = await openSession(paths, "notes", options);
		const second = await openSession(paths, "notes", options);
		expect(first.forkedFrom).toBeNull();
		expect(second.forkedFrom).toBe("notes");
		expect(second.session.name).toBe("notes-2");
		first.append(user("first"));
		second.append(user("second"));
		await first.close();
		await second.close();
		expect(texts("notes")).toEqual(["a", "first"]);
		expect(texts("notes-2")).toEqual(["a", "second"]);
		expect(readSession(paths, "notes-2")?.forkedFrom).toBe("notes");
		const again = await openSession(paths, "notes", options);
		expect(again.forkedFrom).toBeNull();
		await again.close();
	});

	it("is copied on demand, once for each copy", async () => {
		await write("notes", "a");
		for (const name of ["notes-2", "notes-3"]) {
			const fork = await forkSession(paths, "notes", options);
			expect(fork.session.name).toBe(name);
			fork.append(user("b"));
			await fork.close();
		}
		expect(texts("notes")).toEqual(["a"]);
	});

	it("without a name is called after the day", async () => {
		const first = await beginSession(paths, options);
		const second = await beginSession(paths, options);
		first.append(user("a"));
		await first.close();
		await second.close();
		const third = await beginSession(paths, options);
		expect([first, second, third].map((open) => open.session.name)).toEqual([
			"2026-11-22-1",
			"2026-11-22-2",
			"2026-11-22-2",
		]);
		await third.close();
	});
});

describe("all sessions", () => {
	it("are listed and continued by when they were written to", async () => {
		await write("old", "a");
		await write("new", "b");
		await write("elsewhere", "c");
		const elsewhere = await openSession(paths, "other", { ...options, folder: "/tmp" });
		elsewhere.append(user("d"));
		await elsewhere.close();
		const times = { old: 1000, new: 3000, elsewhere: 2000, other: 4000 };
		for (const [name, time] of Object.entries(times))
			utimesSync(join(paths.sessions, `${name}.jsonl`), time, time);
		expect(sessionNames(paths)).toEqual(["other", "new", "elsewhere", "old"]);
		expect(latestSession(paths)?.name).toBe("other");
		expect(latestSession(paths, folder)?.name).toBe("new");
		expect(latestSession(paths, "/nowhere")).toBeUndefined();
	});

	it("are renamed and removed, but not while they are open, nor onto each other", async () => {
		await write("a", "a");
		await write("b", "b");
		await expect(renameSession(paths, "a", "b")).rejects.toThrow('a session named "b" already exists');
		const open = await openSession(paths, "a", options);
		await expect(renameSession(paths, "a", "c")).rejects.toThrow("open in another process");
		await expect(removeSession(paths, "a")).rejects.toThrow("open in another process");
		await open.close();
		await renameSession(paths, "a", "c");
		await removeSession(paths, "b");
		expect(sessionNames(paths)).toEqual(["c"]);
		expect(texts("c")).toEqual(["a"]);
	});

	it("are missed with the nearest name", async () => {
		await write("tuesday", "a");
		expect(() => requireSession(paths, "teusday")).toThrow(
			expect.objectContaining({ hint: 'did you mean "tuesday"?' }),
		);
	});

	it("have the title given or the beginning of the first question", async () => {
		await write("a", "  why is\nthe sky blue? ".repeat(5));
		const session = requireSession(paths, "a");
		expect(titleOf(session)).toBe("why is the sky blue? why is the sky blue? why is the sky bl…");
		expect(titleOf({ ...session, title: "Sky" })).toBe("Sky");
		expect(titleOf({ ...session, messages: [], all: [] })).toBe("");
	});
});
