import type { JobState } from "../../options.ts";
import { isObject } from "../../providers/error-body.ts";
import { tokens } from "../../providers/usage.ts";
import type { JobClient } from "../client.ts";
import type { JobCandidate, JobCounts, JobIntent, JobProblem, JobResult, JobTotals } from "../contract.ts";

type Json = Readonly<Record<string, unknown>>;

const states: Readonly<Record<string, JobState>> = {
	VALIDATING: "validating",
	QUEUED: "validating",
	PENDING: "validating",
	CREATING: "validating",
	SUBMITTED: "validating",
	IN_PROGRESS: "running",
	RUNNING: "running",
	PROCESSING: "running",
	PAUSED: "running",
	UPDATING: "running",
	FINALIZING: "finalizing",
	WRITING_RESULTS: "finalizing",
	CANCELLING: "cancelling",
	CANCELING: "cancelling",
	CANCELLATION_REQUESTED: "cancelling",
	COMPLETED: "completed",
	SUCCEEDED: "completed",
	SUCCESS: "completed",
	PARTIALLY_SUCCEEDED: "completed",
	EARLY_STOPPED: "completed",
	ENDED: "completed",
	FAILED: "failed",
	EXPIRED: "expired",
	TIMEOUT_EXCEEDED: "expired",
	CANCELLED: "cancelled",
	CANCELED: "cancelled",
	DELETED: "cancelled",
};

/** The state that a provider's word stands for. Enums are open, so a word that is not known is not an end. */
export function stateOf(word: string): JobState {
	const name = word.toUpperCase().replace(/^(?:JOB|BATCH)_STATE_/, "");
	return Object.hasOwn(states, name) ? (states[name] as JobState) : "unknown";
}

/** A text that is not empty. Some providers write "" where others write null. */
export function text(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}

/** Ms since 1970 of epoch seconds, or of an ISO date. */
export function time(value: unknown): number | null {
	if (typeof value === "number" && Number.isFinite(value) && value > 0) return value * 1000;
	const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
	return Number.isNaN(ms) ? null : ms;
}

/** A count; Gemini and Fireworks write them as texts. */
export function count(value: unknown): number | null {
	return tokens(typeof value === "string" && /^\d+$/.test(value) ? Number(value) : value) ?? null;
}

export const noCounts: JobCounts = { total: null, succeeded: null, failed: null };

export const noTotals: JobTotals = { costUsd: null, inputTokens: null, outputTokens: null };

/** The tokens of a job's own `usage`, in either spelling. It says 0 as long as nobody has added them up. */
export function totalsOf(usage: unknown): JobTotals {
	if (!isObject(usage)) return noTotals;
	return {
		costUsd: null,
		inputTokens: count(usage.input_tokens ?? usage.prompt_tokens) || null,
		outputTokens: count(usage.output_tokens ?? usage.completion_tokens) || null,
	};
}

/** OpenAI's `errors.data`. */
export function problemsOf(errors: unknown): readonly JobProblem[] {
	const list = isObject(errors) ? errors.data : errors;
	if (!Array.isArray(list)) return [];
	return list.filter(isObject).map(({ message, code, line }) => ({
		message: text(message) ?? text(code) ?? "no reason given",
		code: text(code) ?? null,
		line: count(line),
	}));
}

/** An output line of the OpenAI family: `{custom_id, response: {status_code, body}, error}`. */
export function readOpenAiLine(line: unknown): JobResult | undefined {
	if (!isObject(line)) return undefined;
	const wireId = text(line.custom_id);
	if (wireId === undefined) return undefined;
	const response = isObject(line.response) ? line.response : undefined;
	if (response !== undefined) {
		// Fireworks puts the answer itself where the others put status and body.
		const status = count(response.status_code);
		const body = "body" in response ? response.body : response;
		if ((status === null || status < 400) && !isObject(line.error)) return { wireId, ok: true, body };
		return { wireId, ok: false, reason: "failed", status, error: line.error ?? body };
	}
	const code = isObject(line.error) ? String(line.error.code ?? "") : "";
	const reason = code.endsWith("_expired") ? "expired" : /_cancell?ed$/.test(code) ? "cancelled" : "failed";
	return { wireId, ok: false, reason, status: null, error: line.error };
}

/** Clocks differ, and a list may date a job by the second. */
const slackMs = 60_000;

/** A clock may be wrong by the zone it stands in. What is older than this by its provider's clock is another job. */
const wrongClockMs = 86_400_000;

/** The jobs that `GET /batches` lists as OpenAI does, newest first, page by page. */
export async function* listedBatches(client: JobClient): AsyncGenerator<readonly unknown[], void> {
	let after: string | undefined;
	for (;;) {
		const { data, has_more } = await client.json({ path: "/batches", query: { limit: 100, after } });
		const page = Array.isArray(data) ? data : [];
		yield page;
		const last: unknown = page.at(-1);
		if (has_more !== true || !isObject(last) || typeof last.id !== "string" || last.id === after) return;
		after = last.id;
	}
}

/**
 * Goes through pages of a list, until one has only jobs that are much older than the intent. `judge` says of a job what it is
 * found by, and when it was created in ms since 1970, null where the list does not say.
 */
export async function findIn(
	intent: JobIntent,
	pages: AsyncIterable<readonly unknown[]>,
	judge: (job: Json) => {
		readonly createdAt: number | null;
		readonly candidate: Omit<JobCandidate, "isNear"> | undefined;
	},
): Promise<readonly JobCandidate[]> {
	const found: JobCandidate[] = [];
	for await (const page of pages) {
		let isOld = page.length > 0;
		for (const job of page) {
			if (!isObject(job)) continue;
			const { createdAt, candidate } = judge(job);
			const ageMs = createdAt === null ? 0 : intent.at - createdAt;
			if (ageMs > wrongClockMs) continue;
			isOld = false;
			if (candidate !== undefined) found.push({ ...candidate, isNear: ageMs <= slackMs });
		}
		// One old job among others says nothing: lists are not sorted everywhere.
		if (isOld) break;
	}
	return found;
}
