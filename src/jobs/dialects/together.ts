import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobIntent, JobStatus } from "../contract.ts";
import { fileBody, formBody, type PartFile } from "../part-file.ts";
import { count, findIn, noCounts, noTotals, readOpenAiLine, stateOf, text, time } from "./common.ts";
import { downloadFiles, removeFiles } from "./openai.ts";

/** https://docs.together.ai/docs/inference/batch/overview */
export const togetherJobs: JobDialect = {
	limits: { rows: 50_000, bytes: 90_000_000 },
	promisedHours: 24,
	retention: null,
	canCancel: true,
	line: ({ wireId, body }) => JSON.stringify({ custom_id: wireId, body }),
	upload,
	create: (client, _part, { fileId }) =>
		client.create(
			{
				method: "POST",
				path: "/batches",
				body: { endpoint: "/v1/chat/completions", input_file_id: fileId, completion_window: "24h" },
			},
			// Creating wraps the job; asking for it does not.
			({ job, id }) => (isObject(job) ? job.id : id),
		),
	find: (client, intent) =>
		findIn(intent, list(client), (job) => {
			const isOurs = intent.fileId !== undefined && job.input_file_id === intent.fileId;
			const id = text(job.id);
			return {
				createdAt: time(job.created_at),
				candidate: isOurs && id !== undefined ? { rawId: id, sure: true } : undefined,
			};
		}),
	status: async (client, rawId) => togetherStatus(await client.json({ path: `/batches/${rawId}` })),
	download: downloadFiles,
	read: readOpenAiLine,
	cancel: async (client, rawId) => {
		await client.send({ method: "POST", path: `/batches/${rawId}/cancel` });
	},
	remove: removeFiles,
};

/** Asks where to put the file, puts it there without the key, and says that it is there. */
async function upload(client: JobClient, part: PartFile, { tag }: JobIntent): Promise<string> {
	const form = formBody(
		{ purpose: "batch-api", file_name: `llmx-${tag}.jsonl`, file_type: "jsonl" },
		undefined,
	);
	const { headers } = await client.send({
		method: "POST",
		path: "/files",
		headers: { "content-type": form.contentType },
		stream: form,
		redirects: true,
	});
	const [address, fileId] = [text(headers.location), text(headers["x-together-file-id"])];
	if (address === undefined || fileId === undefined) throw client.lostUpload();
	await client.send({ method: "PUT", path: address, keyless: true, stream: fileBody(part), patient: true });
	await client.send({ method: "POST", path: `/files/${fileId}/preprocess`, patient: true });
	return fileId;
}

function togetherStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.status) ?? "";
	const percent = count(job.progress);
	const message = text(job.error);
	return {
		state: stateOf(word),
		// It counts no rows, but says how far it is.
		word: percent === null || percent === 0 || percent === 100 ? word : `${word} ${percent} %`,
		counts: noCounts,
		createdAt: time(job.created_at),
		expiresAt: time(job.job_deadline),
		problems: message === undefined ? [] : [{ message, code: null, line: null }],
		totals: noTotals,
		payload: job,
	};
}

async function* list(client: JobClient): AsyncGenerator<readonly unknown[], void> {
	const { body } = await client.send({ path: "/batches" });
	if (!Array.isArray(body)) throw client.malformed();
	// Unpaged and in no order that is promised.
	yield body.toSorted((one, other) => (time(other?.created_at) ?? 0) - (time(one?.created_at) ?? 0));
}
