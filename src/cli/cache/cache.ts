import type { Command } from "commander";
import { exitCodes, LlmxError } from "../../errors.ts";
import { ResponseCache } from "../../index.ts";
import { scanLedger } from "../../state/ledger.ts";
import { formatBytes, formatCount, formatPlural, formatUsd, roundUsd } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { agreeToDelete } from "../confirm.ts";
import { parseAge } from "../periods.ts";
import { renderFacts } from "../text-table.ts";

const examples = `
Examples:
  llmx cache stats
  llmx cache clear --older-than 30d
  llmx cache path`;

/** Adds the subcommands of `cache`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	const { io } = context;
	const { ledger } = context.settings.paths;
	command
		.description("Show or clear the response cache, which keeps you from paying twice for the same question.")
		.addHelpText("after", examples);
	command
		.command("stats", { isDefault: true })
		.description("show entries, size, hits and savings")
		.option("--json", "print one JSON object")
		.action(async (flags: { readonly json?: boolean }) =>
			finish(await printStatistics(ledger, flags, context)),
		);
	command
		.command("clear")
		.description("remove answers; asking again will cost again")
		.option("--older-than <age>", "only answers older than this: 12h, 30d, 2w", parseAge)
		.option("-y, --yes", "do not ask")
		.action(async (flags: { readonly olderThan?: number; readonly yes?: boolean }) =>
			finish(await clear(flags, context)),
		);
	command
		.command("path")
		.description("print where the cache is")
		.action(() => {
			io.stdout.write(`${sanitizeLine(cacheOf(context).path)}\n`);
			finish(0);
		});
}

async function printStatistics(
	ledger: string,
	flags: { readonly json?: boolean },
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	const { path } = cacheOf(context);
	const { entries, bytes } = await withCache(context, (cache) => cache.statistics());
	let hits = 0;
	let savedUsd = 0;
	let unknownHits = 0;
	await scanLedger(ledger, (row) => {
		if (!row.cached) return;
		hits += 1;
		if (row.saved_usd === null) unknownHits += 1;
		else savedUsd += row.saved_usd;
	});
	if (flags.json) {
		const saved = roundUsd(savedUsd);
		io.stdout.write(
			`${JSON.stringify({ path, entries, bytes, hits, saved_usd: saved, unknown_hits: unknownHits })}\n`,
		);
		return 0;
	}
	const unknown = unknownHits > 0 ? ` (and ${formatPlural(unknownHits, "hit")} of unknown price)` : "";
	io.stdout.write(
		renderFacts(
			[
				["answers", formatCount(entries)],
				["size", formatBytes(bytes)],
				["hits", formatCount(hits)],
				["saved", `${formatUsd(savedUsd)}${unknown}`],
				["path", sanitizeLine(path)],
			],
			io.stdout.isTTY ? io.stdout.columns : undefined,
		),
	);
	return 0;
}

async function clear(
	flags: { readonly olderThan?: number; readonly yes?: boolean },
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	// Every answer was paid for.
	if (!(await agreeToDelete(io, flags.yes, "delete the stored answers? asking them again costs money again")))
		return exitCodes.usage;
	const removed = await withCache(context, (cache) => cache.clear(flags.olderThan));
	io.stderr.write(
		removed === null
			? "llmx: the cache was damaged; it has been deleted\n"
			: `llmx: removed ${formatPlural(removed, "answer")}\n`,
	);
	return 0;
}

/** The cache of the config. */
function cacheOf({ settings }: CommandContext): ResponseCache {
	return new ResponseCache(settings.paths.cache, { url: settings.config.cache.url });
}

/** The commands about the cache, unlike those that use it, fail when it cannot be opened. */
async function withCache<T>(
	context: CommandContext,
	action: (cache: ResponseCache) => Promise<T>,
): Promise<T> {
	const cache = cacheOf(context);
	try {
		return await action(cache);
	} catch (error) {
		const isFile = context.settings.config.cache.url === undefined;
		throw new LlmxError(`the response cache ${cache.path} cannot be used: ${(error as Error).message}`, {
			hint: isFile
				? "if it is damaged, reset it with: llmx cache clear"
				: "check cache.url, and that its server is reachable from here",
			cause: error,
		});
	} finally {
		await cache.close();
	}
}
