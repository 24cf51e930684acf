import { UsageError } from "../../errors.ts";
import { didYouMean } from "../../state/nearest.ts";
import type { Chat } from "../chat.ts";
import { bindings, keyLabel } from "../input/key-bindings.ts";
import type { ChatCommand } from "./command.ts";
import { sessionCommands } from "./sessions.ts";
import { settingCommands } from "./settings.ts";
import { turnCommands } from "./turns.ts";

/** Every slash command, in the order of `/help`. */
export const chatCommands: readonly ChatCommand[] = [
	{ name: "help", summary: "show this", run: (chat) => chat.view.notice(helpText()) },
	...settingCommands,
	...turnCommands,
	...sessionCommands,
	{
		name: "quit",
		aliases: ["bye", "exit"],
		summary: "leave (so do exit, quit and /bye)",
		run: (chat) => chat.view.leave(),
	},
];

const byName = new Map(
	chatCommands.flatMap((command) =>
		[command.name, ...(command.aliases ?? [])].map((name) => [name, command] as const),
	),
);

/** What a line of input is. */
export type ParsedInput =
	| { readonly kind: "empty" }
	| { readonly kind: "text"; readonly text: string }
	| { readonly kind: "command"; readonly command: ChatCommand; readonly argument: string }
	| { readonly kind: "unknown"; readonly name: string };

/**
 * Reads a line. `/word` alone must be a command; with more behind it, a word that is none is text, for a question may
 * begin with a path: `/etc/hosts is…`. A space in front makes anything text.
 */
function readInput(text: string): ParsedInput {
	const trimmed = text.trim();
	if (trimmed === "") return { kind: "empty" };
	if (/^(exit|quit)$/i.test(trimmed)) return { kind: "command", command: commandNamed("quit"), argument: "" };
	const found = /^\/([a-z]+)(?:\s+(.*))?$/is.exec(text.trimEnd());
	const command = byName.get((found?.[1] ?? "").toLowerCase());
	if (found && command) return { kind: "command", command, argument: (found[2] ?? "").trim() };
	if (/^\/[a-z][a-z-]*$/i.test(text.trimEnd())) return { kind: "unknown", name: trimmed.slice(1) };
	return { kind: "text", text };
}

/** Does what a line of input says. @throws LlmxError */
export async function submit(chat: Chat, text: string): Promise<void> {
	const input = readInput(text);
	if (chat.choosing && /^\s*[12]?\s*$/.test(text)) {
		chat.choose(text.trim() === "2" ? 1 : 0);
		return;
	}
	switch (input.kind) {
		case "empty":
			return;
		case "text":
			return chat.ask(input.text);
		case "command": {
			const { name, argument } = input.command;
			if (argument === undefined && input.argument !== "") {
				throw new UsageError(`/${name} takes nothing behind it`, {
					hint: "a space in front of it sends the line as text",
				});
			}
			return input.command.run(chat, input.argument);
		}
		case "unknown":
			throw new UsageError(`there is no command /${input.name}`, {
				hint:
					didYouMean(
						`/${input.name}`,
						[...byName.keys()].map((name) => `/${name}`),
					) ?? "/help lists them",
			});
	}
}

/** Commands and keys, from the tables that drive them. */
function helpText(): string {
	const commands = chatCommands.map(({ name, argument, summary }) => ({
		left: `/${name}${argument === undefined ? "" : ` ${argument}`}`,
		right: summary,
	}));
	const keys = bindings.flatMap((binding) =>
		binding.does === undefined ? [] : [{ left: keyLabel(binding), right: binding.does }],
	);
	const width = Math.max(...[...commands, ...keys].map(({ left }) => left.length));
	const lines = (rows: typeof commands) => rows.map(({ left, right }) => `${left.padEnd(width)}  ${right}`);
	return [...lines(commands), "", ...lines(keys)].join("\n");
}

function commandNamed(name: string): ChatCommand {
	const command = byName.get(name);
	if (command === undefined) throw new TypeError(`no command ${name}`);
	return command;
}
