import { UsageError } from "../errors.ts";
import { chooseModel, configuredRows, LLM, type LLMOptions, type Parameters } from "../index.ts";
import { loadConfig } from "../state/config.ts";
import { readStoredKeys } from "../state/keys.ts";
import { resolvePaths } from "../state/paths.ts";
import { parametersFor, resolveAlias } from "../state/presets.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import type { CommandContext } from "./command.ts";

const DAY_MS = 86_400_000;

/** For somebody who has just installed llmx. */
const firstSteps = `try it offline, without a key:  llmx ask -m sim/echo "hello"   or   llmx chat sim/echo
store a provider's key:         llmx keys set openai   (sambanova, anthropic, gemini, …)
name a model yourself:          llmx ask -m sambanova/gpt-oss-120b "hello"
see what would be used:         llmx doctor`;

/** A model to use, and what the config sets for it or for the alias it was named by. */
export interface ChosenModel {
	readonly model: string;
	readonly parameters: Parameters;
}

/**
 * The models to use: those of `-m` with aliases resolved, or the one of LLMX_MODEL, the config or the first provider
 * with a key; the last is named on stderr, since nobody asked for it.
 * @throws UsageError when there is none; with `allowDefault` false the list is empty then
 */
export function chooseModels(
	{ io }: CommandContext,
	flags: readonly string[],
	{ allowDefault = true, quiet = false }: { allowDefault?: boolean; quiet?: boolean | undefined } = {},
): ChosenModel[] {
	const paths = resolvePaths(io.env);
	const config = loadConfig(paths.config);
	const choose = (name: string): ChosenModel => ({
		model: resolveAlias(name, config),
		parameters: parametersFor(name, config),
	});
	if (flags.length > 0)
		return [...new Map(flags.map(choose).map((chosen) => [chosen.model, chosen])).values()];
	const choice = chooseModel({
		env: io.env,
		configModel: config.defaultModel,
		providers: configuredRows(config.providers),
		storedKeys: readStoredKeys(paths.keys),
		allowDefault,
	});
	if (choice === undefined) {
		if (!allowDefault) return [];
		throw new UsageError("no model is chosen, and no provider has a key", {
			hint: firstSteps,
		});
	}
	if (choice.isDefault && !quiet)
		io.stderr.write(`llmx: using ${sanitizeLine(choice.model)}, ${choice.reason}\n`);
	return [choose(choice.model)];
}

/** An LLM whose warnings, retries and, with --debug, notes go to stderr. */
export function createLLM(
	{ io, debug, failAtEnd }: CommandContext,
	model: string,
	options: LLMOptions & { quiet?: boolean | undefined },
): LLM {
	const { quiet, ...rest } = options;
	const { cache } = loadConfig(resolvePaths(io.env).config);
	const say = (text: string) => void io.stderr.write(`llmx: ${sanitizeLine(text)}\n`);
	const settings: LLMOptions = {
		env: io.env,
		cache: cache.enabled,
		cacheMaxAgeMs: cache.maxAgeDays === undefined ? undefined : cache.maxAgeDays * DAY_MS,
		onWarning: say,
		...(debug && { onNote: say }),
		...(!quiet && {
			onRetry: ({ reason, delayMs }) =>
				say(`${reason.replace(/\.$/, "")}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
		}),
		...rest,
	};
	return new LLM(model, settings, { onLedgerLost: failAtEnd });
}
