import type { JobState } from "../../options.ts";
import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobResult, JobStatus, WriteLines } from "../contract.ts";
import { count, findIn, noTotals, text, time } from "./common.ts";
import { uploadFile } from "./openai.ts";

const ticksPerUsd = 1e10;

/** https://docs.x.ai/developers/advanced-api-usage/batch-api */
export const xaiJobs: JobDialect = {
	limits: { rows: 100_000, bytes: 190_000_000 },
	promisedHours: null,
	retention: null,
	canCancel: true,
	line: ({ wireId, body }) =>
		JSON.stringify({ custom_id: wireId, method: "POST", url: "/v1/chat/completions", body }),
	upload: (client, part, intent) => uploadFile(client, part, intent, {}),
	create: (client, _part, { tag, fileId }) =>
		client.create(
			{ method: "POST", path: "/batches", body: { name: `llmx-${tag}`, input_file_id: fileId } },
			({ batch_id }) => batch_id,
		),
	find: (client, intent) =>
		findIn(intent, pages(client, "/batches", "batches"), (job) => {
			const id = text(job.batch_id);
			const isOurs = job.name === `llmx-${intent.tag}`;
			return {
				// A list says the day only.
				createdAt: null,
				candidate: isOurs && id !== undefined ? { rawId: id, sure: true } : undefined,
			};
		}),
	status: async (client, rawId) => xaiStatus(await client.json({ path: `/batches/${rawId}` }), Date.now()),
	download: async (client, rawId, _status, write: WriteLines) => {
		for await (const page of pages(client, `/batches/${rawId}/results`, "results"))
			for (const result of page) await write(`${JSON.stringify(result)}\n`);
	},
	read,
	cancel: async (client, rawId) => {
		await client.send({ method: "POST", path: `/batches/${rawId}:cancel`, body: {} });
	},
	remove: async () => {},
};

/** There is no state: it follows from counters, which are all 0 both before the file is read and after it was refused. */
export function xaiStatus(job: Record<string, unknown>, now: number): JobStatus {
	const counters = isObject(job.state) ? job.state : {};
	const [total, pending] = [count(counters.num_requests) ?? 0, count(counters.num_pending) ?? 0];
	const refusal = text(job.cancel_by_xai_message);
	const expiresAt = time(job.expire_time);
	let state: JobState = total === 0 ? "validating" : "running";
	if (total > 0 && pending === 0) state = job.cancel_time ? "cancelled" : "completed";
	else if (refusal !== undefined) state = "failed";
	else if (expiresAt !== null && now > expiresAt) state = "expired";
	else if (job.cancel_time) state = "cancelling";
	const cost = isObject(job.cost_breakdown) ? count(job.cost_breakdown.total_cost_usd_ticks) : null;
	return {
		state,
		word: state,
		counts: {
			total: total === 0 ? null : total,
			succeeded: count(counters.num_success),
			failed: count(counters.num_error),
		},
		createdAt: time(job.create_time),
		expiresAt,
		problems: refusal === undefined ? [] : [{ message: refusal, code: null, line: null }],
		totals: { ...noTotals, costUsd: cost === null ? null : cost / ticksPerUsd },
		payload: job,
	};
}

function read(line: unknown): JobResult | undefined {
	if (!isObject(line)) return undefined;
	const wireId = text(line.batch_request_id) ?? text(line.custom_id);
	if (wireId === undefined) return undefined;
	const result = isObject(line.batch_result) ? line.batch_result : line;
	const response = isObject(result.response) ? result.response : undefined;
	const body = response?.chat_get_completion ?? response?.responses ?? undefined;
	if (body !== undefined) return { wireId, ok: true, body };
	const error = result.error ?? line.error ?? result.error_message ?? line.error_message;
	const words = typeof error === "string" ? error : "";
	const reason = /\bexpired/i.test(words) ? "expired" : /\bcancell?ed/i.test(words) ? "cancelled" : "failed";
	return { wireId, ok: false, reason, status: null, error };
}

async function* pages(
	client: JobClient,
	path: string,
	name: string,
): AsyncGenerator<readonly unknown[], void> {
	let token: string | undefined;
	do {
		const page = await client.json({ path, query: { limit: 100, pagination_token: token } });
		yield Array.isArray(page[name]) ? (page[name] as unknown[]) : [];
		token = text(page.pagination_token);
	} while (token !== undefined);
}
