/** What Tab offers: commands, models, sessions, settings, and paths of files. */

import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { readSession, sessionNames, titleOf } from "../../state/sessions/sessions.ts";
import { formatTokens, formatUsd } from "../../terminal/formats.ts";
import type { Chat } from "../chat.ts";
import { codeBlocks, describeBlock } from "../code-blocks.ts";
import type { Completes } from "../commands/command.ts";
import { chatCommands } from "../commands/table.ts";
import { typedText } from "../content.ts";
import type { KnownModel } from "../host.ts";
import { hasInOrder } from "../picker.ts";
import { noteOfModel } from "../pickers.ts";
import type { Candidate } from "./candidate.ts";
import { mentionable } from "./file-names.ts";
import { resolvePath } from "./spelled-paths.ts";

/** A range of the text and what may stand there instead. */
export interface Completion {
	readonly start: number;
	readonly end: number;
	readonly candidates: readonly Candidate[];
}

const candidateLimit = 200;
/** Reading the titles of all sessions of a year would be felt. */
const titledSessions = 50;

/** Offers for the place where the cursor stands; undefined when there are none. */
export function complete(text: string, cursor: number, chat: Chat): Completion | undefined {
	const before = text.slice(0, cursor);
	const command = /^\/([a-z][\w-]*)?$/i.exec(before);
	if (command) {
		const wanted = (command[1] ?? "").toLowerCase();
		const candidates = chatCommands
			.filter(({ name }) => name.startsWith(wanted))
			.map(({ name, argument, summary }) => ({
				text: `/${name}${argument === undefined ? "" : " "}`,
				note: argument === undefined ? summary : `${argument}: ${summary}`,
			}));
		const own = chat.host
			.presetNames()
			.filter((name) => name.toLowerCase().startsWith(wanted))
			.map((name) => ({ text: `/${name} `, note: "your own prompt" }));
		return offer(0, cursor, [...candidates, ...own]);
	}
	const argument = /^\/([a-z]+)\s+(?:.*\s)?(\S*)$/is.exec(before);
	const found = argument && chatCommands.find(({ name }) => name === argument[1]?.toLowerCase());
	if (found?.completes !== undefined) {
		const word = argument?.[2] ?? "";
		return offer(cursor - word.length, cursor, candidatesFor(found.completes, word, chat));
	}
	const mention = /(?:^|[\s(])@([^\s"]*)$/.exec(before)?.[1];
	if (mention !== undefined && !/^https?:/i.test(mention))
		return offer(cursor - mention.length, cursor, mentionable(mention, chat.host.folder));
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
	if (completes === "block") return blockCandidates(chat);
	const all =
		completes === "model"
			? chat.host.models().map(modelCandidate)
			: completes === "session"
				? sessionCandidates(chat)
				: completes === "preset"
					? chat.host.presetNames().map((text) => ({ text }))
					: completes.map((text) => ({ text }));
	const lower = word.toLowerCase();
	const starting = all.filter(({ text }) => text.toLowerCase().startsWith(lower));
	if (starting.length > 0) return starting;
	// Model names are long and prefixed: a part of one finds it too.
	return all.filter(({ text }) => hasInOrder(text.toLowerCase(), lower));
}

function modelCandidate(model: KnownModel): Candidate {
	const { name, inputPrice, outputPrice, contextWindow } = model;
	const facts = [
		inputPrice === null || outputPrice === null ? "" : `${formatUsd(inputPrice)}/${formatUsd(outputPrice)}`,
		contextWindow === null ? "" : formatTokens(contextWindow),
		noteOfModel(model),
	];
	return { text: name, note: facts.filter(Boolean).join(" · ") };
}

function sessionCandidates(chat: Chat): readonly Candidate[] {
	const { paths } = chat.host;
	return sessionNames(paths)
		.slice(0, titledSessions)
		.map((text) => {
			try {
				const session = readSession(paths, text);
				return { text, note: session && titleOf(session) };
			} catch {
				// A file that is not a session of ours.
				return { text };
			}
		});
}

function blockCandidates(chat: Chat): readonly Candidate[] {
	const last = chat.session.turns.at(-1);
	const blocks = last === undefined ? [] : codeBlocks(typedText(last.turn.assistant.content));
	return blocks.map((block, index) => ({ text: String(index + 1), note: describeBlock(block) }));
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
