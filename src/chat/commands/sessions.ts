import { writeFile } from "node:fs/promises";
import { UsageError } from "../../errors.ts";
import { describeFileError } from "../../state/file-errors.ts";
import {
	beginSession,
	forkSession,
	readSession,
	sessionNames,
	titleOf,
} from "../../state/sessions/sessions.ts";
import { formatAge } from "../../terminal/formats.ts";
import type { Chat } from "../chat.ts";
import { exportSession } from "../export.ts";
import { resolvePath } from "../input/spelled-paths.ts";
import { pickSession } from "../pickers.ts";
import { loadSession, openOptions, renameOpenSession } from "../switching.ts";
import type { ChatCommand } from "./command.ts";

const listed = 20;

/** Commands about what is kept. */
export const sessionCommands: readonly ChatCommand[] = [
	{
		name: "new",
		summary: "start a new session",
		group: "session",
		run: beginAnew,
	},
	{
		name: "clear",
		summary: "clear the screen and start a new session",
		group: "session",
		async run(chat) {
			const before = chat.session.turns.length > 0 ? chat.session.session.name : undefined;
			chat.view.clear();
			await beginAnew(chat);
			if (before !== undefined) chat.view.notice(`${before} is saved · /load ${before} brings it back`);
		},
	},
	{
		name: "load",
		aliases: ["resume"],
		argument: "[NAME]",
		summary: "choose a session to continue",
		group: "session",
		completes: "session",
		async run(chat, name) {
			if (name === "") chat.view.pick(pickSession(chat));
			else await loadSession(chat, name);
		},
	},
	{
		name: "sessions",
		summary: "list the sessions",
		group: "session",
		whileAnswering: true,
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
		name: "save",
		aliases: ["rename"],
		argument: "NAME",
		summary: "give this session a name",
		group: "session",
		async run(chat, name) {
			if (name === "") throw new UsageError("save under which name?", { hint: "/save NAME" });
			await renameOpenSession(chat, name);
		},
	},
	{
		name: "fork",
		summary: "continue in a copy of this session",
		group: "session",
		async run(chat) {
			const before = chat.session.session.name;
			await chat.switchTo(await forkSession(chat.host.paths, before, openOptions(chat)));
			chat.view.notice(`this session is now ${chat.session.session.name}; ${before} stays as it is`);
		},
	},
	{
		name: "export",
		argument: "[md|json] PATH",
		summary: "write this session to a file",
		group: "session",
		completes: "path",
		whileAnswering: true,
		async run(chat, argument) {
			const [, format, path = ""] = /^(?:(md|json)(?:\s+|$))?(.*)$/s.exec(argument) ?? [];
			if (path === "") throw new UsageError("export to which file?", { hint: "/export notes.md" });
			const kind = format === "json" || (format === undefined && path.endsWith(".json")) ? "json" : "md";
			const file = resolvePath(path, chat.host.folder);
			try {
				await writeFile(file, exportSession(chat.session.session, kind), { flag: "wx" });
			} catch (error) {
				const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT";
				const reason = isMissing ? "there is no such folder" : describeFileError(error);
				throw new UsageError(`cannot write ${path}: ${reason}`, { cause: error });
			}
			chat.view.notice(`wrote ${file}`);
		},
	},
];

async function beginAnew(chat: Chat): Promise<void> {
	await chat.switchTo(await beginSession(chat.host.paths, openOptions(chat)));
	chat.view.notice(`new session: ${chat.session.session.name}`);
}
