/** What Tab offers: commands, models, sessions, settings, and paths of files. */

import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { sessionNames } from "../../state/sessions.ts";
import type { Chat } from "../chat.ts";
import type { Completes } from "../commands/command.ts";
import { chatCommands } from "../commands/table.ts";
import { resolvePath } from "../content.ts";

/** A range of the text and what may stand there instead. */
export interface Completion {
	readonly start: number;
	readonly end: number;
	readonly candidates: readonly Candidate[];
}

export interface Candidate {
	readonly text: string;
	/** Shown beside it. */
	readonly note?: string | undefined;
}

const candidateLimit = 200;

/** Offers for the place where the cursor stands; undefined when there are none. */
export function complete(text: string, cursor: number, chat: Chat): Completion | undefined {
	const before = text.slice(0, cursor);
	const command = /^\/([a-z]*)$/i.exec(before);
	if (command) {
		const wanted = (command[1] ?? "").toLowerCase();
		const candidates = chatCommands
			.filter(({ name }) => name.startsWith(wanted))
			.map(({ name, argument, summary }) => ({
				text: `/${name}${argument === undefined ? "" : " "}`,
				note: argument === undefined ? summary : `${argument}: ${summary}`,
			}));
		return offer(0, cursor, candidates);
	}
	const argument = /^\/([a-z]+)\s+(?:.*\s)?(\S*)$/is.exec(before);
	const found = argument && chatCommands.find(({ name }) => name === argument[1]?.toLowerCase());
	if (found?.completes !== undefined) {
		const word = argument?.[2] ?? "";
		return offer(cursor - word.length, cursor, candidatesFor(found.completes, word, chat));
	}
	const path = /(?:^|\s)((?:~|\.{1,2})?\/\S*)$/.exec(before)?.[1];
	if (path === undefined || (path === before && !path.includes("/", 1))) return undefined;
	return offer(cursor - path.length, cursor, paths(path, chat.host.folder));
}

/** The longest beginning that all candidates share. */
export function sharedPrefix(candidates: readonly Candidate[]): string {
	const [first, ...others] = candidates.map(({ text }) => text);
	let shared = first ?? "";
	for (const other of others) {
		let length = 0;
		while (length < shared.length && shared[length] === other[length]) length += 1;
		shared = shared.slice(0, length);
	}
	return shared;
}

function candidatesFor(completes: Completes, word: string, chat: Chat): readonly Candidate[] {
	if (completes === "path") return paths(word, chat.host.folder);
	const names =
		completes === "model"
			? chat.host.modelNames()
			: completes === "session"
				? sessionNames(chat.host.paths)
				: completes;
	const lower = word.toLowerCase();
	const starting = names.filter((name) => name.toLowerCase().startsWith(lower));
	// Model names are long and prefixed: a part of one finds it too.
	const containing = starting.length > 0 ? [] : names.filter((name) => name.toLowerCase().includes(lower));
	return [...starting, ...containing].map((name) => ({ text: name }));
}

function paths(word: string, folder: string): readonly Candidate[] {
	const slash = word.lastIndexOf("/");
	const parent = word.slice(0, slash + 1);
	const beginning = word.slice(slash + 1);
	let entries: import("node:fs").Dirent[];
	try {
		entries = readdirSync(parent === "" ? folder : dirname(resolvePath(`${parent}x`, folder)), {
			withFileTypes: true,
		});
	} catch {
		return [];
	}
	return entries
		.filter(({ name }) => name.startsWith(beginning) && (beginning !== "" || !name.startsWith(".")))
		.map((entry) => ({ text: parent + entry.name + (entry.isDirectory() ? "/" : "") }))
		.sort((a, b) => (a.text < b.text ? -1 : 1));
}

function offer(start: number, end: number, candidates: readonly Candidate[]): Completion | undefined {
	return candidates.length === 0
		? undefined
		: { start, end, candidates: candidates.slice(0, candidateLimit) };
}
