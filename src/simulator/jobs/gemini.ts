import { isOver, type SimulatedJob, type SimulatedRowResult } from "./job.ts";
import { created, type JobDialectServer, notFound, ok, parseBody, resultBytes } from "./reply.ts";
import { parseLines } from "./store.ts";

type Json = Readonly<Record<string, unknown>>;

const geminiStates: Readonly<Record<string, string>> = {
	validating: "PENDING",
	in_progress: "RUNNING",
	finalizing: "RUNNING",
	completed: "SUCCEEDED",
	failed: "FAILED",
	expired: "EXPIRED",
	cancelling: "RUNNING",
	cancelled: "CANCELLED",
};

/** Gemini: an operation, rows inline or from a file, results inline or as a file; an expired job brings nothing. */
export const geminiServer: JobDialectServer = (call, store) => {
	const { method, path, headers, origin, base } = call;
	if (path === "/upload/v1beta/files" && headers["x-goog-upload-command"] === "start") {
		const address = `${origin}${base}/upload/v1beta/files?upload_id=${store.id("up")}`;
		return { status: 200, body: {}, headers: { "x-goog-upload-url": address } };
	}
	if (path === "/upload/v1beta/files") {
		if (store.losesUpload()) return ok({});
		const name = `files/${store.addFile(call.body, store.id("f"))}`;
		return ok({
			file: { name, uri: `${origin}${base}/v1beta/${name}`, sizeBytes: String(call.body.length) },
		});
	}
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const { succeeded, failed } = job.progress(store.now);
		const brings = state === "completed" || state === "cancelled";
		const inline = { inlinedResponses: { inlinedResponses: job.results(store.now).map(inlineLine) } };
		const output = job.marks.file ? { responsesFile: `files/out~${job.id}` } : inline;
		return {
			name: job.id,
			metadata: {
				"@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
				model: `models/${job.model}`,
				displayName: job.marks.displayName,
				state: `BATCH_STATE_${geminiStates[state]}`,
				createTime: new Date(job.createdAt).toISOString(),
				batchStats: {
					requestCount: String(job.rows.length),
					successfulRequestCount: String(succeeded),
					failedRequestCount: String(failed),
				},
				...(brings && { output }),
			},
			done: isOver(state),
			...(state === "failed" && {
				error: { code: 3, message: "the job was refused", status: "INVALID_ARGUMENT" },
			}),
		};
	};
	const model = /^\/v1beta\/models\/(.+):batchGenerateContent$/.exec(path)?.[1];
	if (model !== undefined) {
		const { batch } = parseBody(call.body) as { batch?: { displayName?: string; inputConfig?: Json } };
		const { requests, fileName } = (batch?.inputConfig ?? {}) as { requests?: Json; fileName?: string };
		const lines =
			fileName === undefined
				? (((requests?.requests ?? []) as Json[]).map(({ metadata, request }) => ({
						key: (metadata as Json).key,
						request,
					})) as Json[])
				: parseLines(store.files.get(fileName.slice("files/".length)) ?? Buffer.alloc(0));
		const rows = lines.map(({ key, request }) => ({ customId: String(key), body: request as Json }));
		const marks = { displayName: batch?.displayName, file: fileName !== undefined };
		return created(store, { id: store.id("batches/"), wire: "gemini", model, rows, marks }, render);
	}
	if (path === "/v1beta/batches") return ok({ operations: store.listed().map(render) });
	const download = /^\/download\/v1beta\/files\/out~(.+):download$/.exec(path)?.[1];
	if (download !== undefined) {
		const job = store.jobs.find(({ id }) => id === download);
		return job === undefined ? notFound : resultBytes(job, job.results(store.now).map(fileLine));
	}
	const [, id, isCancel] = /^\/v1beta\/(batches\/[^/:]+)(:cancel)?$/.exec(path) ?? [];
	if (id === undefined) return undefined;
	const job = store.find(id);
	if (job === undefined)
		return { status: 404, body: { error: { code: 404, message: "not found", status: "NOT_FOUND" } } };
	if (isCancel && method === "POST") job.cancel(store.now);
	return ok(isCancel ? {} : render(job));
};

function geminiResult(result: SimulatedRowResult): Json {
	return result.ok
		? { response: result.body }
		: { error: { code: result.kind === "failed" ? 3 : 4, message: result.message } };
}

const inlineLine = (result: SimulatedRowResult): Json => ({
	...geminiResult(result),
	metadata: { key: result.customId },
});
const fileLine = (result: SimulatedRowResult): Json => ({ key: result.customId, ...geminiResult(result) });
