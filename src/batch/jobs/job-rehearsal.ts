import { questionMaker } from "../../ask/question.ts";
import { LlmxError } from "../../errors.ts";
import type { ModelJobs } from "../../jobs/model-jobs.ts";
import { PartGauge } from "../../jobs/part-splitter.ts";
import type { Range } from "../../models/media-tokens.ts";
import { estimateInputTokens } from "../../models/tokens.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import type { Checked } from "../../results/checked.ts";
import { Estimate } from "../estimate.ts";
import type { TokenCounter } from "../input-tokens.ts";
import type { PricedModel } from "../priced-model.ts";
import { wireIdOf } from "./job-models.ts";

/** A model as the rehearsal of its jobs sees it. */
export interface RehearsedJobModel extends PricedModel {
	readonly model: string;
	readonly jobs: ModelJobs;
	readonly areCached: (rows: readonly BatchRow[]) => Promise<readonly boolean[]>;
}

/** What would be submitted for one model. */
export interface JobRehearsal {
	readonly model: string;
	readonly provider: string;
	readonly rows: number;
	readonly cached: number;
	/** Rows that the provider cannot take. */
	readonly refused: number;
	readonly jobs: number;
	/** Of all jobs, as uploaded. */
	readonly bytes: number;
	/** Of all rows, as estimated. */
	readonly inputTokens: Range;
	/** null when the price of jobs is unknown. */
	readonly usd: Range | null;
	/** How many times jobs have to wait for room in the queue, as far as its size is known; 1 is never. */
	readonly rounds: number;
	/** Hours within which the provider promises to end a job; null when it does not say. */
	readonly promisedHours: number | null;
}

export interface JobRehearsalOptions {
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly usesCache: boolean;
	/** Rows of one job, where that is less than what the provider takes. */
	readonly mostRows: number | undefined;
	readonly countTokens: TokenCounter;
}

/** The cache is asked for so many rows at once. */
const rowsPerLookup = 256;

/** Makes the jobs of what is missing, as a run would make them, and throws them away. Nothing is sent or written. */
export async function rehearseJobs(
	model: RehearsedJobModel,
	options: JobRehearsalOptions,
): Promise<JobRehearsal> {
	const { prompts, checked, usesCache, mostRows, countTokens } = options;
	const { jobs } = model;
	const { limits, promisedHours } = jobs.dialect;
	const room = jobs.room(model.modelId);
	const rows = Math.min(limits.rows, mostRows ?? limits.rows);
	const gauge = new PartGauge({ rows, bytes: limits.bytes, inputTokens: room });
	const estimate = new Estimate(countTokens);
	const toQuestion = questionMaker(model.defaults ?? {});
	const sum = { cached: 0, refused: 0, jobs: 0, bytes: 0, rounds: 1, queued: 0 };
	const endPart = () => {
		if (gauge.rows === 0) return;
		sum.jobs += 1;
		if (sum.queued > 0 && sum.queued + gauge.inputTokens > room) {
			sum.rounds += 1;
			sum.queued = 0;
		}
		sum.queued += gauge.inputTokens;
		gauge.reset();
	};
	const add = async (row: BatchRow) => {
		const { prompt, messages, parameters, n } = row;
		const asked = {
			...(prompt ? { prompt: prompt.text, system: prompt.system } : { messages }),
			parameters,
			n,
		};
		const question = toQuestion(asked);
		const wireId = wireIdOf(row, model.model);
		const line = await jobs.line(wireId, question);
		const inputTokens = estimateInputTokens(question.messages);
		const bytes = Buffer.byteLength(line) + 1;
		if (!gauge.fits(bytes, inputTokens)) endPart();
		gauge.add(bytes, inputTokens);
		sum.bytes += bytes;
		estimate.add(row, model);
	};
	const addAll = async (group: readonly BatchRow[]) => {
		const hits = usesCache ? await model.areCached(group) : [];
		for (const [index, row] of group.entries()) {
			if (hits[index]) sum.cached += 1;
			else
				await add(row).catch((error: unknown) => {
					if (!(error instanceof LlmxError)) throw error;
					sum.refused += 1;
				});
		}
	};
	let group: BatchRow[] = [];
	let position = 0;
	for (const { row } of prompts.rows(() => {})) {
		for (const name of prompts.modelsOf(row)) {
			const state = checked.index.state(position);
			position += 1;
			if (name !== model.model || state !== "missing") continue;
			group.push(row);
			if (group.length < rowsPerLookup) continue;
			await addAll(group);
			group = [];
		}
	}
	await addAll(group);
	endPart();
	const { cached, refused, bytes, rounds } = sum;
	const usd = estimate.unpricedRows > 0 ? null : estimate.usd;
	return {
		model: model.model,
		provider: model.provider,
		rows: estimate.rows,
		cached,
		refused,
		jobs: sum.jobs,
		bytes,
		inputTokens: estimate.inputTokens,
		usd,
		rounds,
		promisedHours,
	};
}
