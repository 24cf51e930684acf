import type { SimulatedJob } from "./job.ts";
import { openAiLine, rowsOf } from "./openai.ts";
import { created, type JobDialectServer, notFound, ok, parseBody, resultBytes } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

const fireworksStates: Readonly<Record<string, string>> = {
	validating: "VALIDATING",
	in_progress: "RUNNING",
	finalizing: "WRITING_RESULTS",
	completed: "COMPLETED",
	failed: "FAILED",
	expired: "EXPIRED",
	cancelling: "RUNNING",
	cancelled: "DELETED",
};

/** Fireworks: datasets in and out, a name of the caller's own, signed addresses for the results. */
export const fireworksServer: JobDialectServer = (call, store) => {
	const { method, path, query, origin, base } = call;
	const account = "accounts/sim";
	if (path === "/accounts") return ok({ accounts: [{ name: account }] });
	const below = path.startsWith(`/${account}`) ? path.slice(account.length + 1) : undefined;
	if (below === undefined) {
		const signed = /^\/signed\/(out|err)~(.+)\.jsonl$/.exec(path);
		if (signed === null) return undefined;
		const job = store.jobs.find(({ id }) => id === signed[2]);
		if (job === undefined) return notFound;
		const wanted = job.results(store.now).filter((result) => (signed[1] === "out") === result.ok);
		return resultBytes(
			job,
			wanted.map((result) =>
				result.ok ? { custom_id: result.customId, response: result.body } : openAiLine(result),
			),
		);
	}
	if (below === "/datasets") return ok({ name: `${account}/datasets/${parseBody(call.body).datasetId}` });
	const [, dataset, action] = /^\/datasets\/([^:/]+)(?::(\w+))?$/.exec(below) ?? [];
	if (dataset !== undefined && action === "upload") {
		const contentType = String(call.headers["content-type"] ?? "");
		const boundaryFile = /filename="/.test(call.body.subarray(0, 2048).toString()) ? call.body : undefined;
		if (boundaryFile === undefined || contentType === "") return notFound;
		const start = call.body.indexOf("\r\n\r\n") + 4;
		const end = call.body.lastIndexOf("\r\n--");
		store.addFile(call.body.subarray(start, end), dataset);
		return ok({});
	}
	if (dataset !== undefined && action === "getDownloadEndpoint") {
		const id = dataset.replace(/-out$/, "");
		return ok({
			filenameToSignedUrls: {
				"BIJOutputSet.jsonl": `${origin}${base}/signed/out~${id}.jsonl`,
				"error-data.jsonl": `${origin}${base}/signed/err~${id}.jsonl`,
			},
		});
	}
	if (dataset !== undefined) return ok({ name: dataset, state: "READY" });
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const { succeeded, failed } = job.progress(store.now);
		return {
			name: `${account}/batchInferenceJobs/${job.id}`,
			state: `JOB_STATE_${fireworksStates[state]}`,
			status: {
				code: state === "failed" ? "INVALID_ARGUMENT" : "OK",
				message: state === "failed" ? "a row is not valid" : "",
			},
			createTime: new Date(job.createdAt).toISOString(),
			expireTime: new Date(job.expiresAt).toISOString(),
			outputDatasetId: `${account}/datasets/${job.id}-out`,
			jobProgress: {
				totalInputRequests: job.rows.length,
				successfullyProcessedRequests: succeeded,
				failedRequests: failed,
			},
		};
	};
	if (below === "/batchInferenceJobs" && method === "POST") {
		const id = query.get("batchInferenceJobId") ?? store.id("job-");
		if (store.jobs.some((job) => job.id === id))
			return { status: 409, body: { error: { message: "already exists", code: 6 } } };
		const { model, inputDatasetId } = parseBody(call.body);
		const rows = rowsOf(store, String(inputDatasetId).split("/").at(-1)) ?? [];
		return created(store, { id, wire: "openai", model: String(model), rows, marks: {} }, render);
	}
	const id = /^\/batchInferenceJobs\/([^/]+)$/.exec(below)?.[1];
	const job = id === undefined ? undefined : store.find(id);
	if (job === undefined) return notFound;
	if (method === "DELETE") job.cancel(store.now);
	return ok(render(job));
};
