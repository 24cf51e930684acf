import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobIntent, JobResult, JobStatus, WriteLines } from "../contract.ts";
import { fileBody, type PartFile } from "../part-file.ts";
import { count, findIn, noTotals, stateOf, text, time } from "./common.ts";

/**
 * Up to here rows go with the job. Its answer then carries all results in one body, which timed out on its server
 * when it grew large (googleapis/python-genai#2519), so more than this goes by file.
 */
const inlineBytes = 4_000_000;

/** https://ai.google.dev/gemini-api/docs/batch-api and https://ai.google.dev/api/batch-api */
export const geminiJobs: JobDialect = {
	limits: { rows: 200_000, bytes: 1_900_000_000 },
	promisedHours: 48,
	retention: null,
	canCancel: true,
	line: ({ wireId, body }) => JSON.stringify({ key: wireId, request: body }),
	upload: (client, part, intent) =>
		part.bytes <= inlineBytes ? Promise.resolve(undefined) : upload(client, part, intent),
	create: (client, part, intent) => {
		const path = `/v1beta/models/${intent.modelId.replace(/^models\//, "")}:batchGenerateContent`;
		const displayName = JSON.stringify(`llmx-${intent.tag}`);
		const idOf = ({ name }: Record<string, unknown>) => name;
		if (intent.fileId !== undefined) {
			const body = { batch: { displayName: `llmx-${intent.tag}`, inputConfig: { fileName: intent.fileId } } };
			return client.create({ method: "POST", path, body }, idOf);
		}
		// Rows that go with the job have their key elsewhere than those of a file; the whole is under 4 MB.
		return inlineBody(part).then((requests) =>
			client.create(
				{
					method: "POST",
					path,
					headers: { "content-type": "application/json" },
					stream: requests(
						`{"batch":{"displayName":${displayName},"inputConfig":{"requests":{"requests":[`,
						"]}}}}",
					),
				},
				idOf,
			),
		);
	},
	find: (client, intent) =>
		findIn(intent, pages(client), (operation) => {
			const batch = isObject(operation.metadata) ? operation.metadata : operation;
			const id = text(operation.name);
			const isOurs = batch.displayName === `llmx-${intent.tag}`;
			return {
				createdAt: time(batch.createTime),
				candidate: isOurs && id !== undefined ? { rawId: id, sure: true } : undefined,
			};
		}),
	status: async (client, rawId) => geminiStatus(await client.json({ path: `/v1beta/${rawId}` })),
	download,
	read,
	cancel: async (client, rawId) => {
		await client.send({ method: "POST", path: `/v1beta/${rawId}:cancel`, body: {} });
	},
	remove: async (client, rawId) => {
		await client.send({ method: "DELETE", path: `/v1beta/${rawId}` });
	},
};

/** https://ai.google.dev/gemini-api/docs/files, the resumable protocol in one piece. */
async function upload(client: JobClient, part: PartFile, { tag }: JobIntent): Promise<string> {
	const begun = await client.send({
		method: "POST",
		path: "/upload/v1beta/files",
		headers: {
			"x-goog-upload-protocol": "resumable",
			"x-goog-upload-command": "start",
			"x-goog-upload-header-content-length": String(part.bytes),
			"x-goog-upload-header-content-type": "application/jsonl",
		},
		body: { file: { displayName: `llmx-${tag}` } },
	});
	const address = text(begun.headers["x-goog-upload-url"]);
	if (address === undefined) throw client.lostUpload();
	const { body } = await client.send({
		method: "POST",
		path: address,
		keyless: true,
		headers: { "x-goog-upload-offset": "0", "x-goog-upload-command": "upload, finalize" },
		stream: fileBody(part),
		patient: true,
	});
	// It was seen to answer 200 without a file (googleapis/python-genai#1590).
	const file = isObject(body) && isObject(body.file) ? text(body.file.name) : undefined;
	if (file === undefined) throw client.lostUpload();
	return file;
}

/** Lines of a file as requests that go with the job: `{key, request}` becomes `{request, metadata: {key}}`. */
async function inlineBody(part: PartFile) {
	const { readFile } = await import("node:fs/promises");
	const lines = (await readFile(part.path, "utf8")).split("\n").filter((line) => line !== "");
	const requests = lines.map((line) => {
		const { key, request } = JSON.parse(line) as { key: string; request: unknown };
		return JSON.stringify({ request, metadata: { key } });
	});
	return (before: string, after: string) => {
		const bytes = Buffer.from(`${before}${requests.join(",")}${after}`);
		return {
			length: bytes.length,
			chunks: (async function* () {
				yield bytes;
			})(),
		};
	};
}

/** What was created may come as an operation or as the batch; its parts lie in three places. */
function geminiStatus(payload: Record<string, unknown>): JobStatus {
	const batch = isObject(payload.metadata) ? payload.metadata : payload;
	const word = text(batch.state) ?? text(payload.state) ?? "";
	const stats = isObject(batch.batchStats) ? batch.batchStats : {};
	const error = isObject(payload.error) ? payload.error : isObject(batch.error) ? batch.error : undefined;
	return {
		state: stateOf(word),
		word,
		counts: {
			total: count(stats.requestCount),
			succeeded: count(stats.successfulRequestCount),
			failed: count(stats.failedRequestCount),
		},
		createdAt: time(batch.createTime),
		expiresAt: null,
		problems:
			error === undefined
				? []
				: [
						{
							message: text(error.message) ?? "no reason given",
							code: text(error.status) ?? null,
							line: null,
						},
					],
		totals: noTotals,
		payload,
	};
}

async function download(
	client: JobClient,
	_rawId: string,
	{ payload }: JobStatus,
	write: WriteLines,
): Promise<void> {
	const batch = isObject(payload.metadata) ? payload.metadata : payload;
	const output = [batch.output, payload.response, payload.output].find(isObject);
	if (output === undefined) return;
	const file = text(output.responsesFile) ?? text(output.fileName);
	if (file !== undefined) {
		await client.download({ path: `/download/v1beta/${file}:download`, query: { alt: "media" } }, write);
		return;
	}
	const inline = isObject(output.inlinedResponses) ? output.inlinedResponses.inlinedResponses : undefined;
	for (const response of Array.isArray(inline) ? inline : []) await write(`${JSON.stringify(response)}\n`);
}

/** A line of a file has its key on top; a response that came with the job has it in its metadata. */
function read(line: unknown): JobResult | undefined {
	if (!isObject(line)) return undefined;
	const wireId = text(line.key) ?? (isObject(line.metadata) ? text(line.metadata.key) : undefined);
	if (wireId === undefined) return undefined;
	if (isObject(line.response)) return { wireId, ok: true, body: line.response };
	const error = isObject(line.error) ? line.error : isObject(line.status) ? line.status : undefined;
	return { wireId, ok: false, reason: "failed", status: null, error };
}

async function* pages(client: JobClient): AsyncGenerator<readonly unknown[], void> {
	let token: string | undefined;
	do {
		const query = { pageSize: 100, pageToken: token };
		const { operations, batches, nextPageToken } = await client.json({ path: "/v1beta/batches", query });
		yield [operations, batches].find(Array.isArray) ?? [];
		token = text(nextPageToken);
	} while (token !== undefined);
}
