import { readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { LineAppender } from "./files.ts";
import type { Lock } from "./lock.ts";
import { didYouMean } from "./nearest.ts";
import type { Paths } from "./paths.ts";
import {
	applyLine,
	lineOf,
	linesOf,
	replay,
	type Session,
	type SessionLine,
	type SessionMessage,
	type SessionSettings,
	type StoredSession,
	settingsLine,
} from "./session-lines.ts";

const EXTENSION = ".jsonl";

/** Throws UsageError unless a session may have this name: it becomes the name of a file. */
export function checkSessionName(name: string): void {
	if (!/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
		throw new UsageError(`"${name}" cannot name a session`, {
			hint: "use up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit",
		});
	}
}

/** Names of all sessions, the one written to last first. */
export function sessionNames(paths: Paths): string[] {
	let files: string[];
	try {
		files = readdirSync(paths.sessions);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw error;
	}
	return files
		.filter((file) => file.endsWith(EXTENSION))
		.map((file) => ({
			name: file.slice(0, -EXTENSION.length),
			time: statSync(join(paths.sessions, file), { throwIfNoEntry: false })?.mtimeMs ?? 0,
		}))
		.sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
		.map(({ name }) => name);
}

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
		throw error;
	}
	return replay(name, text);
}

/** As `readSession`, but throws UsageError with the nearest name when there is none. */
export function requireSession(paths: Paths, name: string): Session {
	const session = readSession(paths, name);
	if (session !== undefined) return session;
	throw new UsageError(`there is no session "${name}"`, {
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
	const first = session.messages.find((message) => message.role === "user");
	if (first === undefined) return "";
	const text =
		typeof first.content === "string"
			? first.content
			: first.content.map((part) => (part.type === "text" ? part.text : "")).join(" ");
	const line = text.trim().replace(/\s+/g, " ");
	return line.length > 60 ? `${line.slice(0, 59)}…` : line;
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
	/** Adds messages; they are on the disk when it returns. */
	append(...messages: readonly Omit<SessionMessage, "at">[]): void;
	/** Cuts the history back to its first messages; the file keeps what was there. */
	keep(messages: number): void;
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
		const session = { ...original, ...begin(copy, name, options), messages: [...original.messages] };
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
		if (readSession(paths, name) === undefined) {
			return writerOf(paths, begin(name, null, options), own, true, null, options);
		}
		await own.release();
	}
}

/** Renames a session. Throws UsageError when there is none, when it is open, or when the new name is taken. */
export async function renameSession(paths: Paths, from: string, to: string): Promise<void> {
	requireSession(paths, from);
	checkSessionName(to);
	await exclusively(paths, [from, to], () => {
		if (readSession(paths, to) !== undefined)
			throw new UsageError(`there is a session "${to}" already`, { hint: "choose another name" });
		renameSync(fileOf(paths, from), fileOf(paths, to));
	});
}

/** Deletes a session. Throws UsageError when there is none or when it is open. */
export async function removeSession(paths: Paths, name: string): Promise<void> {
	requireSession(paths, name);
	await exclusively(paths, [name], () => rmSync(fileOf(paths, name)));
}

async function exclusively(paths: Paths, names: readonly string[], action: () => void): Promise<void> {
	const locks: Lock[] = [];
	try {
		for (const name of names) {
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

async function lock(paths: Paths, name: string): Promise<Lock | undefined> {
	const { acquireLock } = await import("./lock.ts");
	const result = await acquireLock(fileOf(paths, name));
	return "lock" in result ? result.lock : undefined;
}

const fileOf = (paths: Paths, name: string) => join(paths.sessions, name + EXTENSION);

function begin(name: string, forkedFrom: string | null, options: OpenOptions): StoredSession {
	const at = timeOf(options);
	return { name, createdAt: at, updatedAt: at, folder: options.folder, forkedFrom, messages: [], damaged: 0 };
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
		file.append(all.map((line) => `${JSON.stringify(line)}\n`));
		file.sync();
		unwritten = [];
		for (const line of lines) applyLine(session, line);
	};
	return {
		session,
		forkedFrom,
		append: (...messages) => write(messages.map((message) => lineOf({ ...message, at: timeOf(options) }))),
		keep: (messages) => write([{ type: "keep", at: timeOf(options), messages }]),
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
