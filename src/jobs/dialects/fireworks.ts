import { UsageError } from "../../errors.ts";
import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobIntent, JobStatus, WriteLines } from "../contract.ts";
import { formBody, type PartFile } from "../part-file.ts";
import { count, readOpenAiLine, stateOf, text, time } from "./common.ts";

/** How often a dataset is asked whether it is ready, and how far apart, in ms. */
const readyChecks = 60;
const readyEveryMs = 2_000;

/**
 * https://docs.fireworks.ai/guides/batch-inference. The name of a job is the caller's own, so a create that is sent
 * twice makes one job: the only one of these APIs in which that is so.
 */
export const fireworksJobs: JobDialect = {
	limits: { rows: 500_000, bytes: 140_000_000 },
	promisedHours: null,
	retention: null,
	// Deleting a job stops it.
	canCancel: true,
	// The model belongs to the job.
	line: ({ wireId, body: { model: _, ...body } }) => JSON.stringify({ custom_id: wireId, body }),
	upload,
	create: async (client, _part, intent) => {
		const account = await accountOf(client);
		const name = jobName(intent.tag);
		await client.create(
			{
				method: "POST",
				path: `/${account}/batchInferenceJobs`,
				query: { batchInferenceJobId: name },
				body: {
					model: intent.modelId,
					displayName: name,
					inputDatasetId: `${account}/datasets/${name}`,
					outputDatasetId: `${account}/datasets/${name}-out`,
				},
			},
			(job) => job.name ?? name,
		);
		return name;
	},
	find: async (client, intent) => {
		const name = jobName(intent.tag);
		try {
			await client.json({ path: `/${await accountOf(client)}/batchInferenceJobs/${name}` });
			return [{ rawId: name, sure: true, isNear: true }];
		} catch (error) {
			if ((error as { status?: number }).status === 404) return [];
			throw error;
		}
	},
	status: async (client, rawId) =>
		fireworksStatus(await client.json({ path: `/${await accountOf(client)}/batchInferenceJobs/${rawId}` })),
	download,
	read: readOpenAiLine,
	cancel: deleteJob,
	remove: deleteJob,
};

function jobName(tag: string): string {
	return `llmx-${tag}`;
}

const accounts = new WeakMap<JobClient, Promise<string>>();

/** The account that the key belongs to, as `accounts/NAME`. @throws UsageError when it has several */
function accountOf(client: JobClient): Promise<string> {
	let account = accounts.get(client);
	if (account === undefined) {
		account = client.json({ path: "/accounts" }).then((body) => {
			const names = (Array.isArray(body.accounts) ? body.accounts : [])
				.filter(isObject)
				.map(({ name }) => text(name))
				.filter((name) => name !== undefined);
			const [only, ...others] = names;
			if (only === undefined) throw client.malformed();
			if (others.length > 0)
				throw new UsageError(`the key belongs to several accounts at Fireworks: ${names.join(", ")}`, {
					hint: "use a key of one account",
				});
			return only;
		});
		accounts.set(client, account);
	}
	return account;
}

async function upload(client: JobClient, part: PartFile, { tag }: JobIntent): Promise<string> {
	const account = await accountOf(client);
	const name = jobName(tag);
	const dataset = { userUploaded: {}, exampleCount: String(part.rows) };
	await client
		.send({ method: "POST", path: `/${account}/datasets`, body: { datasetId: name, dataset } })
		.catch((error: { status?: number }) => {
			// The name is this job's own: an earlier try has made it.
			if (error.status !== 409) throw error;
		});
	const form = formBody({}, { name: `${name}.jsonl`, type: "application/jsonl", part });
	await client.send({
		method: "POST",
		path: `/${account}/datasets/${name}:upload`,
		headers: { "content-type": form.contentType },
		stream: form,
		patient: true,
	});
	for (let check = 0; check < readyChecks; check++) {
		const { state } = await client.json({ path: `/${account}/datasets/${name}` });
		if (state === "READY") break;
		await new Promise((resolve) => setTimeout(resolve, readyEveryMs));
	}
	return `${account}/datasets/${name}`;
}

function fireworksStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.state) ?? "";
	const progress = isObject(job.jobProgress) ? job.jobProgress : {};
	const problem = isObject(job.status) ? text(job.status.message) : undefined;
	const state = stateOf(word);
	return {
		state,
		word,
		counts: {
			// Its total only repeats what the caller said.
			total: null,
			succeeded: count(progress.successfullyProcessedRequests),
			failed: count(progress.failedRequests),
		},
		createdAt: time(job.createTime),
		expiresAt: time(job.expireTime),
		problems:
			problem === undefined || state === "completed" ? [] : [{ message: problem, code: null, line: null }],
		totals: {
			costUsd: null,
			inputTokens: count(progress.inputTokens) || null,
			outputTokens: count(progress.outputTokens) || null,
		},
		payload: job,
	};
}

/** The addresses of the files live for ten minutes, so each download asks for them. */
async function download(
	client: JobClient,
	rawId: string,
	{ payload }: JobStatus,
	write: WriteLines,
): Promise<void> {
	const account = await accountOf(client);
	const dataset = text(payload.outputDatasetId) ?? `${account}/datasets/${rawId}-out`;
	const path = dataset.startsWith("accounts/") ? dataset : `${account}/datasets/${dataset}`;
	const { filenameToSignedUrls } = await client.json({ path: `/${path}:getDownloadEndpoint` });
	if (!isObject(filenameToSignedUrls)) return;
	for (const [name, address] of Object.entries(filenameToSignedUrls))
		if (/\.jsonl$/.test(name) && typeof address === "string")
			await client.download({ path: address, keyless: true }, write);
}

async function deleteJob(client: JobClient, rawId: string): Promise<void> {
	await client.send({ method: "DELETE", path: `/${await accountOf(client)}/batchInferenceJobs/${rawId}` });
}
