import { Estimate, loadTokenCounter } from "../../batch/estimate.ts";
import type { PricedModel } from "../../batch/priced-model.ts";
import { UsageError } from "../../errors.ts";
import { findPrice } from "../../index.ts";
import type { Range } from "../../models/media-tokens.ts";
import type { PromptsFile } from "../../prompts/prompts-file.ts";
import type { BatchRow } from "../../prompts/row-builder.ts";
import type { Checked } from "../../results/checked.ts";
import { readAnswerLengths } from "../../state/money/answer-lengths.ts";
import { formatCount, formatPlural, formatTokens, formatUsd } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { confirm } from "../confirm.ts";
import type { Io } from "../io.ts";
import type { BatchFlags } from "./flags.ts";

/** Nobody is asked about less. */
const askAboveUsd = 1;

/** A model that can also say which rows its cache holds. */
export interface EstimatedModel extends PricedModel {
	readonly areCached: (rows: readonly BatchRow[]) => Promise<readonly boolean[]>;
}

export interface EstimateInput {
	readonly prompts: PromptsFile;
	readonly checked: Checked;
	readonly modelOf: (model: string) => EstimatedModel;
	/** The ledger, which knows how long answers were before. */
	readonly ledger: string;
	/** False with `--no-cache` and `--refresh`. */
	readonly usesCache: boolean;
	/** Rows that are in a job already cost nothing more. */
	readonly isUnderway?: ((row: BatchRow, model: string) => boolean) | undefined;
	/** Shows how far it has come. */
	readonly progress?: { begin(what: string): void; tick(): void; end(): void } | undefined;
}

export interface CloseEstimate {
	readonly estimate: Estimate;
	readonly cacheHits: number;
	/** Rows in batch jobs whose results were not fetched yet: they are not sent again. */
	readonly rowsUnderway?: number;
}

/** Estimates the rows to send with the real tokenizer and the cache. */
export async function estimateClosely(input: EstimateInput): Promise<CloseEstimate> {
	const { prompts, checked, modelOf, usesCache, isUnderway = () => false, progress } = input;
	const lengths = await readAnswerLengths(input.ledger);
	const estimate = new Estimate(await loadTokenCounter());
	/** Rows that the cache has not been asked for yet, by model. */
	const groups = new Map<string, { readonly model: EstimatedModel; rows: BatchRow[] }>();
	let cacheHits = 0;
	const add = async (group: { readonly model: EstimatedModel; rows: BatchRow[] }) => {
		const { model, rows } = group;
		group.rows = [];
		const hits = usesCache ? await model.areCached(rows) : [];
		for (const [index, row] of rows.entries())
			if (hits[index]) cacheHits += 1;
			else estimate.add(row, model);
	};
	let position = 0;
	progress?.begin("estimating");
	for (const { row } of prompts.rows(() => {})) {
		for (const name of prompts.modelsOf(row)) {
			progress?.tick();
			const state = checked.index.state(position);
			position += 1;
			if (state !== "missing" || isUnderway(row, name)) continue;
			let group = groups.get(name);
			if (group === undefined) {
				const model = modelOf(name);
				const seen = lengths.get(`${model.provider}/${model.modelId}`);
				group = { model: { ...model, seen }, rows: [] };
				groups.set(name, group);
			}
			group.rows.push(row);
			if (group.rows.length >= rowsPerLookup) await add(group);
		}
	}
	for (const group of groups.values()) await add(group);
	progress?.end();
	return { estimate, cacheHits };
}

/** The cache is asked for so many rows at once: a look for one costs as much as the rest of its estimate. */
const rowsPerLookup = 256;

/**
 * Makes sure that the user knows what a run may cost: asks on a terminal when that may be more than $1 or is unknown,
 * and elsewhere wants --yes or --max-cost. Returns the estimate that was agreed on, or null when the answer is no.
 * @throws UsageError
 */
export async function agreeOnCost(
	io: Io,
	flags: BatchFlags,
	rough: Estimate,
	estimateCloselyNow: () => Promise<CloseEstimate>,
): Promise<Estimate | null> {
	if (flags.maxCost !== undefined) {
		if (rough.unpricedRows === 0) return rough;
		const rows = formatPlural(rough.unpricedRows, "row");
		throw new UsageError(`--max-cost cannot be enforced: the price of ${rows} is unknown`, {
			hint: "omit --max-cost and confirm with --yes, or choose a model with a known price (llmx models);\nthe provider's own tools have one where the request bounds their use (max_uses, max_tool_calls)",
		});
	}
	if (flags.yes || !isDear(rough)) return rough;
	const { estimate } = await estimateCloselyNow();
	if (!isDear(estimate)) return estimate;
	const cost = costText(estimate);
	// The answer cannot be read from where the prompts come from.
	if (!io.stdin.isTTY || !io.stderr.isTTY)
		throw new UsageError(`this run may cost ${cost}, and there is no terminal to confirm on`, {
			hint:
				estimate.unpricedRows > 0
					? "confirm with --yes, or see details with --dry-run"
					: "confirm with --yes, set a limit with --max-cost USD, or see details with --dry-run",
		});
	return (await confirm(io, `Send ${formatPlural(estimate.rows, "row")} for ${cost}?`)) ? estimate : null;
}

/** Prices older than this have often changed. */
const oldAfterMs = 45 * 86_400_000;

/** What to say of models whose price was read long ago. */
export function oldPrices(models: readonly (PricedModel & { readonly model: string })[]): string[] {
	return models.flatMap(({ model, provider, modelId, isFree, own }) => {
		const price = isFree ? null : findPrice(provider, modelId, { own });
		if (price === null || !(Date.now() - Date.parse(price.date) > oldAfterMs) || own?.includes(price))
			return [];
		return [`the price of ${model} was read on ${price.date}, more than 45 days ago: it may have changed`];
	});
}

