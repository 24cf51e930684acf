import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, UsageError } from "../errors.ts";
import { describeFileError, systemFiles } from "./file-system.ts";
import { LineAppender } from "./files.ts";
import type { Lock } from "./lock.ts";
import { didYouMean } from "./nearest.ts";
import type { Paths } from "./paths.ts";
import type { SessionLine, SessionSettings } from "./session-line.ts";
import {
	applyLine,
	lineOf,
	linesOf,
	replay,
	type Session,
	type SessionMessage,
	type StoredSession,
	settingsLine,
} from "./session-lines.ts";

const EXTENSION = ".jsonl";

/** Throws UsageError unless a session may have this name: it becomes the name of a file. */
export function checkSessionName(name: string, platform: string = process.platform): void {
	if (!isSessionName(name)) {
		throw new UsageError(`"${name}" is not a valid session name`, {
			hint: "use up to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit",
		});
	}
	if (platform === "win32" && isDeviceName(name)) {
		throw new UsageError(`"${name}" is not a valid session name: Windows reserves it for a device`, {
			hint: "choose another name",
		});
	}
}

function isSessionName(name: string): boolean {
	return /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/** A device answers to its name whatever extension follows. */
function isDeviceName(name: string): boolean {
	return /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i.test(name);
}

/**
 * Names of all sessions, the one written to last first. What else lies in their folder, such as a folder or a link
 * that leads nowhere, is none.
 */
export function sessionNames(paths: Paths): string[] {
	let files: string[];
	try {
		files = readdirSync(paths.sessions);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw unreadable(paths.sessions, error);
	}
	return files
		.filter((file) => file.endsWith(EXTENSION) && isSessionName(file.slice(0, -EXTENSION.length)))
		.flatMap((file) => {
			const stats = statSync(join(paths.sessions, file), { throwIfNoEntry: false });
			return stats?.isFile() ? [{ name: file.slice(0, -EXTENSION.length), time: stats.mtimeMs }] : [];
		})
		.sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
		.map(({ name }) => name);
}

/** What lies among the sessions under the name of one and is none: paths. */
export function straySessions(paths: Paths): string[] {
	const names = new Set(sessionNames(paths).map((name) => name + EXTENSION));
	const files = systemFiles.factsOf(paths.sessions) === undefined ? [] : readdirSync(paths.sessions);
	return files
		.filter((file) => file.endsWith(EXTENSION) && !names.has(file))
		.map((file) => join(paths.sessions, file));
}

function unreadable(path: string, error: unknown): ConfigError {
	return new ConfigError(`cannot read ${path}: ${describeFileError(error)}`, {
		hint: "llmx keeps conversations there; move what is there elsewhere, or make it readable",
		cause: error,
	});
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

/** The most recent session that was started in a folder (of all sessions without one). */
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
	/** The working folder, stored with a new session. */
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

/** Starts an unnamed session; it is named after the day, as in `2026-11-22-1`. */
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
		// Where case does not count, both names may be of one file.
		if (readSession(paths, to) !== undefined && !isOneFile(fileOf(paths, from), fileOf(paths, to)))
			throw new UsageError(`a session named "${to}" already exists`, { hint: "choose another name" });
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
					hint: "close it there first",
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
	const { acquireLock } = await import("./lock.ts");
	const result = await acquireLock(fileOf(paths, name));
	return "lock" in result ? result.lock : undefined;
}

const fileOf = (paths: Paths, name: string) => join(paths.sessions, name + EXTENSION);

function begin(name: string, forkedFrom: string | null, options: OpenOptions): StoredSession {
	const at = timeOf(options);
	return {
		name,
		createdAt: at,
		updatedAt: at,
		folder: options.folder,
		forkedFrom,
		messages: [],
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
			// Settings alone are no reason for a file: a session without messages leaves nothing behind.
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
