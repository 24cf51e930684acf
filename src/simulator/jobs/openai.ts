import { isOver, type JobRowInput, type SimulatedJob, type SimulatedRowResult } from "./job.ts";
import {
	created,
	type JobCall,
	type JobDialectServer,
	type JobReply,
	notFound,
	ok,
	parseBody,
	refused,
	resultBytes,
} from "./reply.ts";
import { fileOf, type JobStore, parseLines } from "./store.ts";

type Json = Readonly<Record<string, unknown>>;

/** Files as OpenAI, Groq, Mistral and xAI have them. */
export function files(call: JobCall, store: JobStore, options: { jsonlName: boolean }): JobReply | undefined {
	const { method, path, headers, body } = call;
	if (method === "POST" && path === "/files") {
		const file = fileOf(body, String(headers["content-type"] ?? ""));
		if (file === undefined) return refused(400, "'file' is a required property");
		if (options.jsonlName && !file.name.endsWith(".jsonl"))
			return refused(400, "Invalid file format for Batch API. Must be .jsonl");
		if (store.losesUpload()) return ok({});
		const id = store.addFile(file.bytes);
		return ok({ id, object: "file", bytes: file.bytes.length, filename: file.name, purpose: "batch" });
	}
	const [, id, isContent] = /^\/files\/([^/]+)(\/content)?$/.exec(path) ?? [];
	if (id === undefined) return undefined;
	const [kind, jobId] = id.split("~");
	if (jobId !== undefined && method === "GET" && isContent) {
		const job = store.jobs.find((candidate) => candidate.id === jobId);
		if (job === undefined) return notFound;
		const wanted = job.results(store.now).filter((result) => (kind === "out") === result.ok);
		return resultBytes(job, wanted.map(openAiLine));
	}
	const bytes = store.files.get(id);
	if (method === "DELETE") return ok({ id, deleted: store.files.delete(id) });
	if (bytes === undefined) return notFound;
	if (isContent) return { status: 200, body: bytes };
	const size = store.sizeOf(id);
	return size === undefined ? notFound : ok({ id, object: "file", bytes: size });
}

/** An output line of the OpenAI family. */
export function openAiLine(result: SimulatedRowResult): Json {
	const id = `batch_req_${result.customId}`;
	const { customId: custom_id } = result;
	if (result.ok)
		return { id, custom_id, response: { status_code: 200, request_id: id, body: result.body }, error: null };
	if (result.kind !== "failed")
		return {
			id,
			custom_id,
			response: null,
			error: { code: `batch_${result.kind}`, message: result.message },
		};
	const error = { message: result.message, type: "invalid_request_error", code: null, param: null };
	return {
		id,
		custom_id,
		response: { status_code: result.status, request_id: id, body: { error } },
		error: null,
	};
}

/** The rows of an uploaded file of lines with `custom_id` and `body`. */
export function rowsOf(store: JobStore, fileId: unknown): readonly JobRowInput[] | undefined {
	const bytes = typeof fileId === "string" ? store.files.get(fileId) : undefined;
	return bytes === undefined
		? undefined
		: parseLines(bytes).map((line) => ({ customId: String(line.custom_id), body: line.body as Json }));
}

/** OpenAI's Batch API, and Groq's. */
export const openAiServer: JobDialectServer = (call, store) => {
	const file = files(call, store, { jsonlName: true });
	if (file !== undefined) return file;
	const { method, path, query } = call;
	if (path === "/batches" && method === "POST") {
		const { input_file_id, metadata, endpoint } = parseBody(call.body);
		const rows = rowsOf(store, input_file_id) ?? [];
		const model = String((rows[0]?.body as Json | undefined)?.model ?? "");
		const wire = endpoint === "/v1/responses" ? "responses" : "openai";
		const marks = { input_file_id, metadata, endpoint };
		return created(store, { id: store.id("batch_"), wire, model, rows, marks }, (job) =>
			batch(job, store.now),
		);
	}
	if (path === "/batches" && method === "GET") return listOf(store, query, (job) => batch(job, store.now));
	const [, id, isCancel] = /^\/batches\/([^/]+?)(\/cancel)?$/.exec(path) ?? [];
	if (id === undefined) return undefined;
	const job = store.find(id);
	if (job === undefined) return notFound;
	if (isCancel) job.cancel(store.now);
	const status = job.oddLooks > 0 ? { status: "defragmenting" } : {};
	job.oddLooks = Math.max(0, job.oddLooks - 1);
	return ok({ ...batch(job, store.now), ...status });
};

/** A page of jobs in OpenAI's form. */
export function listOf(
	store: JobStore,
	query: URLSearchParams,
	render: (job: SimulatedJob) => Json,
): JobReply {
	const jobs = store.listed();
	const after = query.get("after");
	const from = after === null ? 0 : jobs.findIndex(({ id }) => id === after) + 1;
	const limit = Number(query.get("limit") ?? 20);
	const page = jobs.slice(from, from + limit);
	return ok({ object: "list", data: page.map(render), has_more: from + limit < jobs.length });
}

function batch(job: SimulatedJob, now: number): Json {
	const state = job.state(now);
	const { succeeded, failed } = job.progress(now);
	const totals = job.totals(now);
	const results = isOver(state) ? job.results(now) : [];
	const fileOfKind = (kind: "out" | "err", isThere: boolean) => (isThere ? `${kind}~${job.id}` : null);
	return {
		id: job.id,
		object: "batch",
		...job.marks,
		completion_window: "24h",
		status: state,
		errors: errorsOf(job, state),
		output_file_id: fileOfKind(
			"out",
			results.some(({ ok }) => ok),
		),
		// Where nothing failed some say null and some say "".
		error_file_id: results.some(({ ok }) => !ok) ? `err~${job.id}` : "",
		created_at: Math.floor(job.createdAt / 1000),
		expires_at: Math.floor(job.expiresAt / 1000),
		usage: { input_tokens: totals.input, output_tokens: totals.output },
		request_counts:
			state === "validating"
				? { total: 0, completed: 0, failed: 0 }
				: { total: job.rows.length, completed: succeeded, failed },
	};
}

function errorsOf(job: SimulatedJob, state: string): Json | null {
	if (state !== "failed") return null;
	const line = job.badLine;
	if (line > 0)
		return {
			data: [{ code: "invalid_request", message: "This line is not a valid request.", line, param: null }],
		};
	const isQueue = job.fault === "queue-late";
	const code = isQueue ? "token_limit_exceeded" : "model_not_found";
	const message = isQueue
		? "Enqueued token limit reached for simulated-model in organization org-sim."
		: "The provided model is not supported by the Batch API.";
	return { object: "list", data: [{ code, message, line: null, param: null }] };
}
