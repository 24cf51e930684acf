import type { Command } from "commander";
import type { Settings } from "../models/settings.ts";
import type { Io } from "./io.ts";

/** What every command gets from main. */
export interface CommandContext {
	readonly io: Io;
	/** `--debug`: stacks, notes and retries on stderr. */
	readonly debug: boolean;
	/** The command line as it was given, without the program's name. */
	readonly argv: readonly string[];
	/** Config, providers and stored keys; each file is read once, and only if a command asks for it. */
	readonly settings: Settings;
	/** Every command, for the one that describes them all (completion). */
	readonly commands: CommandTable;
	/** Makes the exit code 1 where it would be 0: something that was said went wrong besides the command's own work. */
	failAtEnd(): void;
}

/**
 * A command's module exports `define`: it adds arguments, options, examples and an action to an empty Command.
 * The action returns the exit code by calling `finish`; failures are thrown.
 */
export interface CommandModule {
	define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void;
}

/** One row of the command table: what the overview says, and where the rest is. */
export interface CommandEntry {
	readonly summary: string;
	load(): Promise<CommandModule>;
}

/** Commands by name, in the order of the overview. */
export type CommandTable = Readonly<Record<string, CommandEntry>>;
