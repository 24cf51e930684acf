import type { LLMRuntime } from "../ask/runtime.ts";
import { UsageError } from "../errors.ts";
import { chooseModel, LLM, type LLMOptions, type Parameters } from "../index.ts";
import { parametersFor, resolveAlias } from "../state/aliases.ts";
import type { Config } from "../state/config.ts";
import { sanitizeLine } from "../terminal/sanitize.ts";
import type { CommandContext } from "./command.ts";
import { resolveModelName } from "./model-name.ts";

const dayMs = 86_400_000;

/** For someone who has just installed llmx. */
const firstSteps = `try it offline, without a key:  llmx ask -m sim/echo "hello"   or   llmx chat sim/echo
store a provider's key:         llmx keys set openai   (sambanova, anthropic, gemini, …)
name a model yourself:          llmx ask -m sambanova/gpt-oss-120b "hello"
see what would be used:         llmx doctor`;

/** A model to use, and what the config sets for it or for the alias it was named by. */
export interface ChosenModel {
	readonly model: string;
	readonly parameters: Parameters;
}

/** The model of those who name none, and why it is this one. */
export interface DefaultModel extends ChosenModel {
	/** `from LLMX_MODEL`, `the default of OpenAI, because …`. */
	readonly reason: string;
	/** Nobody chose it: it is the one of the first provider with a key. */
	readonly isDefault: boolean;
}

/** The model of LLMX_MODEL, the config, or the first provider with a key; undefined when there is none of these. */
export function defaultModel({ io, settings }: CommandContext): DefaultModel | undefined {
	const { config } = settings;
	const choice = chooseModel({
		env: io.env,
		configModel: config.defaultModel,
		// The others are read only where a key may be what chooses.
		get providers() {
			return settings.providers;
		},
		get storedKeys() {
			return settings.storedKeys;
		},
	});
	return choice && { ...choice, ...choose(choice.model, config) };
}

/** The models that names stand for, each once, as a batch takes them: aliases apart, a name is its model. */
export function aliasedModels(
	{ settings: { config } }: CommandContext,
	names: readonly string[],
): ChosenModel[] {
	const chosen = names.map((name) => choose(name, config));
	return [...new Map(chosen.map((one) => [one.model, one])).values()];
}

/**
 * The models to use: those of `-m` with aliases resolved, or the default one. One that nobody chose is named on
 * stderr.
 * @throws UsageError when there is none; NoRouteError for a name that nobody serves
 */
export async function chooseModels(
	context: CommandContext,
	flags: readonly string[],
	{ quiet = false }: { quiet?: boolean | undefined } = {},
): Promise<ChosenModel[]> {
	const { io, settings } = context;
	if (flags.length > 0) {
		const { config } = settings;
		const chosen = await Promise.all(
			flags.map(async (name) => ({
				model: await resolveModelName(settings, name),
				parameters: parametersFor(name, config),
			})),
		);
		return [...new Map(chosen.map((one) => [one.model, one])).values()];
	}
	const choice = defaultModel(context);
	if (choice === undefined)
		throw new UsageError("no model chosen, and no provider has a key", {
			hint: firstSteps,
		});
	const { model, parameters, reason, isDefault } = choice;
	if (isDefault && !quiet) io.stderr.write(`llmx: using ${sanitizeLine(model)}, ${reason}\n`);
	return [{ model, parameters }];
}

function choose(name: string, config: Config): ChosenModel {
	return { model: resolveAlias(name, config), parameters: parametersFor(name, config) };
}

/** An LLM whose warnings, retries and, with --debug, notes go to stderr. */
export function createLLM(
	{ io, debug, settings, failAtEnd }: CommandContext,
	model: string,
	options: LLMOptions & Pick<LLMRuntime, "onPacing" | "asksOnce"> & { quiet?: boolean | undefined },
): LLM {
	const { quiet, onPacing, asksOnce, ...rest } = options;
	const { cache } = settings.config;
	const say = (text: string) => void io.stderr.write(`llmx: ${sanitizeLine(text)}\n`);
	const llmOptions: LLMOptions = {
		env: io.env,
		cache: cache.enabled,
		cacheMaxAgeMs: cache.maxAgeDays === undefined ? undefined : cache.maxAgeDays * dayMs,
		cacheUrl: cache.url,
		onWarning: say,
		...(debug && { onNote: say }),
		...(!quiet && {
			onRetry: ({ reason, delayMs }) =>
				say(`${reason.replace(/\.$/, "")}; trying again in ${(delayMs / 1000).toFixed(1)} s`),
		}),
		...rest,
	};
	return new LLM(model, llmOptions, { settings, onLedgerLost: failAtEnd, onPacing, asksOnce });
}
