import type { Command } from "commander";
import { exitCodes, UsageError } from "../../errors.ts";
import { type ProviderRow, providerRows } from "../../index.ts";
import { maskKey, readStoredKeys, removeKey, storeKey } from "../../state/keys.ts";
import { didYouMean } from "../../state/nearest.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import { agreeToDelete } from "../confirm.ts";
import { providerStates } from "../provider-state.ts";
import { readSecret } from "../secret.ts";
import { renderTextTable } from "../text-table.ts";

const examples = `
A key in the environment (OPENAI_API_KEY, or several in OPENAI_KEYS=a,b) wins over a stored one.
Stored keys are kept in a file that only you can read. Keys are never taken from the command line, where others
could see them.

Examples:
  llmx keys set sambanova               type or paste the key at a hidden prompt
  pass show sambanova | llmx keys set sambanova
  llmx keys list`;

/** Adds the subcommands of `keys`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command.description("Show, store and remove API keys.").addHelpText("after", examples);
	command
		.command("list", { isDefault: true })
		.description("list the keys in use, with their source and last four characters, and base URLs")
		.option("-a, --all", "include providers without a key")
		.option("--json", "print one JSON array")
		.action((flags: ListFlags) => finish(listKeys(flags, context)));
	command
		.command("set")
		.description("store a provider's key, typed at a hidden prompt or piped in")
		.argument("<provider>", "prefix of its models, such as openai")
		.allowExcessArguments()
		.action(async (provider: string, _flags: object, { args }: Command) => {
			finish(await setKey(provider, args.slice(1), context));
		});
	command
		.command("rm")
		.description("remove a provider's stored key")
		.argument("<provider>", "prefix of its models, such as openai")
		.option("-y, --yes", "do not ask")
		.action(async (provider: string, flags: { readonly yes?: boolean }) =>
			finish(await forgetKey(provider, flags, context)),
		);
}

interface ListFlags {
	readonly all?: boolean;
	readonly json?: boolean;
}

function listKeys(flags: ListFlags, { io, settings }: CommandContext): number {
	const found = providerStates(settings).filter(
		({ provider, keys, problem }) =>
			provider.id !== "sim" && (flags.all || keys.length > 0 || problem !== null),
	);
	if (flags.json) {
		const rows = found.map(({ provider, keys, baseUrl, problem }) => ({
			provider: provider.id,
			source: keys[0]?.source ?? null,
			keys: keys.map(({ value }) => maskKey(value)),
			base_url: baseUrl,
			key_required: provider.keyRequired,
			problem,
		}));
		io.stdout.write(`${escapeJson(JSON.stringify(rows))}\n`);
		return 0;
	}
	if (found.length === 0) {
		io.stderr.write(
			"llmx: no keys yet\n  store one: llmx keys set PROVIDER, or set a variable such as OPENAI_API_KEY\n  or try it offline without one: llmx ask -m sim/echo hello\n",
		);
		return 0;
	}
	const rows = found.map(({ provider, keys, baseUrl, problem }) => [
		provider.id,
		keys[0]?.source ?? (provider.keyRequired ? `none (${provider.keyEnv[0]})` : "not needed"),
		keys.map(({ value }) => maskKey(value)).join(" "),
		sanitizeLine(problem ?? baseUrl),
	]);
	const columns = [
		{ title: "provider" },
		{ title: "source" },
		{ title: "key" },
		{ title: "base URL", flexible: true },
	];
	const width = io.stdout.isTTY ? io.stdout.columns : undefined;
	io.stdout.write(renderTextTable(columns, rows, { width, colors: colorsFor(io, "stdout") }));
	return 0;
}

async function setKey(name: string, extra: readonly string[], context: CommandContext): Promise<number> {
	const { io } = context;
	const provider = findRow(name, context);
	if (extra.length > 0)
		throw new UsageError(
			"keys are not taken from the command line, where other users and your shell history can see them",
			{
				hint: `run "llmx keys set ${provider.id}" and type it, or pipe it in; if it was a real key, replace it`,
			},
		);
	const { paths } = context.settings;
	storeKey(paths.keys, provider.id, await readSecret(io, `key for ${provider.label}: `));
	const shown = readStoredKeys(paths.keys)[provider.id]?.map(maskKey).join(" ");
	io.stderr.write(`llmx: stored the key ${shown} for ${provider.label} in ${sanitizeLine(paths.keys)}\n`);
	const shadow = [...provider.keyListEnv, ...provider.keyEnv].find((variable) => io.env[variable]?.trim());
	if (shadow !== undefined) io.stderr.write(`llmx: ${shadow} is set and wins over the stored key\n`);
	return 0;
}

async function forgetKey(
	name: string,
	flags: { readonly yes?: boolean },
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	const { keys } = context.settings.paths;
	const provider = findRow(name, context);
	const isStored = (readStoredKeys(keys)[provider.id]?.length ?? 0) > 0;
	const question = `remove the key for ${provider.label}? llmx cannot show it again`;
	if (isStored && !(await agreeToDelete(io, flags.yes, question))) return exitCodes.usage;
	if (!removeKey(keys, provider.id))
		throw new UsageError(`no key is stored for ${provider.label}`, {
			hint: "list stored keys with: llmx keys list",
		});
	io.stderr.write(`llmx: removed the key for ${provider.label}\n`);
	return 0;
}

/** A provider by its id or one of its prefixes, with or without the slash. */
function findRow(name: string, { settings }: CommandContext): ProviderRow {
	const all = providerRows(settings.providers);
	const wanted = name.toLowerCase().replace(/\/$/, "");
	const row = all.find(({ id, prefixes }) => id === wanted || prefixes.includes(wanted));
	if (row !== undefined) return row;
	const known = all.flatMap(({ id, prefixes }) => [id, ...prefixes]);
	throw new UsageError(`unknown provider "${name.slice(0, 100)}"`, {
		hint: didYouMean(wanted, known) ?? `providers: ${all.map(({ id }) => id).join(", ")}`,
	});
}
