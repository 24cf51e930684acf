import { readFileSync } from "node:fs";
import { UsageError } from "../../errors.ts";
import type { Message } from "../../types.ts";
import { systemFiles } from "../file-system.ts";
import { LineAppender } from "../files.ts";
import { jsonLine } from "../json-line.ts";
import type { Lock } from "../lock.ts";
import { didYouMean } from "../nearest.ts";
import type { Paths } from "../paths.ts";
import { checkSessionName, fileOf, sessionNames, unreadable } from "./session-files.ts";
import type { SessionLine, SessionSettings } from "./session-line.ts";
import {
	applyLine,
	lineOf,
	linesOf,
	type NewMessage,
	replay,
	type Session,
	type StoredSession,
	settingsLine,
} from "./session-lines.ts";

export { checkSessionName, sessionNames, straySessions } from "./session-files.ts";

/** Reads a session; undefined when there is none of that name. Throws UsageError for an impossible name. */
export function readSession(paths: Paths, name: string): Session | undefined {
	return load(paths, name);
}

function load(paths: Paths, name: string): StoredSession | undefined {
	checkSessionName(name);
	let text: string;
	try {
		text = readFileSync(fileOf(paths, name), "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw unreadable(fileOf(paths, name), error);
	}
	return replay(name, text);
}

/** As `readSession`, but throws UsageError with the nearest name when there is none. */
export function requireSession(paths: Paths, name: string): Session {
	const session = readSession(paths, name);
	if (session !== undefined) return session;
	throw new UsageError(`no session named "${name}"`, {
		hint: didYouMean(name, sessionNames(paths)) ?? "list them with: llmx sessions list",
	});
}

/** The session written to last among those begun in a folder (among all without one). */
export function latestSession(paths: Paths, folder?: string): Session | undefined {
	for (const name of sessionNames(paths)) {
		const session = readSession(paths, name);
		if (session !== undefined && (folder === undefined || session.folder === folder)) return session;
	}
	return undefined;
}

/** The title given to a session, or else the beginning of its first question; empty when there is neither. */
export function titleOf(session: Session): string {
	if (session.title !== undefined) return session.title;
	const { messages, all } = session;
	// Behind a summary the conversation goes on in the middle.
	const isBegun = messages.some(({ role }) => role === "user") && messages[1]?.summary !== true;
	const questions = isBegun ? messages : all;
	const first = questions.find(({ role }, at) => role === "user" && questions[at + 1]?.summary !== true);
	if (first === undefined) return "";
	const line = questionText(first.content).trim().replace(/\s+/g, " ");
	return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}

/** What was typed: the last text of a question. What is attached stands before it. */
function questionText(content: Message["content"]): string {
	if (typeof content === "string") return content;
	const last = content.findLast((part) => part.type === "text");
	return last?.type === "text" ? last.text : "";
}

export interface OpenOptions {
	/** The working folder, kept with a session that is begun. */
	readonly folder: string;
	/** Wall clock in ms since 1970. */
	readonly now?: (() => number) | undefined;
}

/** A session that this process writes to; no other can until it is closed. Every method throws the file system's error. */
export interface OpenSession {
	/** The session as it is at present; it changes with every call below. */
	readonly session: Session;
	/** The session that was asked for, when another process had it open and this is a copy of it. */
	readonly forkedFrom: string | null;
	/** Adds messages behind the head, which is then the last of them; they are on the disk when it returns. */
	append(...messages: readonly NewMessage[]): void;
	/** Lets the conversation end with a message, or before the first one; nothing is dropped. */
	goTo(message: number | null): void;
	update(settings: SessionSettings): void;
	close(): Promise<void>;
}

/**
 * Opens a session for writing, beginning it where there is none. When another process has it open, a copy under a
 * new name is opened instead. The file appears with the first message.
 */
export async function openSession(paths: Paths, name: string, options: OpenOptions): Promise<OpenSession> {
	checkSessionName(name);
	const own = await lock(paths, name);
	if (own !== undefined) {
		const session = load(paths, name);
		return writerOf(paths, session ?? begin(name, null, options), own, session === undefined, null, options);
	}
	return forkSession(paths, name, options);
}

/** Opens a copy of a session under a new name. */
export async function forkSession(paths: Paths, name: string, options: OpenOptions): Promise<OpenSession> {
	const original = load(paths, name) ?? begin(name, null, options);
	for (let number = 2; ; number += 1) {
		const copy = `${name.slice(0, 58)}-${number}`;
		if (readSession(paths, copy) !== undefined) continue;
		const own = await lock(paths, copy);
		if (own === undefined) continue;
		const { all, messages } = original;
		const history = { all: [...all], messages: [...messages], inherited: all.length };
		const session = { ...original, ...begin(copy, name, options), ...history };
		return writerOf(paths, session, own, true, name, options);
	}
}

/** Begins a session that nobody named; it is called after the day, as `2026-11-22-1`. */
export async function beginSession(paths: Paths, options: OpenOptions): Promise<OpenSession> {
	const now = (options.now ?? Date.now)();
	const day = new Date(now - new Date(now).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
	const taken = new Set(sessionNames(paths));
	for (let number = 1; ; number += 1) {
		const name = `${day}-${number}`;
		if (taken.has(name)) continue;
		const own = await lock(paths, name);
		if (own === undefined) continue;
		if (readSession(paths, name) === undefined)
			return writerOf(paths, begin(name, null, options), own, true, null, options);
		await own.release();
	}
}

/** Renames a session. Throws UsageError when there is none, when it is open, or when the new name is taken. */
export async function renameSession(paths: Paths, from: string, to: string): Promise<void> {
	requireSession(paths, from);
	checkSessionName(to);
	await exclusively(paths, [from, to], () => {
		// Where case does not count, both names may be of one file.
		if (readSession(paths, to) !== undefined && !isOneFile(fileOf(paths, from), fileOf(paths, to)))
			throw new UsageError(`a session named "${to}" already exists`, { hint: "choose another name" });
		// The ledger knows what was spent under the old name.
		const file = new LineAppender(fileOf(paths, from));
		const line: SessionLine = { type: "renamed", at: new Date().toISOString(), from };
		file.append([jsonLine(line)]);
		file.close();
		systemFiles.rename(fileOf(paths, from), fileOf(paths, to));
	});
}

/** Deletes a session. Throws UsageError when there is none or when it is open. */
export async function removeSession(paths: Paths, name: string): Promise<void> {
	requireSession(paths, name);
	await exclusively(paths, [name], () => systemFiles.remove(fileOf(paths, name)));
}

async function exclusively(paths: Paths, names: readonly string[], action: () => void): Promise<void> {
	const locks: Lock[] = [];
	try {
		for (const name of names) {
			if (locks.length > 0 && isOneFile(fileOf(paths, name), fileOf(paths, names[0] as string))) continue;
			const own = await lock(paths, name);
			if (own === undefined)
				throw new UsageError(`the session "${name}" is open in another process`, {
					hint: "leave it there first",
				});
			locks.push(own);
		}
		action();
	} finally {
		for (const own of locks) await own.release();
	}
}

function isOneFile(one: string, other: string): boolean {
	const facts = systemFiles.factsOf(one);
	return facts !== undefined && facts.identity === systemFiles.factsOf(other)?.identity;
}

async function lock(paths: Paths, name: string): Promise<Lock | undefined> {
	const { acquireLock } = await import("../lock.ts");
	const result = await acquireLock(fileOf(paths, name));
	return "lock" in result ? result.lock : undefined;
}

function begin(name: string, forkedFrom: string | null, options: OpenOptions): StoredSession {
	const at = timeOf(options);
	return {
		name,
		createdAt: at,
		updatedAt: at,
		folder: options.folder,
		forkedFrom,
		inherited: 0,
		formerNames: [],
		messages: [],
		all: [],
		damaged: 0,
		firstDamaged: null,
	};
}

const timeOf = (options: OpenOptions) => new Date((options.now ?? Date.now)()).toISOString();

function writerOf(
	paths: Paths,
	session: StoredSession,
	own: Lock,
	isNew: boolean,
	forkedFrom: string | null,
	options: OpenOptions,
): OpenSession {
	const file = new LineAppender(fileOf(paths, session.name));
	let unwritten: SessionLine[] = isNew ? linesOf(session) : [];
	const write = (lines: readonly SessionLine[]) => {
		const all = [...unwritten, ...lines];
		file.append(all.map(jsonLine));
		file.sync();
		unwritten = [];
		for (const line of lines) applyLine(session, line);
	};
	return {
		session,
		forkedFrom,
		append(...messages) {
			let parent = session.messages.at(-1)?.id ?? null;
			let id = session.all.at(-1)?.id ?? 0;
			const lines = messages.map((message) => {
				id += 1;
				const line = lineOf({ ...message, id, parent, at: timeOf(options) });
				parent = id;
				return line;
			});
			write(lines);
		},
		goTo(message) {
			if (message !== (session.messages.at(-1)?.id ?? null))
				write([{ type: "head", at: timeOf(options), message }]);
		},
		update(settings) {
			const line = settingsLine(timeOf(options), settings);
			// Settings alone are no reason for a file: a session that nothing was said in leaves nothing behind.
			if (unwritten.length === 0) write([line]);
			else {
				unwritten.push(line);
				applyLine(session, line);
			}
		},
		async close() {
			file.close();
			await own.release();
		},
	};
}
