import type { Chat } from "../chat.ts";

/** What Tab completes behind a command. */
export type Completes = "model" | "path" | "session" | "preset" | "block" | readonly string[];

export const commandGroups = ["ask", "go back", "model", "session", "take along"] as const;

/** One slash command: help, completion and dispatch are made from it. */
export interface ChatCommand {
	readonly name: string;
	/** Other names, without a line of their own in help. */
	readonly aliases?: readonly string[];
	/** What stands behind the name: `NAME`, `[text]`, … */
	readonly argument?: string;
	readonly summary: string;
	/** Its place in `/help`; commands without one stand in no list. */
	readonly group?: (typeof commandGroups)[number];
	readonly completes?: Completes;
	/** It only tells something: it runs while an answer streams. */
	readonly whileAnswering?: boolean;
	/** `argument` is trimmed; empty when there is none. @throws LlmxError */
	run(chat: Chat, argument: string): void | Promise<void>;
}
