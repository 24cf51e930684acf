import { type Argument, Command, type Option } from "commander";
import type { CommandContext } from "../command.ts";

/** What the words of an argument or an option's value are. */
export type WordKind =
	| { readonly kind: "choices"; readonly words: readonly string[] }
	| { readonly kind: "models" | "sessions" | "presets" | "providers" | "files" | "none" };

export interface CompletedOption {
	readonly flags: readonly string[];
	readonly description: string;
	/** What follows the option; undefined when nothing does. */
	readonly value: WordKind | undefined;
}

/** One command and what may follow it, ready to be written in any shell's language. */
export interface CompletedCommand {
	/** The words that lead here: `["sessions", "rm"]`. */
	readonly path: readonly string[];
	readonly description: string;
	readonly options: readonly CompletedOption[];
	readonly subcommands: readonly { readonly name: string; readonly description: string }[];
	readonly argument: WordKind;
}

/** Reads every command's own definition: completions cannot drift from what the commands take. */
export async function completionTree(context: CommandContext): Promise<CompletedCommand[]> {
	const program = new Command("llmx");
	for (const [name, entry] of Object.entries(context.commands)) {
		const command = program.command(name).description(entry.summary);
		(await entry.load()).define(command, context, () => {});
		command.description(entry.summary);
	}
	const tree: CompletedCommand[] = [];
	const visit = (command: Command, path: readonly string[]) => {
		const children = command.commands.filter((child) => !isHidden(child));
		tree.push({
			path,
			description: firstSentence(command.description()),
			options: [...command.options.filter((option) => !option.hidden).map(completedOption), ...everywhere],
			subcommands: children.map((child) => ({
				name: child.name(),
				description: firstSentence(child.description()),
			})),
			argument: command.registeredArguments[0] ? kindOf(command.registeredArguments[0]) : { kind: "none" },
		});
		for (const child of children) visit(child, [...path, child.name()]);
	};
	visit(program, []);
	return tree;
}

/** What main adds to every command. */
const everywhere: readonly CompletedOption[] = [
	{ flags: ["--debug"], description: "show stack traces, notes and retries", value: undefined },
	{ flags: ["-h", "--help"], description: "display help", value: undefined },
];

// commander keeps this to itself, but help needs it and it has not changed since version 7.
const isHidden = (command: Command) => (command as unknown as { _hidden?: boolean })._hidden === true;

function completedOption(option: Option): CompletedOption {
	const takesValue = option.required || option.optional;
	return {
		flags: [option.short, option.long].filter((flag) => flag !== undefined),
		description: option.description,
		value: takesValue ? kindOf(option) : undefined,
	};
}

/** What a value is follows from what its placeholder is called: `<model>`, `<path>`, `<session>`. */
function kindOf(taker: Option | Argument): WordKind {
	if (taker.argChoices) return { kind: "choices", words: taker.argChoices };
	const placeholder = "flags" in taker ? (/[<[]([^\]>]*)/.exec(taker.flags)?.[1] ?? "") : taker.name();
	if (/model/i.test(placeholder)) return { kind: "models" };
	if (/session/i.test(placeholder) || ("long" in taker && taker.long === "--session"))
		return { kind: "sessions" };
	if (/preset/i.test(placeholder) || ("long" in taker && taker.long === "--preset"))
		return { kind: "presets" };
	if (/provider/i.test(placeholder)) return { kind: "providers" };
	if (/file|path|dir|folder/i.test(placeholder)) return { kind: "files" };
	return { kind: "none" };
}

/** Shells show descriptions on one line. */
function firstSentence(text: string): string {
	return (text.split("\n")[0] ?? "").replace(/[.:].*$/, "");
}
