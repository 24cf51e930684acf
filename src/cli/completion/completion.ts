import { Argument, type Command, Option } from "commander";
import { UsageError } from "../../errors.ts";
import { allPrices, providerRows } from "../../index.ts";
import type { Settings } from "../../models/settings.ts";
import type { Config } from "../../state/config.ts";
import { sessionNames } from "../../state/sessions/sessions.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { bashScript, fishScript, zshScript } from "./scripts.ts";
import { completionTree } from "./tree.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const examples = `
Add one of these to your shell's startup file:
  ~/.bashrc                    eval "$(llmx completion bash)"
  ~/.zshrc, after compinit     source <(llmx completion zsh)
  ~/.config/fish/config.fish   llmx completion fish | source`;

interface CompletionFlags {
	readonly names?: NameKind;
}

const nameKinds = ["models", "sessions", "presets", "providers"] as const;
type NameKind = (typeof nameKinds)[number];

/** Adds the argument and the action of `completion`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Print a shell script that completes commands, options, models, sessions and files.")
		.addArgument(new Argument("[shell]", "bash, zsh or fish").choices(Object.keys(scripts)))
		.addOption(
			new Option("--names <kind>", "print the names that a script completes").choices(nameKinds).hideHelp(),
		)
		.addHelpText("after", examples)
		.action(async (shell: keyof typeof scripts | undefined, flags: CompletionFlags) => {
			const { io } = context;
			if (flags.names !== undefined) {
				for (const name of namesOf(flags.names, context)) io.stdout.write(`${sanitizeLine(name)}\n`);
			} else if (shell !== undefined) io.stdout.write(scripts[shell](await completionTree(context)));
			else throw new UsageError("which shell?", { hint: "llmx completion bash, zsh or fish" });
			finish(0);
		});
}

/** Names to complete. With a broken config, what does not depend on it is completed: a key press is not a place for an error. */
function namesOf(kind: NameKind, { settings }: CommandContext): Iterable<string> {
	let known: Pick<Config, "aliases" | "presets"> & Pick<Settings, "providers">;
	try {
		known = { ...settings.config, providers: settings.providers };
	} catch {
		known = { aliases: {}, presets: {}, providers: [] };
	}
	switch (kind) {
		case "models":
			return new Set([...Object.keys(known.aliases), "sim/echo", ...pricedModels()]);
		case "sessions":
			return sessionNames(settings.paths);
		case "presets":
			return Object.keys(known.presets);
		case "providers":
			return providerRows(known.providers).map(({ id }) => id);
	}
}

function* pricedModels(): Iterable<string> {
	const rows = new Map(providerRows().map((row) => [row.id, row]));
	for (const { provider, model } of allPrices()) {
		const row = rows.get(provider);
		if (row !== undefined) yield row.bareNames?.test(model) ? model : `${row.prefixes[0]}/${model}`;
	}
}
