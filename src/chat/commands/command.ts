import type { Chat } from "../chat.ts";

/** What Tab completes behind a command. */
export type Completes = "model" | "path" | "session" | readonly string[];

/** One slash command: help, completion and dispatch are made from it. */
export interface ChatCommand {
	readonly name: string;
	/** Other names, without a line of their own in help. */
	readonly aliases?: readonly string[];
	/** What stands behind the name: `NAME`, `[text]`, … */
	readonly argument?: string;
	readonly summary: string;
	readonly completes?: Completes;
	/** `argument` is trimmed; empty when there is none. @throws LlmxError */
	run(chat: Chat, argument: string): void | Promise<void>;
}
