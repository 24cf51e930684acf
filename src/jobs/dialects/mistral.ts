import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobStatus } from "../contract.ts";
import { count, findIn, noTotals, readOpenAiLine, stateOf, text, time } from "./common.ts";
import { downloadFiles, uploadFile } from "./openai.ts";

/** https://docs.mistral.ai/capabilities/batch; how many bytes a file may have is not said. */
export const mistralJobs: JobDialect = {
	limits: { rows: 1_000_000, bytes: 450_000_000 },
	promisedHours: 24,
	retention: null,
	canCancel: true,
	// The model belongs to the job.
	line: ({ wireId, body: { model: _, ...body } }) => JSON.stringify({ custom_id: wireId, body }),
	upload: (client, part, intent) => uploadFile(client, part, intent, { purpose: "batch" }),
	create: (client, _part, { tag, modelId, fileId }) =>
		client.create(
			{
				method: "POST",
				path: "/batch/jobs",
				body: {
					input_files: [fileId],
					endpoint: "/v1/chat/completions",
					model: modelId,
					metadata: { llmx: tag },
					timeout_hours: 24,
				},
			},
			({ id }) => id,
		),
	find: (client, intent) =>
		findIn(intent, pages(client), (job) => {
			const tag = isObject(job.metadata) ? job.metadata.llmx : undefined;
			const files = Array.isArray(job.input_files) ? job.input_files : [];
			const isOurs = tag === intent.tag || files.includes(intent.fileId);
			const id = text(job.id);
			return {
				createdAt: time(job.created_at),
				candidate: isOurs && id !== undefined ? { rawId: id, sure: true } : undefined,
			};
		}),
	status: async (client, rawId) => mistralStatus(await client.json({ path: `/batch/jobs/${rawId}` })),
	download: downloadFiles,
	read: readOpenAiLine,
	cancel: async (client, rawId) => {
		await client.send({ method: "POST", path: `/batch/jobs/${rawId}/cancel` });
	},
	remove: async (client, rawId) => {
		await client.send({ method: "DELETE", path: `/batch/jobs/${rawId}` });
	},
};

function mistralStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.status) ?? "";
	const errors = Array.isArray(job.errors) ? job.errors.filter(isObject) : [];
	return {
		state: stateOf(word),
		word,
		counts: {
			total: count(job.total_requests),
			succeeded: count(job.succeeded_requests),
			failed: count(job.failed_requests),
		},
		createdAt: time(job.created_at),
		expiresAt: null,
		problems: errors.map(({ message }) => ({
			message: text(message) ?? "no reason given",
			code: null,
			line: null,
		})),
		totals: noTotals,
		payload: job,
	};
}

async function* pages(client: JobClient): AsyncGenerator<readonly unknown[], void> {
	const size = 100;
	for (let page = 0; ; page += 1) {
		const query = { page, page_size: size, order_by: "-created" };
		const { data } = await client.json({ path: "/batch/jobs", query });
		const jobs = Array.isArray(data) ? data : [];
		yield jobs;
		if (jobs.length < size) return;
	}
}
