import { writeFile } from "node:fs/promises";
import { UsageError } from "../../errors.ts";
import { describeFileError } from "../../state/file-errors.ts";
import {
	beginSession,
	checkSessionName,
	forkSession,
	openSession,
	readSession,
	renameSession,
	requireSession,
	sessionNames,
	titleOf,
} from "../../state/sessions.ts";
import { formatAge, formatPlural } from "../../terminal/formats.ts";
import type { Chat } from "../chat.ts";
import { resolvePath } from "../content.ts";
import { exportSession } from "../export.ts";
import { shownTurns } from "../record.ts";
import type { ChatCommand } from "./command.ts";

const listed = 20;

/** Commands about what is kept. */
export const sessionCommands: readonly ChatCommand[] = [
	{
		name: "clear",
		summary: "clear the screen and forget the conversation",
		run(chat) {
			chat.clear();
			chat.view.clear();
		},
	},
	{
		name: "new",
		summary: "begin a new session",
		async run(chat) {
			await chat.switchTo(await beginSession(chat.host.paths, openOptions(chat)));
			chat.view.notice(`new session: ${chat.record.session.name}`);
		},
	},
	{
		name: "save",
		argument: "NAME",
		summary: "keep this session under a name",
		async run(chat, name) {
			if (name === "") throw new UsageError("save under which name?", { hint: "/save NAME" });
			await rename(chat, name);
		},
	},
	{
		name: "load",
		argument: "NAME",
		summary: "go on with another session",
		completes: "session",
		async run(chat, name) {
			if (name === "") throw new UsageError("load which session?", { hint: "/sessions lists them" });
			requireSession(chat.host.paths, name);
			if (name === chat.record.session.name) throw new UsageError(`this is the session ${name}`);
			const open = await openSession(chat.host.paths, name, openOptions(chat));
			await chat.switchTo(open);
			chat.view.resumed(shownTurns(chat.turns));
			chat.view.notice(describeResumed(chat));
		},
	},
	{
		name: "sessions",
		summary: "list the sessions",
		run(chat) {
			const { paths } = chat.host;
			const names = sessionNames(paths);
			const lines = names.slice(0, listed).map((name) => {
				const session = readSession(paths, name);
				if (session === undefined) return name;
				const age = formatAge(chat.host.now() - Date.parse(session.updatedAt));
				return [name, titleOf(session), session.model, age].filter(Boolean).join(" · ");
			});
			if (names.length > listed) lines.push(`and ${names.length - listed} more: llmx sessions list`);
			chat.view.notice(lines.join("\n") || "there are no sessions yet");
		},
	},
	{
		name: "fork",
		summary: "go on in a copy of this session",
		async run(chat) {
			const before = chat.record.session.name;
			await chat.switchTo(await forkSession(chat.host.paths, before, openOptions(chat)));
			chat.view.notice(`this is ${chat.record.session.name} now; ${before} stays as it is`);
		},
	},
	{
		name: "rename",
		argument: "NAME",
		summary: "give this session another name",
		async run(chat, name) {
			if (name === "") throw new UsageError("rename to what?", { hint: "/rename NAME" });
			await rename(chat, name);
		},
	},
	{
		name: "export",
		argument: "[md|json] PATH",
		summary: "write this session to a file",
		completes: "path",
		async run(chat, argument) {
			const [, format, path = ""] = /^(?:(md|json)(?:\s+|$))?(.*)$/s.exec(argument) ?? [];
			if (path === "") throw new UsageError("export to which file?", { hint: "/export notes.md" });
			const kind = format === "json" || (format === undefined && path.endsWith(".json")) ? "json" : "md";
			const file = resolvePath(path, chat.host.folder);
			try {
				await writeFile(file, exportSession(chat.record.session, kind), { flag: "wx" });
			} catch (error) {
				const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
				const reason = isMissing ? "there is no such folder" : describeFileError(error);
				throw new UsageError(`cannot write ${path}: ${reason}`, { cause: error });
			}
			chat.view.notice(`written: ${file}`);
		},
	},
];

/** The title, age and model of the session that a chat goes on with. */
export function describeResumed(chat: Chat): string {
	const { session } = chat.record;
	const age = formatAge(chat.host.now() - Date.parse(session.updatedAt));
	const forked =
		chat.record.open.forkedFrom === null
			? ""
			: `\n${chat.record.open.forkedFrom} is open in another process: this is a copy of it, ${session.name}`;
	const title = titleOf(session);
	const turns = formatPlural(chat.turns.length, "turn");
	return `going on with ${session.name}${title === "" ? "" : `: ${title}`} · ${turns} · ${age} · ${chat.model}${forked}`;
}

const openOptions = ({ host }: Chat) => ({ folder: host.folder, now: host.now });

/** A session cannot be renamed while it is open, so it is closed for a moment. */
async function rename(chat: Chat, name: string): Promise<void> {
	const { paths } = chat.host;
	const before = chat.record.session;
	checkSessionName(name);
	if (readSession(paths, name) !== undefined) {
		throw new UsageError(`there is a session "${name}" already`, { hint: "choose another name" });
	}
	await chat.reopen(async () => {
		if (readSession(paths, before.name) !== undefined) await renameSession(paths, before.name, name);
		return openSession(paths, name, openOptions(chat));
	});
	chat.view.notice(`this session is ${chat.record.session.name} now`);
}
