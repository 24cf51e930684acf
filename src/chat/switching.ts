/** Going over to other sessions, and saying where one is. */

import { UsageError } from "../errors.ts";
import type { Session } from "../state/sessions/session-lines.ts";
import {
	checkSessionName,
	openSession,
	readSession,
	renameSession,
	requireSession,
	titleOf,
} from "../state/sessions/sessions.ts";
import { formatAge, formatPlural } from "../terminal/formats.ts";
import type { Chat } from "./chat.ts";
import { shownTurns } from "./record.ts";

export const openOptions = ({ host }: Chat) => ({ folder: host.folder, now: host.now });

/** The title, age and model of the session that a chat goes on with. */
export function describeResumed(chat: Chat): string {
	const { session } = chat.session;
	const { forkedFrom } = chat.session.record.open;
	const age = formatAge(chat.host.now() - Date.parse(session.updatedAt));
	const forked =
		forkedFrom === null
			? ""
			: `\n${forkedFrom} is open in another process; this is a copy of it, ${session.name}`;
	const title = titleOf(session);
	const turns = formatPlural(chat.session.turns.length, "turn");
	return `continuing ${session.name}${title === "" ? "" : `: ${title}`} · ${turns} · ${age} · ${chat.model}${forked}`;
}

/** What to do with a session later. */
export function savedAs({ name }: Pick<Session, "name">): string {
	return `saved as ${name} · llmx chat -c continues it`;
}

/** `answer 2 of 3`, or where the conversation is now. */
export function describeAnswer({ session }: Chat): string {
	const last = session.turns.at(-1);
	if (last === undefined) return "this is the start of the conversation";
	const { number, count } = session.answersOf(last);
	const answer = count > 1 ? ` · answer ${number} of ${count}` : "";
	return `continuing from here: ${formatPlural(session.turns.length, "turn")}${answer}`;
}

/** Goes on with another session and shows its end. @throws UsageError when there is none of that name */
export async function loadSession(chat: Chat, name: string): Promise<void> {
	requireSession(chat.host.paths, name);
	if (name === chat.session.session.name) throw new UsageError(`this is the session ${name}`);
	await chat.switchTo(await openSession(chat.host.paths, name, openOptions(chat)));
	chat.view.resumed(shownTurns(chat.session.turns));
	chat.view.notice(describeResumed(chat));
}

/** A session cannot be renamed while it is open, so it is closed for a moment. */
export async function renameOpenSession(chat: Chat, name: string): Promise<void> {
	const { paths } = chat.host;
	const before = chat.session.session;
	checkSessionName(name);
	if (readSession(paths, name) !== undefined)
		throw new UsageError(`a session named "${name}" already exists`, { hint: "choose another name" });
	await chat.reopen(async () => {
		if (readSession(paths, before.name) !== undefined) await renameSession(paths, before.name, name);
		return openSession(paths, name, openOptions(chat));
	});
	chat.view.notice(`this session is now ${chat.session.session.name}`);
}
