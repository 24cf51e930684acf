import type { Message, Parameters, Usage } from "../types.ts";

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

/** What holds for a session until it is changed. */
export interface SessionSettings {
	readonly title?: string | undefined;
	readonly model?: string | undefined;
	readonly system?: string | null | undefined;
	readonly parameters?: Parameters | undefined;
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
	readonly messages: readonly SessionMessage[];
	/** Lines that could not be read. */
	readonly damaged: number;
}

/** One line of a session's file. The history is what the lines, taken in order, make of it. */
export type SessionLine =
	| { type: "start"; at: string; folder: string; forked_from: string | null }
	| ({ type: "set"; at: string } & SessionSettings)
	| { type: "keep"; at: string; messages: number }
	| {
			type: "message";
			at: string;
			role: Message["role"];
			content: Message["content"];
			model?: string | undefined;
			usage?: Usage | null | undefined;
			cost_usd?: number | null | undefined;
			cached?: boolean | undefined;
			interrupted?: boolean | undefined;
	  };

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
		lines.push({ type: "set", at, title, model, system, parameters });
	}
	return [...lines, ...messages.map(lineOf)];
}

/** The line that adds a message. */
export function lineOf({ costUsd, ...message }: SessionMessage): SessionLine {
	return { type: "message", ...message, cost_usd: costUsd };
}

/** The session that the text of a file tells; lines that cannot be read are counted. */
export function replay(name: string, text: string): StoredSession {
	const session: StoredSession = {
		name,
		createdAt: "",
		updatedAt: "",
		folder: "",
		forkedFrom: null,
		messages: [],
		damaged: 0,
	};
	for (const line of text.split("\n")) {
		if (line === "") continue;
		try {
			applyLine(session, JSON.parse(line) as SessionLine);
		} catch {
			session.damaged += 1;
		}
	}
	return session;
}

/** Takes a line into account; throws for one that is none. */
export function applyLine(session: StoredSession, line: SessionLine): void {
	switch (line.type) {
		case "start":
			session.createdAt = line.at;
			session.folder = line.folder;
			session.forkedFrom = line.forked_from;
			break;
		case "set": {
			const { type: _type, at: _at, ...settings } = line;
			Object.assign(session, settings);
			break;
		}
		case "keep":
			session.messages.length = Math.min(session.messages.length, line.messages);
			break;
		case "message": {
			const { type: _type, cost_usd: costUsd, ...message } = line;
			if (typeof message.role !== "string" || message.content === undefined)
				throw new TypeError("no message");
			session.messages.push({ ...message, costUsd });
			break;
		}
		default:
			throw new TypeError("unknown line");
	}
	session.updatedAt = line.at;
}
