import type { FinishReason, Message, Usage } from "../../types.ts";
import { fromUsageRow, toUsageRow } from "../usage-row.ts";
import { readSessionLine, type SessionLine, type SessionSettings } from "./session-line.ts";
import { pathTo } from "./session-tree.ts";

/** A message of a session, with what is known of how it came about. */
export interface SessionMessage extends Message {
	/** Its place in the session's tree: unique, and larger than that of the message it follows. */
	readonly id: number;
	/** The message that it follows; null for a first one. */
	readonly parent: number | null;
	/** ISO 8601 in UTC. */
	readonly at: string;
	/** The model string that answered. */
	readonly model?: string | undefined;
	readonly usage?: Usage | null | undefined;
	/** USD; null when unknown. */
	readonly costUsd?: number | null | undefined;
	readonly cached?: boolean | undefined;
	/** Why the answer ended; absent when it was stopped or cut. */
	readonly finishReason?: FinishReason | undefined;
	/** The answer has no proper end. */
	readonly interrupted?: boolean | undefined;
	/** It was not the user who ended it. */
	readonly cut?: boolean | undefined;
	/** Short names of what went with a question. */
	readonly attachments?: readonly string[] | undefined;
	/** The answer is a summary of the conversation before it. */
	readonly summary?: boolean | undefined;
	/** A copy of an earlier message, with which a conversation goes on behind its summary. */
	readonly copyOf?: number | undefined;
}

/** A message to be added: its place and time are given to it. */
export type NewMessage = Omit<SessionMessage, "at" | "id" | "parent">;

/** A name that a session had, up to a time (ISO 8601 in UTC). */
export interface FormerName {
	readonly name: string;
	readonly until: string;
}

/** A session as its file tells it. */
export interface Session extends SessionSettings {
	readonly name: string;
	/** ISO 8601 in UTC, like `updatedAt`. */
	readonly createdAt: string;
	readonly updatedAt: string;
	/** The working folder in which it was begun. */
	readonly folder: string;
	/** The session that this one began as a copy of. */
	readonly forkedFrom: string | null;
	/** How many of its first messages are those of that session. */
	readonly inherited: number;
	readonly formerNames: readonly FormerName[];
	/** The conversation: the path from the first message to the last one that holds. */
	readonly messages: readonly SessionMessage[];
	/** Every message, also those that were undone, changed or asked for again; the oldest first. */
	readonly all: readonly SessionMessage[];
	/** Lines that could not be read and are left out, and the number of the first one, from 1. */
	readonly damaged: number;
	readonly firstDamaged: number | null;
}

/** A session under our own hands. */
export type StoredSession = {
	-readonly [Field in keyof Omit<Session, "messages" | "all">]: Session[Field];
} & {
	messages: SessionMessage[];
	all: SessionMessage[];
};

/** The lines that tell a session from its beginning. */
export function linesOf(session: Session): SessionLine[] {
	const { createdAt: at, folder, forkedFrom, title, model, system, parameters, all, messages } = session;
	const lines: SessionLine[] = [{ type: "start", at, folder, forked_from: forkedFrom }];
	if ([title, model, system, parameters].some((setting) => setting !== undefined))
		lines.push(settingsLine(at, { title, model, system, parameters }));
	lines.push(...all.map(lineOf));
	const head = messages.at(-1)?.id ?? null;
	if (head !== (all.at(-1)?.id ?? null)) lines.push({ type: "head", at, message: head });
	if (forkedFrom !== null && all.length > 0) lines.push({ type: "inherited", at });
	return lines;
}

/** The line that changes settings. */
export function settingsLine(at: string, { parameters, ...settings }: SessionSettings): SessionLine {
	return { type: "set", at, ...settings, parameters: parameters && renameKeys(parameters, toSnakeCase) };
}

/** The line that adds a message. */
export function lineOf({ costUsd, usage, finishReason, copyOf, ...message }: SessionMessage): SessionLine {
	return {
		type: "message",
		...message,
		usage: usage && toUsageRow(usage),
		cost_usd: costUsd,
		finish_reason: finishReason,
		copy_of: copyOf,
	};
}

function renameKeys(fields: object, rename: (name: string) => string): Record<string, unknown> {
	return Object.fromEntries(Object.entries(fields).map(([name, value]) => [rename(name), value]));
}

const toSnakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const toCamelCase = (name: string) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The session that the text of a file tells; lines that cannot be read are counted. */
export function replay(name: string, whole: string): StoredSession {
	const session: StoredSession = {
		name,
		createdAt: "",
		updatedAt: "",
		folder: "",
		forkedFrom: null,
		inherited: 0,
		formerNames: [],
		messages: [],
		all: [],
		damaged: 0,
		firstDamaged: null,
	};
	for (const [index, text] of whole.split("\n").entries()) {
		if (text === "") continue;
		const line = readSessionLine(text);
		if (line !== undefined) applyLine(session, line);
		else {
			session.damaged += 1;
			session.firstDamaged ??= index + 1;
		}
	}
	return session;
}

/** Takes a line into account. */
export function applyLine(session: StoredSession, line: SessionLine): void {
	switch (line.type) {
		case "start":
			session.createdAt = line.at;
			session.folder = line.folder;
			session.forkedFrom = line.forked_from;
			break;
		case "set": {
			const { type: _type, at: _at, parameters, ...settings } = line;
			Object.assign(session, settings, parameters && { parameters: renameKeys(parameters, toCamelCase) });
			break;
		}
		case "renamed":
			session.formerNames = [...session.formerNames, { name: line.from, until: line.at }];
			break;
		case "head":
			// A message that was lost with its line leaves the conversation where it was.
			if (line.message === null || session.all.some(({ id }) => id === line.message))
				session.messages = pathTo(session.all, line.message);
			break;
		case "inherited":
			session.inherited = session.all.length;
			break;
		case "keep":
			session.messages = session.messages.slice(0, line.messages);
			break;
		case "message":
			addMessage(session, line);
			break;
	}
	session.updatedAt = line.at;
}

function addMessage(session: StoredSession, line: Extract<SessionLine, { type: "message" }>): void {
	const { type: _type, cost_usd, usage, finish_reason, copy_of, id: given, parent: named, ...message } = line;
	const last = session.all.at(-1)?.id ?? 0;
	const head = session.messages.at(-1);
	const id = given !== undefined && given > last ? given : last + 1;
	// Older versions wrote no places: every message followed the one before it. A lost parent is the same.
	const isKnown = named === null || named === head?.id || session.all.some((other) => other.id === named);
	const parent = named !== undefined && isKnown ? named : (head?.id ?? null);
	const added: SessionMessage = {
		...message,
		...{ id, parent, usage: usage && fromUsageRow(usage), costUsd: cost_usd },
		...{ finishReason: finish_reason, copyOf: copy_of },
	};
	session.all.push(added);
	if (parent === (head?.id ?? null)) session.messages.push(added);
	else session.messages = pathTo(session.all, id);
}

/** What a reader of a session should know of its file at `path`; undefined when every line of it could be read. */
export function damageOf(path: string, { damaged, firstDamaged }: Session): string | undefined {
	if (firstDamaged === null) return undefined;
	const others =
		damaged === 1
			? "is not a line of a session and was"
			: `and ${damaged - 1} more are not lines of a session and were`;
	return `${path}:${firstDamaged} ${others} left out`;
}
