import { existsSync } from "node:fs";
import { UsageError } from "../../errors.ts";
import { didYouMean, nearestNames } from "../../state/nearest.ts";
import type { Chat } from "../chat.ts";
import { droppedFiles } from "../mentions.ts";
import { attach, attachMentioned, attachmentCommands } from "./attachments.ts";
import type { ChatCommand } from "./command.ts";
import { helpText } from "./help.ts";
import { sessionCommands } from "./sessions.ts";
import { applyPreset, settingCommands } from "./settings.ts";
import { turnCommands } from "./turns.ts";

/** Every slash command, in the order of `/help`. */
export const chatCommands: readonly ChatCommand[] = [
	{
		name: "help",
		summary: "show this (/help keys: the keys)",
		argument: "[keys]",
		whileAnswering: true,
		run: (chat, argument) => chat.view.notice(helpText(chatCommands, argument, chat)),
	},
	...turnCommands,
	...settingCommands,
	...sessionCommands,
	...attachmentCommands,
	{
		name: "quit",
		aliases: ["bye", "exit"],
		summary: "leave (so do exit, quit and /bye)",
		whileAnswering: true,
		run: (chat) => chat.view.leave(),
	},
];

const byName = new Map(
	chatCommands.flatMap((command) =>
		[command.name, ...(command.aliases ?? [])].map((name) => [name, command] as const),
	),
);

/** What a line of input is. */
type Input =
	| { readonly kind: "empty" }
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "shell"; readonly command: string }
	| { readonly kind: "preset"; readonly name: string; readonly argument: string }
	| { readonly kind: "command"; readonly command: ChatCommand; readonly argument: string }
	| { readonly kind: "slip"; readonly name: string };

/** Where a command stands in front of its argument. */
const slash = /^\/([a-z][\w-]*)(?:\s+(.*))?$/is;

/**
 * Reads a line. `/word` must be a command, alone and, when it is near one, with an argument too: a slip would be paid
 * for. Anything else is text, for a question may begin with a path: `/etc/hosts is…`. A space in front makes anything
 * text.
 */
function readInput(text: string, chat: Chat): Input {
	const trimmed = text.trim();
	if (trimmed === "") return { kind: "empty" };
	if (/^(exit|quit)$/i.test(trimmed)) return { kind: "command", command: commandNamed("quit"), argument: "" };
	if (/^![^\s!]/.test(text)) return { kind: "shell", command: text.slice(1).trim() };
	const found = slash.exec(text.trimEnd());
	if (found === null)
		return isTwoCommands(text) ? { kind: "slip", name: trimmed.slice(1) } : { kind: "text", text };
	const [, name = "", rest = ""] = found;
	const command = byName.get(name.toLowerCase());
	if (command !== undefined) return { kind: "command", command, argument: rest.trim() };
	if (chat.host.presetNames().includes(name)) return { kind: "preset", name, argument: rest.trim() };
	if (rest === "") return { kind: "slip", name };
	const isPath = existsSync(`/${name}`);
	return !isPath && nearestNames(name, namesOf(chat), 1).length > 0
		? { kind: "slip", name }
		: { kind: "text", text };
}

/** `/cost/tokens`: a command was typed behind what stood in the box. */
function isTwoCommands(text: string): boolean {
	const [, first = "", second = ""] = /^\/([a-z]+)\/([a-z]+)\s*$/i.exec(text) ?? [];
	return byName.has(first.toLowerCase()) && byName.has(second.toLowerCase());
}

/** The command that was typed right behind a text that stood in the box, such as a question that has failed. */
export function commandBehind(suggested: string, content: string): string | undefined {
	if (suggested === "" || !content.startsWith(suggested)) return undefined;
	const typed = content.slice(suggested.length);
	return byName.has((slash.exec(typed)?.[1] ?? "").toLowerCase()) ? typed : undefined;
}

function namesOf(chat: Chat): string[] {
	return [...byName.keys(), ...chat.host.presetNames()];
}

/** Whether a line can be taken while an answer streams: it only tells something. */
export function runsAtOnce(text: string): boolean {
	const found = slash.exec(text.trimEnd());
	return byName.get((found?.[1] ?? "").toLowerCase())?.whileAnswering === true;
}

/** Does what a line of input says. @throws LlmxError */
export async function submit(chat: Chat, text: string): Promise<void> {
	if (chat.comparison.isOpen && /^\s*[12]?\s*$/.test(text)) {
		chat.comparison.choose(chat, text.trim() === "2" ? 1 : 0);
		return;
	}
	const input = readInput(text, chat);
	switch (input.kind) {
		case "empty":
			// Enter behind a command sends its output.
			if (chat.shell.last !== undefined) await chat.ask(`!${chat.shell.last}`);
			return;
		case "text":
			return askWithMentions(chat, input.text);
		case "shell":
			return chat.shell.run(chat, input.command);
		case "preset":
			return applyPreset(chat, input.name, input.argument);
		case "command": {
			const { name, argument } = input.command;
			if (argument === undefined && input.argument !== "")
				throw new UsageError(`/${name} takes no argument`, {
					hint: "to send the line as text, put a space in front of it",
				});
			return input.command.run(chat, input.argument);
		}
		case "slip": {
			const near = didYouMean(
				`/${input.name}`,
				namesOf(chat).map((name) => `/${name}`),
			);
			const hint = near ?? "/help lists the commands.";
			throw new UsageError(`there is no command /${input.name}`, {
				hint: `${hint} To send the line as text, put a space in front of it`,
			});
		}
	}
}

async function askWithMentions(chat: Chat, text: string): Promise<void> {
	const { folder } = chat.host;
	const dropped = droppedFiles(text, folder);
	if (dropped.length > 0) {
		await attach(chat, dropped);
		return;
	}
	await attachMentioned(chat, text);
	await chat.ask(text);
}

function commandNamed(name: string): ChatCommand {
	const command = byName.get(name);
	if (command === undefined) throw new TypeError(`no command ${name}`);
	return command;
}
