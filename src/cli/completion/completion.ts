import { Argument, type Command, Option } from "commander";
import { UsageError } from "../../errors.ts";
import { allPrices, configuredRows, providerRows } from "../../index.ts";
import { type Config, loadConfig } from "../../state/config.ts";
import { resolvePaths } from "../../state/paths.ts";
import { sessionNames } from "../../state/sessions.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { bashScript, fishScript, zshScript } from "./scripts.ts";
import { completionTree } from "./tree.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

const examples = `
Put one of these where your shell starts:
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
		.description("Print a script that completes llmx's commands, options, models, sessions and files.")
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
			else throw new UsageError("for which shell?", { hint: "llmx completion bash, zsh or fish" });
			finish(0);
		});
}

/** Names to complete. A broken config completes what does not depend on it: a key press is no place for an error. */
function namesOf(kind: NameKind, { io }: CommandContext): Iterable<string> {
	const paths = resolvePaths(io.env);
	let config: Pick<Config, "aliases" | "presets" | "providers">;
	try {
		config = loadConfig(paths.config);
	} catch {
		config = { aliases: {}, presets: {}, providers: {} };
	}
	switch (kind) {
		case "models":
			return new Set([...Object.keys(config.aliases), "sim/echo", ...pricedModels()]);
		case "sessions":
			return sessionNames(paths);
		case "presets":
			return Object.keys(config.presets);
		case "providers":
			return providerRows(configuredRows(config.providers)).map(({ id }) => id);
	}
}

function* pricedModels(): Iterable<string> {
	const rows = new Map(providerRows().map((row) => [row.id, row]));
	for (const { provider, model } of allPrices()) {
		const row = rows.get(provider);
		if (row !== undefined) yield row.bareNames?.test(model) ? model : `${row.prefixes[0]}/${model}`;
	}
}
