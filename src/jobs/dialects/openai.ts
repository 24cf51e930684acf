import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import { isFinal, type JobDialect, type JobIntent, type JobLimits, type JobStatus } from "../contract.ts";
import { formBody, type PartFile } from "../part-file.ts";
import {
	count,
	findIn,
	listedBatches,
	problemsOf,
	readOpenAiLine,
	stateOf,
	text,
	time,
	totalsOf,
} from "./common.ts";

const mega = 1_000_000;

export interface OpenAiJobsOptions {
	readonly limits?: JobLimits;
	readonly retention?: JobDialect["retention"];
	/** Path of the endpoint in every line. */
	readonly endpoint?: string;
}

/**
 * OpenAI's Batch API, and Groq's and others' after it: a file of lines, then a batch of it.
 * https://platform.openai.com/docs/guides/batch and https://console.groq.com/docs/batch; Groq's SDK says 100 MB where
 * its page says 200.
 */
export function openAiJobs({
	limits = { rows: 50_000, bytes: 190 * mega },
	retention = { days: 30, from: "end" },
	endpoint = "/v1/chat/completions",
}: OpenAiJobsOptions = {}): JobDialect {
	return {
		limits,
		// The window that the creation asks for.
		promisedHours: 24,
		retention,
		canCancel: true,
		line: ({ wireId, body }) => JSON.stringify({ custom_id: wireId, method: "POST", url: endpoint, body }),
		upload: (client, part, intent) => uploadFile(client, part, intent, { purpose: "batch" }),
		checkUpload,
		create: (client, _part, intent) =>
			client.create(
				{
					method: "POST",
					path: "/batches",
					body: {
						input_file_id: intent.fileId,
						endpoint,
						completion_window: "24h",
						metadata: { llmx: intent.tag },
					},
				},
				({ id }) => id,
			),
		find: (client, intent) =>
			findIn(intent, listedBatches(client), (job) => {
				const tag = isObject(job.metadata) ? job.metadata.llmx : undefined;
				const isOurs =
					tag === intent.tag || (intent.fileId !== undefined && job.input_file_id === intent.fileId);
				const id = text(job.id);
				return {
					createdAt: time(job.created_at),
					candidate: isOurs && id !== undefined ? { rawId: id, sure: true } : undefined,
				};
			}),
		status: async (client, rawId) => openAiStatus(await client.json({ path: `/batches/${rawId}` })),
		download: downloadFiles,
		read: readOpenAiLine,
		cancel: async (client, rawId) => {
			await client.send({ method: "POST", path: `/batches/${rawId}/cancel` });
		},
		// A batch itself cannot be deleted; its files can.
		remove: removeFiles,
	};
}

/** The files that hold results; "" stands for none at some. */
export function resultFiles({ payload }: JobStatus): readonly string[] {
	const names = [payload.output_file_id ?? payload.output_file, payload.error_file_id ?? payload.error_file];
	return names.map(text).filter((name) => name !== undefined);
}

export async function downloadFiles(
	client: JobClient,
	_rawId: string,
	status: JobStatus,
	write: (piece: Uint8Array | string) => Promise<void>,
): Promise<void> {
	for (const file of resultFiles(status)) await client.download({ path: `/files/${file}/content` }, write);
}

export async function removeFiles(client: JobClient, _rawId: string, status: JobStatus): Promise<void> {
	if (!isFinal(status.state)) return;
	const input = text(status.payload.input_file_id);
	for (const file of [...resultFiles(status), ...(input === undefined ? [] : [input])])
		await client.send({ method: "DELETE", path: `/files/${file}` });
}

/** Uploads a file of lines by multipart. The name must end in .jsonl, or the batch is refused. */
export async function uploadFile(
	client: JobClient,
	part: PartFile,
	{ tag }: JobIntent,
	fields: Readonly<Record<string, string>>,
): Promise<string | undefined> {
	const form = formBody(fields, { name: `llmx-${tag}.jsonl`, type: "application/jsonl", part });
	const { id } = await client.json({
		method: "POST",
		path: "/files",
		headers: { "content-type": form.contentType },
		stream: form,
		patient: true,
	});
	if (typeof id !== "string" || id === "") throw client.lostUpload();
	return id;
}

/** A batch of a file that is not there is accepted, and fails a quarter of an hour later. */
async function checkUpload(client: JobClient, part: PartFile, fileId: string): Promise<void> {
	const file = await client.json({ path: `/files/${fileId}` });
	const bytes = count(file.bytes);
	if (bytes !== null && bytes !== part.bytes) throw client.malformed();
}

function openAiStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.status) ?? "";
	const counts = isObject(job.request_counts) ? job.request_counts : {};
	// While it is validating it counts nothing yet, and says 0.
	const total = count(counts.total) || null;
	return {
		state: stateOf(word),
		word,
		counts: { total, succeeded: count(counts.completed), failed: count(counts.failed) },
		createdAt: time(job.created_at),
		expiresAt: time(job.expires_at),
		problems: problemsOf(job.errors),
		totals: totalsOf(job.usage),
		payload: job,
	};
}
