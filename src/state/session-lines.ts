import type { Message, Usage } from "../types.ts";
import { readSessionLine, type SessionLine, type SessionSettings } from "./session-line.ts";
import { fromUsageRow, toUsageRow } from "./usage-row.ts";

/** A message of a session, with what is known of how it came about. */
export interface SessionMessage extends Message {
	/** ISO 8601 in UTC. */
	readonly at: string;
	/** The model string that answered. */
	readonly model?: string | undefined;
	readonly usage?: Usage | null | undefined;
	/** USD; null when unknown. */
	readonly costUsd?: number | null | undefined;
	readonly cached?: boolean | undefined;
	/** The answer was stopped before its end. */
	readonly interrupted?: boolean | undefined;
}

/** A session as its file tells it. */
export interface Session extends SessionSettings {
	readonly name: string;
	/** ISO 8601 in UTC, like `updatedAt`. */
	readonly createdAt: string;
	readonly updatedAt: string;
	/** The working folder in which it was started. */
	readonly folder: string;
	/** The session that this one began as a copy of. */
	readonly forkedFrom: string | null;
	readonly messages: readonly SessionMessage[];
	/** Lines that could not be read and are left out, and the number of the first one, from 1. */
	readonly damaged: number;
	readonly firstDamaged: number | null;
}

/** A session under our own hands. */
export type StoredSession = { -readonly [Field in keyof Omit<Session, "messages">]: Session[Field] } & {
	messages: SessionMessage[];
};

/** The lines that tell a session from its beginning. */
export function linesOf({
	createdAt: at,
	folder,
	forkedFrom,
	title,
	model,
	system,
	parameters,
	messages,
}: Session) {
	const lines: SessionLine[] = [{ type: "start", at, folder, forked_from: forkedFrom }];
	if ([title, model, system, parameters].some((setting) => setting !== undefined)) {
		lines.push(settingsLine(at, { title, model, system, parameters }));
	}
	return [...lines, ...messages.map(lineOf)];
}

/** The line that changes settings. */
export function settingsLine(at: string, { parameters, ...settings }: SessionSettings): SessionLine {
	return { type: "set", at, ...settings, parameters: parameters && renameKeys(parameters, toSnakeCase) };
}

/** The line that adds a message. */
export function lineOf({ costUsd, usage, ...message }: SessionMessage): SessionLine {
	return { type: "message", ...message, usage: usage && toUsageRow(usage), cost_usd: costUsd };
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
		messages: [],
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
		case "keep":
			session.messages.length = Math.min(session.messages.length, line.messages);
			break;
		case "message": {
			const { type: _type, cost_usd: costUsd, usage, ...message } = line;
			session.messages.push({ ...message, usage: usage && fromUsageRow(usage), costUsd });
			break;
		}
	}
	session.updatedAt = line.at;
}

/** What a reader of a session should know of its file at `path`; undefined when every line of it could be read. */
export function damageOf(path: string, { damaged, firstDamaged }: Session): string | undefined {
	if (firstDamaged === null) return undefined;
	const others =
		damaged === 1
			? "is no line of a session and is"
			: `and ${damaged - 1} more are no lines of a session and are`;
	return `${path}:${firstDamaged} ${others} left out`;
}
