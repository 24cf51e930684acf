import { existsSync } from "node:fs";
import type { Command } from "commander";
import { exitCodes, LlmxError } from "../../errors.ts";
import {
	chooseModel,
	findPrice,
	type ModelRoute,
	proxyTo,
	ResponseCache,
	requireKeys,
	route,
} from "../../index.ts";
import type { Settings } from "../../models/settings.ts";
import { resolveAlias } from "../../state/aliases.ts";
import type { Config } from "../../state/config.ts";
import { maskKey } from "../../state/keys.ts";
import { scanLedger } from "../../state/ledger.ts";
import type { Paths } from "../../state/paths.ts";
import { sessionNames } from "../../state/sessions/sessions.ts";
import { formatBytes, formatCount, formatPlural, formatUsd } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import { checkBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import type { StartupCacheState } from "../io.ts";
import { providerStates } from "../provider-state.ts";
import { version } from "../version.ts";
import type { Finding } from "./finding.ts";
import { examineFolders } from "./folders.ts";

/** Columns in front of what is found: its mark and its name. */
const findingIndent = 17;

/** Adds the options and the action of `doctor`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description(
			"Check the setup: which model, key, base URL and files llmx would use, and why. Nothing is sent.",
		)
		.option("-m, --model <model>", "check this model instead of the default")
		.option("--json", "print one JSON array")
		.action(async (flags: DoctorFlags) => finish(await runDoctor(flags, context)));
}

interface DoctorFlags {
	readonly model?: string;
	readonly json?: boolean;
}

async function runDoctor(flags: DoctorFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const { paths } = context.settings;
	const findings: Finding[] = [];
	for await (const finding of examine(paths, flags, context)) findings.push(finding);
	if (flags.json) io.stdout.write(`${escapeJson(JSON.stringify(findings))}\n`);
	else {
		const colors = colorsFor(io, "stdout");
		const marks = { ok: colors.green("ok  "), note: colors.yellow("note"), problem: colors.red("BAD ") };
		const { flowText } = await import("../../terminal/markdown/flow.ts");
		const { isTTY, columns = 80 } = io.stdout;
		// On a terminal what is found is broken at spaces, beside its name.
		const width = isTTY ? columns - findingIndent : Number.POSITIVE_INFINITY;
		for (const { about, state, text, hint } of findings) {
			const [first = "", ...rest] = [text, ...(hint === undefined ? [] : [hint])].flatMap((part) =>
				flowText(sanitizeLine(part), { width }),
			);
			io.stdout.write(`${marks[state]}  ${about.padEnd(9)}  ${first}\n`);
			for (const line of rest) io.stdout.write(`${" ".repeat(findingIndent)}${line}\n`);
		}
	}
	return findings.some(({ state }) => state === "problem") ? exitCodes.failed : exitCodes.ok;
}

async function* examine(
	paths: Paths,
	flags: DoctorFlags,
	{ io, settings }: CommandContext,
): AsyncGenerator<Finding> {
	yield {
		about: "llmx",
		state: "ok",
		text: `${version} on Node ${process.versions.node}, ${process.platform} ${process.arch}`,
	};
	const config = attempt(() => settings.config);
	if ("problem" in config) yield { about: "config", ...config.problem };
	else
		yield {
			about: "config",
			state: "ok",
			text: existsSync(paths.config) ? paths.config : `${paths.config} (not there: defaults)`,
		};
	const stored = attempt(() => settings.storedKeys);
	if ("problem" in stored) yield { about: "keys", ...stored.problem };
	if ("problem" in config || "problem" in stored) return;
	yield* examineKeys(settings);
	yield* examineModel(flags.model, settings);
	yield* examineFolders(paths, process.platform);
	yield* examineState(paths, config.value);
	if (io.startupCache !== undefined) yield examineStartupCache(io.startupCache.describe());
}

/** Compiled code makes the program start in two thirds of the time. */
function examineStartupCache({ folder, loaded, found, notOurs }: StartupCacheState): Finding {
	const about = "start-up";
	if (notOurs !== undefined) {
		const text = `slower than it could be: others can write to ${notOurs}, or it is not yours`;
		return { about, state: "problem", text, hint: `run: rm -r ${notOurs}` };
	}
	if (found === loaded) return { about, state: "ok", text: `compiled code is in ${folder}` };
	return {
		about,
		state: "ok",
		text: `compiles ${loaded - found} of ${loaded} parts, and keeps them in ${folder}`,
	};
}

function* examineKeys(settings: Settings): Iterable<Finding> {
	const states = providerStates(settings);
	for (const { provider, problem } of states) {
		if (problem !== null) yield { about: "keys", state: "problem", text: `${provider.label}: ${problem}` };
	}
	const keyed = states.filter(({ keys }) => keys.length > 0);
	yield keyed.length > 0
		? {
				about: "keys",
				state: "ok",
				text: keyed.map(({ provider, keys }) => `${provider.id} (${keys[0]?.source})`).join(", "),
			}
		: { about: "keys", state: "note", text: "none", hint: "store one: llmx keys set PROVIDER" };
}

function* examineModel(
	flag: string | undefined,
	{ env, config, providers, storedKeys }: Settings,
): Iterable<Finding> {
	const choice = chooseModel({ flag, env, providers, storedKeys, configModel: config.defaultModel });
	if (choice === undefined) {
		const hint = "choose one: llmx config set default_model MODEL; without a key: llmx ask -m sim/echo hello";
		yield { about: "model", state: "problem", text: "none chosen, and no provider has a key", hint };
		return;
	}
	const model = resolveAlias(choice.model, config);
	const alias = model === choice.model ? "" : ` (alias ${choice.model})`;
	yield { about: "model", state: "ok", text: `${model}${alias}, ${choice.reason}` };
	const found = attempt(() => route(model, { env, providers, storedKeys }));
	if ("problem" in found) {
		yield { about: "provider", ...found.problem };
		return;
	}
	const { provider, modelId, servers, baseUrl, baseUrlSource } = found.value;
	const address = baseUrl === "" ? "in this process" : `at ${baseUrl} (${baseUrlSource})`;
	const where = servers.length > 1 ? `on ${servers.length} servers (${baseUrlSource})` : address;
	yield { about: "provider", state: "ok", text: `${provider.label} ${where}` };
	if (servers.length > 1) for (const server of servers) yield examineServer(server);
	yield* examineWay(baseUrl, provider.headers, env);
	const keys = attempt(() => requireKeys(found.value));
	if ("problem" in keys) yield { about: "key", ...keys.problem };
	else if (keys.value.length === 0) yield { about: "key", state: "ok", text: "none needed" };
	else
		yield {
			about: "key",
			state: "ok",
			text: `${keys.value[0]?.source}: ${keys.value.map(({ value }) => maskKey(value)).join(" ")}`,
		};
	const price = findPrice(provider.id, modelId);
	if (provider.local) yield { about: "price", state: "ok", text: "$0: a server of your own" };
	else if (price === null)
		yield { about: "price", state: "note", text: "unknown: costs will be shown as unknown" };
	else
		yield {
			about: "price",
			state: "ok",
			text: `${formatUsd(price.input)} in, ${formatUsd(price.output)} out per million tokens (${price.source}, ${price.date})`,
		};
}

function examineServer({ baseUrl, keys: [key] }: ModelRoute["servers"][number]): Finding {
	const text = key === undefined ? "no key" : `${key.source}: ${maskKey(key.value)}`;
	return { about: "server", state: "ok", text: `${baseUrl} (${text})` };
}

/** How requests get to the server, where that is not straight. */
function* examineWay(
	baseUrl: string,
	headers: Readonly<Record<string, string>>,
	env: CommandContext["io"]["env"],
): Iterable<Finding> {
	const proxy = proxyTo(baseUrl, env);
	if (proxy !== undefined)
		yield { about: "proxy", state: "ok", text: proxy ?? "none: NO_PROXY exempts the server" };
	const names = Object.keys(headers);
	if (names.length > 0)
		yield { about: "headers", state: "ok", text: `${names.join(", ")} (values are not shown)` };
}

async function* examineState(paths: Paths, config: Config): AsyncGenerator<Finding> {
	const { rows, damaged } = await scanLedger(paths.ledger, () => {});
	yield damaged === 0
		? { about: "ledger", state: "ok", text: formatPlural(rows, "call") }
		: {
				about: "ledger",
				state: "note",
				text: `${formatPlural(rows, "call")}, and ${formatPlural(damaged, "damaged line")} skipped`,
			};
	yield { about: "sessions", state: "ok", text: formatCount(sessionNames(paths).length) };
	try {
		const { warning } = await checkBudget(paths, config.budget);
		if (warning !== null) yield { about: "budget", state: "note", text: warning };
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		yield { about: "budget", state: "problem", text: error.message, hint: error.hint };
	}
	if (!config.cache.enabled) yield { about: "cache", state: "note", text: "switched off in the config" };
	else if (config.cache.url === undefined && !existsSync(paths.cache))
		yield { about: "cache", state: "ok", text: "empty" };
	else yield await examineCache(new ResponseCache(paths.cache, { url: config.cache.url }), config.cache.url);
}

/** `url`: of the server it is in; undefined for a file. */
async function examineCache(cache: ResponseCache, url: string | undefined): Promise<Finding> {
	const hint =
		url === undefined
			? "llmx cache clear makes a new one"
			: "check cache.url, and that it is reachable from here";
	try {
		const damage = await cache.findDamage();
		if (damage !== null) return { about: "cache", state: "problem", text: `damaged: ${damage}`, hint };
		const { entries, bytes } = await cache.statistics();
		return {
			about: "cache",
			state: "ok",
			text: `sound, ${formatPlural(entries, "answer")}, ${formatBytes(bytes)}`,
		};
	} catch (error) {
		const ownHint = error instanceof LlmxError && url !== undefined ? error.hint : undefined;
		return { about: "cache", state: "problem", text: (error as Error).message, hint: ownHint ?? hint };
	} finally {
		await cache.close();
	}
}

type Problem = Pick<Finding, "state" | "text" | "hint">;

function attempt<T>(action: () => T): { readonly value: T } | { readonly problem: Problem } {
	try {
		return { value: action() };
	} catch (error) {
		if (!(error instanceof LlmxError)) throw error;
		return { problem: { state: "problem", text: error.message, hint: error.hint } };
	}
}
