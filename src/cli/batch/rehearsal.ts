import type { Rehearsal } from "../../batch/rehearse.ts";
import { UsageError } from "../../errors.ts";
import { decimal } from "../../state/decimal.ts";
import {
	formatCount,
	formatDuration,
	formatPlural,
	formatTokens,
	formatUsd,
} from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { BatchFlags } from "./flags.ts";

/**
 * A rehearsal is worth what its limits are.
 * @throws UsageError when they are not given for a provider that has some
 */
export function requireLimits(
	flags: BatchFlags,
	models: readonly { model: string; isFree: boolean }[],
): void {
	if (flags.rpm !== undefined || flags.tpm !== undefined) return;
	const limited = models.find(({ isFree }) => !isFree);
	if (limited === undefined) return;
	throw new UsageError(`the rate limits of ${limited.model} are unknown`, {
		hint: "pass your account's limits with --rpm or --tpm to use --rehearse",
	});
}

/** What `--rehearse` prints. */
export function rehearsalLines(rehearsals: readonly Rehearsal[], answerSeconds: number): string[] {
	return [
		...rehearsals.flatMap((rehearsal) => [
			...(rehearsals.length > 1 ? [`${sanitizeLine(rehearsal.model)}:`] : []),
			...modelLines(rehearsal).map(([label, text]) => `${label.padEnd(9)} ${text}`),
		]),
		`${"assumed".padEnd(9)} answers in ${answerSeconds} s (--answer-seconds), about 200 tokens each; nothing was sent`,
	];
}

function modelLines(rehearsal: Rehearsal): [string, string][] {
	const { requests, cached, durationMs, inputTokens, outputTokens, usd, heldBy } = rehearsal;
	const minutes = Math.max(durationMs, 1) / 60_000;
	const share = Math.round(heldBy.share * 100);
	return [
		["time", formatDuration(durationMs)],
		[
			"requests",
			`${formatCount(requests)}${cached > 0 ? `, and ${formatPlural(cached, "row")} cached` : ""}`,
		],
		[
			"pace",
			`${formatCount(Math.round(requests / minutes))} requests/min · ${formatTokens((inputTokens + outputTokens) / minutes)} tokens/min`,
		],
		["tokens", `${formatTokens(inputTokens)} in · ${formatTokens(outputTokens)} out`],
		["cost", usd === null ? "unknown" : formatUsd(usd)],
		...(requests === 0 ? [] : [["mostly", `${heldBy.reason} (${share} % of the time)`] as [string, string]]),
	];
}

/** The same for machines, in the spelling of files. */
export function rehearsalJson(rehearsals: readonly Rehearsal[]): Readonly<Record<string, unknown>> {
	return {
		seconds: Math.max(0, ...rehearsals.map(({ durationMs }) => durationMs)) / 1000,
		models: rehearsals.map((rehearsal) => ({
			model: rehearsal.model,
			seconds: rehearsal.durationMs / 1000,
			requests: rehearsal.requests,
			cached: rehearsal.cached,
			input_tokens: rehearsal.inputTokens,
			output_tokens: rehearsal.outputTokens,
			cost_usd: decimal(rehearsal.usd),
			held_by: rehearsal.heldBy.reason,
		})),
	};
}