function isDear(estimate: Estimate): boolean {
	return estimate.unpricedRows > 0 || estimate.usd.high > askAboveUsd;
}

/** `$1.20 to $3.40`, `about $3.40`, `… + 12 rows of unknown price`. */
export function costText({
	usd,
	unpricedRows,
	rows,
	ceilingRows = 0,
}: Pick<Estimate, "usd" | "unpricedRows" | "rows"> & { readonly ceilingRows?: number }): string {
	const unknown = `${formatPlural(unpricedRows, "row")} of unknown price`;
	if (unpricedRows > 0 && unpricedRows === rows) return `an unknown amount (${unknown})`;
	// The lower end is not known with so much as one of them, and is not to be taken for $0.
	const known = ceilingRows > 0 ? `up to ${formatUsd(usd.high)}` : range(usd, formatUsd);
	return unpricedRows > 0 ? `${known} + ${unknown}` : known;
}

function range({ low, high }: Range, format: (value: number) => string): string {
	const [from, to] = [format(low), format(high)];
	return from === to ? from : `${from} to ${to}`;
}

/** What `--dry-run` prints. */
export function dryRunLines(
	checked: Checked,
	{ estimate, cacheHits, rowsUnderway = 0 }: CloseEstimate,
	{ viaJobs, flex }: { readonly viaJobs: boolean; readonly flex: boolean },
	taken: readonly (readonly [label: string, text: string])[] = [],
): string[] {
	const { rows, done, failed, models } = checked;
	const total = done + failed + checked.missing;
	const times =
		total === rows ? "" : ` × ${formatPlural(models.length, "model")}: ${formatCount(total)} answers`;
	const lines: [string, string][] = [
		["rows", formatCount(rows) + times],
		...taken.map(([label, text]): [string, string] => [label, sanitizeLine(text)]),
		...(done > 0
			? [["done", `${formatCount(done)} already answered: not sent again`] as [string, string]]
			: []),
		...(failed > 0
			? [
					["failed", `${formatCount(failed)} failed before: not sent without --retry-failed`] as [
						string,
						string,
					],
				]
			: []),
		...(checked.staleResults > 0
			? [
					[
						"set aside",
						`${formatPlural(checked.staleResults, "result")} of earlier prompts, parameters or models, when this is run`,
					] as [string, string],
				]
			: []),
		...(rowsUnderway > 0
			? [["in jobs", `${formatCount(rowsUnderway)} in batch jobs: not sent again`] as [string, string]]
			: []),
		["cached", `${formatCount(cacheHits)} in the cache: free`],
		["to send", `${formatCount(estimate.rows)} to ${models.map(sanitizeLine).join(", ")}`],
		["input", `${range(estimate.inputTokens, formatTokens)} tokens`],
		["output", `${range(estimate.outputTokens, formatTokens)} tokens${assumption(estimate)}`],
		["cost", costText(estimate) + (viaJobs ? " as batch jobs" : flex ? flexText(estimate) : "")],
		...otherWayLine(estimate, viaJobs),
	];
	return lines.map(([label, text]) => `${label.padEnd(9)} ${text}`);
}

function flexText({ ceilingRows }: Estimate): string {
	return ceilingRows > 0
		? ", the ordinary price: that of the flex tier is lower, and not published"
		: " at the flex tier";
}

/** What the rows cost the other way; nothing where there is none, or where nothing is to be paid. */
function otherWayLine({ otherWay, rows }: Estimate, viaJobs: boolean): [string, string][] {
	const { usd, unpricedRows, impossibleRows } = otherWay;
	if (rows === 0 || impossibleRows > 0) return [];
	const cost = unpricedRows === rows ? "unknown" : costText({ usd, unpricedRows, rows });
	return viaJobs ? [["now", `${cost} without --via-jobs`]] : [["as jobs", `${cost} with --via-jobs`]];
}

function assumption({ unboundedRows, seenRows, assumed }: Estimate): string {
	if (unboundedRows === 0) return "";
	const span = `${formatCount(assumed.low)} to ${formatCount(assumed.high)} an answer`;
	const isSeen = seenRows === unboundedRows;
	return isSeen
		? `, as long as earlier answers in your ledger (${span})`
		: `, taking ${span} (--max-tokens bounds it)`;
}

/** The same for machines, in the spelling of files. */
export function dryRunJson(
	checked: Checked,
	{ estimate, cacheHits, rowsUnderway = 0 }: CloseEstimate,
	viaJobs: boolean,
): Readonly<Record<string, unknown>> {
	const { rows, otherWay } = estimate;
	const cost = usdJson(estimate);
	const other = otherWay.impossibleRows > 0 ? null : usdJson({ ...otherWay, rows });
	const [now, jobs] = viaJobs ? [other, cost] : [cost, other];
	return {
		rows: checked.rows,
		done_before: checked.done,
		failed_before: checked.failed,
		in_jobs: rowsUnderway,
		cached: cacheHits,
		to_send: estimate.rows,
		models: checked.models,
		input_tokens: estimate.inputTokens,
		output_tokens: estimate.outputTokens,
		cost_usd: cost,
		cost_now_usd: now,
		cost_via_jobs_usd: jobs,
		unpriced_rows: estimate.unpricedRows,
	};
}

/** null when no row has a price; the lower end is null when only the most that they may cost is known. */
export function usdJson({
	usd,
	unpricedRows,
	rows,
	ceilingRows = 0,
}: Pick<Estimate, "usd" | "unpricedRows" | "rows"> & { readonly ceilingRows?: number }) {
	if (unpricedRows === rows && rows > 0) return null;
	return ceilingRows > 0 ? { low: null, high: usd.high } : usd;
}
