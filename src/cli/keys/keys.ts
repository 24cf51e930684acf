import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { configuredRows, type ProviderRow, providerRows } from "../../index.ts";
import { loadConfig } from "../../state/config.ts";
import { maskKey, readStoredKeys, removeKey, storeKey } from "../../state/keys.ts";
import { didYouMean } from "../../state/nearest.ts";
import { resolvePaths } from "../../state/paths.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import { providerStates } from "../provider-state.ts";
import { readSecret } from "../secret.ts";
import { renderTextTable } from "../text-table.ts";

const examples = `
A key in the environment (OPENAI_API_KEY, or several in OPENAI_KEYS=a,b) wins over a stored one.
Stored keys are in a file that only you can read. Keys are never taken from the command line, where others could
see them.

Examples:
  llmx keys set sambanova               type or paste the key; it is not shown
  pass show sambanova | llmx keys set sambanova
  llmx keys list`;

/** Adds the subcommands of `keys`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command.description("Show, store and remove the keys of providers.").addHelpText("after", examples);
	command
		.command("list", { isDefault: true })
		.description("keys that would be used: where they come from, their last four characters, the base URL")
		.option("-a, --all", "also providers without a key")
		.option("--json", "print one JSON array")
		.action((flags: ListFlags) => finish(listKeys(flags, context)));
	command
		.command("set")
		.description("store a provider's key, typed without echo or piped in")
		.argument("<provider>", "provider, as in its models' prefix")
		.allowExcessArguments()
		.action(async (provider: string, _flags: object, { args }: Command) => {
			finish(await setKey(provider, args.slice(1), context));
		});
	command
		.command("rm")
		.description("remove a provider's stored key")
		.argument("<provider>", "provider, as in its models' prefix")
		.action((provider: string) => finish(forgetKey(provider, context)));
}

interface ListFlags {
	readonly all?: boolean;
	readonly json?: boolean;
}

function listKeys(flags: ListFlags, { io }: CommandContext): number {
	const found = providerStates(io).filter(
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
	if (extra.length > 0) {
		throw new UsageError(
			"a key does not go on the command line, where other users and your shell history can see it",
			{
				hint: `run "llmx keys set ${provider.id}" and type it, or pipe it in; if it was a real key, replace it`,
			},
		);
	}
	const paths = resolvePaths(io.env);
	storeKey(paths.keys, provider.id, await readSecret(io, `key for ${provider.label}: `));
	const shown = readStoredKeys(paths.keys)[provider.id]?.map(maskKey).join(" ");
	io.stderr.write(`llmx: stored the key ${shown} for ${provider.label} in ${sanitizeLine(paths.keys)}\n`);
	const shadow = [...provider.keyListEnv, ...provider.keyEnv].find((variable) => io.env[variable]?.trim());
	if (shadow !== undefined) io.stderr.write(`llmx: ${shadow} is set and wins over the stored key\n`);
	return 0;
}

function forgetKey(name: string, context: CommandContext): number {
	const { io } = context;
	const provider = findRow(name, context);
	if (!removeKey(resolvePaths(io.env).keys, provider.id)) {
		throw new UsageError(`no key is stored for ${provider.label}`, {
			hint: "see what there is with: llmx keys list",
		});
	}
	io.stderr.write(`llmx: removed the key for ${provider.label}\n`);
	return 0;
}

/** A provider by its id or one of its prefixes, with or without the slash. */
function findRow(name: string, { io }: CommandContext): ProviderRow {
	const all = providerRows(configuredRows(loadConfig(resolvePaths(io.env).config).providers));
	const wanted = name.toLowerCase().replace(/\/$/, "");
	const row = all.find(({ id, prefixes }) => id === wanted || prefixes.includes(wanted));
	if (row !== undefined) return row;
	const known = all.flatMap(({ id, prefixes }) => [id, ...prefixes]);
	throw new UsageError(`there is no provider "${name.slice(0, 100)}"`, {
		hint: didYouMean(wanted, known) ?? `providers: ${all.map(({ id }) => id).join(", ")}`,
	});
}
