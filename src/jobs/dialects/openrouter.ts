import { reportedCost } from "../../providers/charges.ts";
import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobStatus, WriteLines } from "../contract.ts";
import { listBody } from "../part-file.ts";
import { count, findIn, listedBatches, readOpenAiLine, stateOf, text, time, totalsOf } from "./common.ts";

const endpoint = "/v1/chat/completions";

/** https://openrouter.ai/docs/guides/features/batch-api */
export const openRouterJobs: JobDialect = {
	limits: { rows: 5_000, bytes: 190_000_000 },
	promisedHours: 24,
	retention: { days: 30, from: "end" },
	canCancel: false,
	// The model is the job's, and of preferences for providers only `only` is taken.
	line: ({ wireId, body: { model: _, provider, ...body } }) => {
		const only = isObject(provider) && "only" in provider ? { provider: { only: provider.only } } : {};
		return JSON.stringify({ custom_id: wireId, body: { ...body, ...only } });
	},
	create: (client, part, { modelId }) =>
		client.create(
			{
				method: "POST",
				path: "/batches",
				headers: { "content-type": "application/json" },
				// Read as a stream by the server, which must know these four before the first request.
				stream: listBody(
					part,
					`{"endpoint":"${endpoint}","model":${JSON.stringify(modelId)},"completion_window":"24h","requests":[`,
					"]}",
				),
				patient: true,
			},
			({ id }) => id,
		),
	find: (client, intent) =>
		findIn(intent, listedBatches(client), (job) => {
			const id = text(job.id);
			const counts = isObject(job.request_counts) ? job.request_counts : {};
			// The list counts nothing while a job is validated.
			const total = count(counts.total);
			const fits = job.model === intent.modelId && (!total || total === intent.rows);
			return {
				createdAt: time(job.created_at),
				candidate: fits && id !== undefined ? { rawId: id, sure: false } : undefined,
			};
		}),
	status: async (client, rawId) => openRouterStatus(await client.json({ path: `/batches/${rawId}` })),
	download,
	read: readOpenAiLine,
	// Nothing of the API cancels a job: the caller says so before it comes here.
	cancel: async () => {},
	remove: async (client, rawId) => {
		await client.send({ method: "DELETE", path: `/batches/${rawId}` });
	},
};

function openRouterStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.status) ?? "";
	const counts = isObject(job.request_counts) ? job.request_counts : {};
	const error = isObject(job.error) ? job.error : undefined;
	return {
		state: stateOf(word),
		word,
		counts: {
			total: count(counts.total) || null,
			succeeded: count(counts.completed),
			failed: count(counts.failed),
		},
		createdAt: time(job.created_at),
		expiresAt: time(job.expires_at),
		problems:
			error === undefined
				? []
				: [{ message: text(error.message) ?? "no reason given", code: text(error.code) ?? null, line: null }],
		totals: { ...totalsOf(job.usage), costUsd: reportedCost(job.usage) },
		payload: job,
	};
}

/** Results stand in the job itself, or on pages of their own where it holds none. */
async function download(
	client: JobClient,
	rawId: string,
	{ payload, state }: JobStatus,
	write: WriteLines,
): Promise<void> {
	if (Array.isArray(payload.results)) {
		for (const result of payload.results) await write(`${JSON.stringify(result)}\n`);
		return;
	}
	// What has not completed was seen to give no results at all.
	if (state !== "completed") return;
	let cursor: string | undefined;
	do {
		const page = await client.json({ path: `/batches/${rawId}/results`, query: { cursor } });
		for (const result of Array.isArray(page.results) ? page.results : [])
			await write(`${JSON.stringify(result)}\n`);
		cursor = text(page.next_cursor);
	} while (cursor !== undefined);
}
