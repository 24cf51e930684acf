import { type CheckOptions, checkPrompts } from "../../batch/check.ts";
import { Estimate } from "../../batch/estimate.ts";
import { Expectation } from "../../batch/expectation.ts";
import { JobCosts } from "../../batch/jobs/job-costs.ts";
import { settleResults } from "../../batch/settle.ts";
import { TakenQuestions } from "../../batch/taken-questions.ts";
import { exitCodes, UsageError } from "../../errors.ts";
import { RowProblem } from "../../prompts/parameters.ts";
import { type CompiledPreset, compilePreset } from "../../prompts/presets.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import { SchemaSet } from "../../prompts/schemas.ts";
import type { Checked } from "../../results/checked.ts";
import { flightLogPath, LostFlight } from "../../results/flight-log.ts";
import { recordFormats } from "../../results/records.ts";
import { systemClock } from "../../schedule/clock.ts";
import type { Config } from "../../state/config.ts";
import { systemFiles } from "../../state/file-system.ts";
import { formatPlural } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { checkBudget, type RunBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { requireJobs, requireOneRequest } from "../jobs/job-checks.ts";
import { sendBatchByJobs } from "../jobs/job-send.ts";
import { heedJobs, readUnderway } from "../jobs/underway.ts";
import { readParameters } from "../parameter-options.ts";
import { CheckProgress } from "./check-progress.ts";
import { OutputClaim } from "./claim.ts";
import {
	agreeOnCost,
	type CloseEstimate,
	dryRunJson,
	dryRunLines,
	estimateClosely,
	oldPrices,
} from "./cost.ts";
import type { BatchFlags } from "./flags.ts";
import { writeJsonFile } from "./json-file.ts";
import { type ClientRun, ModelRuns } from "./model-runs.ts";
import { rehearseBatch, rehearseBatchJobs } from "./rehearsal.ts";
import { sendBatch } from "./run.ts";
import { openRunBudget } from "./run-budget.ts";
import { checkSource, createPrompts, linksRefused, openPrompts } from "./setup.ts";
import { LimitParts } from "./share/limit-parts.ts";
import { noteLines, takenLine, takenParts } from "./taken.ts";
import { checkTarget, chooseTarget, outputsOf, type Target } from "./target.ts";
import { V8Tuning } from "./v8-tuning.ts";

/** Runs `llmx batch`. Returns the exit code. */
export async function runBatch(
	source: string | undefined,
	flags: BatchFlags,
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	if (flags.failUnder !== undefined && flags.expect === undefined)
		throw new UsageError("--fail-under needs --expect COLUMN, which names the expected answers");
	checkSource(io, source, flags);
	const target = chooseTarget(io, source, flags);
	const sends = !flags.dryRun && !flags.rehearse;
	checkTarget(io, source, target, { sends, overwrite: flags.overwrite ?? false });
	const outputs = outputsOf(target, sends);
	if (outputs.length === 0) return new BatchCommand(source, flags, target, context).run();
	const onWait = (text: string) => void io.stderr.write(`llmx: ${sanitizeLine(text)}\n`);
	const claim =
		flags.shard?.source === undefined
			? await OutputClaim.take(outputs)
			: await OutputClaim.takeOver(outputs, { clock: systemClock, onWait });
	try {
		return await new BatchCommand(source, flags, target, context, claim).run();
	} finally {
		await claim.release();
	}
}

/** One run of the command, from the prompts to the summary. */
class BatchCommand {
	readonly #source: string | undefined;
	readonly #flags: BatchFlags;
	readonly #target: Target;
	readonly #context: CommandContext;
	/** Undefined when nothing is written. */
	readonly #claim: OutputClaim | undefined;
	readonly #config: Config;
	readonly #preset: CompiledPreset | undefined;
	readonly #models: ModelRuns;
	readonly #schemas = new SchemaSet();
	readonly #questions = new TakenQuestions();
	readonly #v8: V8Tuning;
	readonly #limitParts = new LimitParts();
	readonly #expectation: Expectation | undefined;
	readonly #jobCosts = new JobCosts();
	/** Notes in the ledger what a killed run had on its way. */
	readonly #lost: (() => void)[] = [];
	/** Where messages of the models go; with progress on the screen, above it. */
	#log = (text: string): void => void this.#context.io.stderr.write(`llmx: ${sanitizeLine(text)}\n`);

	constructor(
		source: string | undefined,
		flags: BatchFlags,
		target: Target,
		context: CommandContext,
		claim?: OutputClaim,
	) {
		this.#claim = claim;
		this.#source = source;
		this.#flags = flags;
		this.#target = target;
		this.#context = context;
		this.#v8 = new V8Tuning(context.io.startupCache);
		this.#expectation = flags.expect === undefined ? undefined : new Expectation(flags.match);
		this.#config = context.settings.config;
		this.#preset = flags.preset === undefined ? undefined : compilePreset(this.#config, flags.preset);
		this.#models = new ModelRuns({
			context,
			flags,
			preferred: this.#preset?.model,
			config: this.#config,
			label: target.files?.results,
			log: (text) => this.#log(text),
			onPacing: (limits) => this.#limitParts.add(limits),
		});
	}

	async run(): Promise<number> {
		try {
			return await this.#run();
		} finally {
			this.#v8.stop();
			await this.#models.close();
		}
	}

	async #run(): Promise<number> {
		const flags = this.#flags;
		const { io } = this.#context;
		const input = await openPrompts(io, this.#source, flags);
		let budget: RunBudget | null = null;
		try {
			const prompts = await createPrompts(io, {
				input,
				flags,
				models: this.#models.names,
				parameters: { ...this.#preset?.parameters, ...readParameters(flags) },
				preset: this.#preset,
				onWarning: (text) => this.#log(text),
			});
			const rough = new Estimate(undefined);
			const progress = new CheckProgress(io, systemClock.now, flags.quiet ?? false);
			const { files } = this.#target;
			const { paths } = this.#context.settings;
			const underway = await readUnderway(paths, this.#target);
			const isUnderway = (row: BatchRow, model: string) => underway?.isOwn(row, model) ?? false;
			const flight = files && new LostFlight(systemFiles, flightLogPath(files.results));
			const checkOptions: CheckOptions = {
				files: systemFiles,
				prompts,
				primaryModel: this.#models.names[0] ?? "",
				output: this.#target.files,
				format: recordFormats[flags.outFormat],
				retryFailed: flags.retryFailed ?? false,
				overwrite: flags.overwrite ?? false,
				onRow: (row, model, state) => {
					this.#v8.tick();
					progress.tick();
					this.#claim?.showLife();
					const modelRun = this.#models.of(model);
					const problem = this.#expectation?.problemOf(row.expected);
					if (problem !== undefined) throw new RowProblem(problem);
					if (state !== "missing") return;
					if (row.linksImages && !modelRun.llm.fetchesImages) throw linksRefused(model);
					if (flight?.has(row.id, model)) this.#lost.push(() => noteLost(modelRun, row));
					if (underway?.find(row, model) === "own") return;
					this.#schemas.add({ ...modelRun.defaults, ...row.parameters }, row.line);
					this.#questions.add(model, { taker: modelRun.llm, row, defaults: modelRun.defaults });
					if (!flags.dryRun) rough.add(row, modelRun);
					if (!flags.viaJobs) return;
					requireOneRequest(row, modelRun);
					this.#jobCosts.add(row, modelRun);
				},
				random: Math.random,
			};
			progress.begin("checking");
			const checked = checkPrompts(checkOptions);
			progress.end();
			if (flags.viaJobs) requireJobs(checked.models.map((model) => this.#models.of(model)));
			this.#sayWhatIsTaken(prompts, checked);
			await this.#schemas.compile((problem) => checked.problems.add(problem));
			await this.#questions.check((problem) => checked.problems.add(problem));
			const closely = () =>
				estimateClosely({
					prompts,
					checked,
					usesCache: flags.cache && !flags.refresh,
					ledger: this.#context.settings.paths.ledger,
					modelOf: (model) => this.#models.estimated(model),
					isUnderway,
					progress,
				});
			const rowsUnderway = underway?.met("own").rows ?? 0;
			if (flags.dryRun) return this.#dryRun(prompts, checked, { ...(await closely()), rowsUnderway });
			checked.problems.throwIfAny();
			if (flags.rehearse) return await this.#rehearse(prompts, checked);
			if (underway !== undefined)
				for (const text of heedJobs(underway, flags, paths, checked.models)) this.#log(text);
			for (const { llm } of this.#models.all) if (!flags.cacheOnly) llm.assertReady();
			const { overBudget } = flags;
			const { warning } = await checkBudget(paths, this.#config.budget, { overBudget });
			if (warning !== null) this.#log(warning);
			const agreed =
				checked.missing === 0 || flags.cacheOnly ? rough : await agreeOnCost(io, flags, rough, closely);
			if (agreed === null) {
				io.stderr.write("llmx: nothing was sent\n");
				return exitCodes.ok;
			}
			await this.#noteLost();
			budget = await openRunBudget(this.#context, flags, {
				budget: this.#config.budget,
				estimate: agreed,
				isFree: [...this.#models.all].every((run) => run.isFree),
				log: this.#log,
			});
			const run = {
				context: this.#context,
				flags,
				source: input.name,
				target: this.#target,
				claim: this.#claim,
				prompts,
				checked: settleResults(checkOptions, checked),
				modelRuns: checked.models.map((model) => this.#models.of(model)),
				schemas: this.#schemas,
				expectation: this.#expectation,
				estimate: agreed,
				budget,
				limitParts: this.#limitParts,
				onLog: (log: (text: string) => void) => {
					this.#log = log;
				},
			};
			if (!flags.viaJobs) return await sendBatch(run);
			const estimateUsd = (model: string) => this.#jobCosts.of(model);
			return await sendBatchByJobs({ ...run, estimateUsd, rowsUnderway, jobsBefore: underway?.ofRun ?? [] });
		} finally {
			await budget?.close();
			systemFiles.close(input.file);
		}
	}

	/** Before anything is sent or estimated, so that a wrong column or model costs nothing. */
	#sayWhatIsTaken(prompts: PromptsFile, checked: Checked): void {
		const { quiet, dryRun } = this.#flags;
		const model = this.#models.byDefault;
		if (model !== undefined && checked.models.includes(model.model))
			this.#log(`using ${model.model}, ${model.reason}`);
		if (quiet || checked.problems.count > 0) return;
		const taken = dryRun ? undefined : takenLine(prompts, this.#flags);
		if (taken !== undefined && checked.missing > 0) this.#context.io.stderr.write(`${taken}\n`);
		for (const line of noteLines(checked, prompts.name)) this.#log(line);
	}

	/** Before the log of that run is begun anew. */
	async #noteLost(): Promise<void> {
		if (this.#lost.length === 0) return;
		for (const note of this.#lost) note();
		await Promise.all(this.#models.all.map(({ llm }) => llm.syncLedger()));
		const requests = formatPlural(this.#lost.length, "request");
		this.#log(
			`the previous run was killed with ${requests} in flight: they may be billed, and are sent again`,
		);
	}

	async #rehearse(prompts: PromptsFile, checked: Checked): Promise<number> {
		const flags = this.#flags;
		const models = checked.models.map((model) => this.#models.estimated(model));
		const options = { flags, prompts, checked, models, summary: this.#target.summary };
		const lines = flags.viaJobs ? await rehearseBatchJobs(options) : await rehearseBatch(options);
		this.#context.io.stdout.write(`${lines.join("\n")}\n`);
		return exitCodes.ok;
	}

	#dryRun(prompts: PromptsFile, checked: Checked, close: CloseEstimate): number {
		const { io } = this.#context;
		const { viaJobs = false, flex = false } = this.#flags;
		const lines = dryRunLines(checked, close, { viaJobs, flex }, takenParts(prompts, this.#flags));
		io.stdout.write(`${lines.join("\n")}\n`);
		writeJsonFile(this.#target.summary, dryRunJson(checked, close, viaJobs));
		for (const warning of oldPrices(this.#models.all)) this.#log(warning);
		checked.problems.throwIfAny();
		return exitCodes.ok;
	}
}

function noteLost({ llm, defaults }: ClientRun, row: BatchRow): void {
	const { prompt, messages, parameters, n } = row;
	const question = prompt === undefined ? { messages } : { prompt: prompt.text, system: prompt.system };
	llm.noteLostRequest({ ...question, parameters, n }, defaults);
}
