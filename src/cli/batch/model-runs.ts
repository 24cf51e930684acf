import type { DividedLimits } from "../../ask/runtime.ts";
import type { ModelRun } from "../../batch/run.ts";
import { RunStats } from "../../batch/run-stats.ts";
import type { LLM, Parameters } from "../../index.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import { parametersFor, resolveAlias } from "../../state/aliases.ts";
import type { Config } from "../../state/config.ts";
import type { CommandContext } from "../command.ts";
import { aliasedModels, createLLM, type DefaultModel, defaultModel } from "../llms.ts";
import type { EstimatedModel } from "./cost.ts";
import type { BatchFlags } from "./flags.ts";

/** A model of a run with its own client. */
export interface ClientRun extends ModelRun {
	readonly llm: LLM;
}

export interface ModelRunsOptions {
	readonly context: CommandContext;
	readonly flags: BatchFlags;
	/** The model of the preset, for a run without `-m`. */
	readonly preferred: string | undefined;
	readonly config: Config;
	/** What ledger rows say they were for. */
	readonly label: string | undefined;
	readonly log: (text: string) => void;
	/** Hears of the limits of each model. */
	readonly onPacing: (limits: DividedLimits) => void;
}

/** The models of a run: those that were named or the default one, and those that rows name. */
export class ModelRuns {
	readonly #options: ModelRunsOptions;
	readonly #runs = new Map<string, ClientRun>();
	/** What the config sets for those that were named. */
	readonly #parameters: ReadonlyMap<string, Parameters>;
	/** The models of rows that name none. */
	readonly names: readonly string[];
	/** The one that was taken because none was named. */
	readonly byDefault: DefaultModel | undefined;

	/** @throws UsageError or ConfigError when what is named or configured cannot be used */
	constructor(options: ModelRunsOptions) {
		const { context, flags, preferred } = options;
		this.#options = options;
		const named = flags.model ?? (preferred === undefined ? [] : [preferred]);
		this.byDefault = named.length > 0 ? undefined : defaultModel(context);
		const chosen = named.length > 0 ? aliasedModels(context, named) : [this.byDefault ?? []].flat();
		this.names = chosen.map(({ model }) => model);
		this.#parameters = new Map(chosen.map(({ model, parameters }) => [model, parameters]));
	}

	/** The run of a model as rows and flags name it. Throws NoRouteError when no provider serves it. */
	of(model: string): ClientRun {
		let run = this.#runs.get(model);
		if (run === undefined) {
			run = this.#start(model);
			this.#runs.set(model, run);
		}
		return run;
	}

	/** Those that have been asked for. */
	get all(): readonly ClientRun[] {
		return [...this.#runs.values()];
	}

	/** A model that also says what its cache holds. */
	estimated(model: string): ClientRun & EstimatedModel {
		const run = this.of(model);
		return {
			...run,
			areCached: (rows: readonly BatchRow[]) =>
				run.llm.areCached(
					rows.map(({ prompt, messages, parameters, n }) => ({
						...(prompt ? { prompt: prompt.text, system: prompt.system } : { messages }),
						parameters,
						n,
					})),
					run.defaults,
				),
		};
	}

	async close(): Promise<void> {
		await Promise.all(this.all.map(({ llm }) => llm.close()));
	}

	#start(model: string): ClientRun {
		const { context, flags, config, label, log, onPacing } = this.#options;
		const { concurrency, rpm, tpm, maxRetries, timeout, flex, promptCache, schemaForm } = flags;
		const llm = createLLM(context, resolveAlias(model, config), {
			command: "batch",
			label,
			maxConcurrent: concurrency,
			rpm,
			tpm,
			maxRetries,
			flex,
			promptCache,
			schemaForm,
			timeoutMs: timeout === undefined ? undefined : timeout * 1_000,
			quiet: !context.debug,
			onWarning: log,
			onPacing,
			...(context.debug && {
				onNote: log,
				onRetry: ({ reason, delayMs }) => log(`${reason}; again in ${(delayMs / 1000).toFixed(1)} s`),
			}),
		});
		const defaults = this.#parameters.get(model) ?? parametersFor(model, config);
		const { viaJobs, stream } = flags;
		const { pricing } = llm;
		// A stream holds one answer.
		const choicesPerCall = stream ? 1 : pricing.choicesPerCall;
		return { model, llm, defaults, ...pricing, choicesPerCall, viaJobs, stats: new RunStats() };
	}
}
