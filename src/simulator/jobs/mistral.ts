import { isOver, type SimulatedJob } from "./job.ts";
import { files, rowsOf } from "./openai.ts";
import { created, type JobDialectServer, notFound, ok, parseBody } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

const mistralStates: Readonly<Record<string, string>> = {
	validating: "QUEUED",
	in_progress: "RUNNING",
	finalizing: "RUNNING",
	completed: "SUCCESS",
	failed: "FAILED",
	expired: "TIMEOUT_EXCEEDED",
	cancelling: "CANCELLATION_REQUESTED",
	cancelled: "CANCELLED",
};

export const mistralServer: JobDialectServer = (call, store) => {
	const file = files(call, store, { jsonlName: false });
	if (file !== undefined) return file;
	const { method, path, query } = call;
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const results = isOver(state) ? job.results(store.now) : [];
		const { succeeded, failed } = job.progress(store.now);
		return {
			id: job.id,
			object: "batch",
			...job.marks,
			model: job.model,
			status: mistralStates[state],
			total_requests: job.rows.length,
			completed_requests: succeeded + failed,
			succeeded_requests: succeeded,
			failed_requests: failed,
			created_at: Math.floor(job.createdAt / 1000),
			output_file: results.some(({ ok }) => ok) ? `out~${job.id}` : null,
			error_file: results.some(({ ok }) => !ok) ? `err~${job.id}` : null,
			errors: state === "failed" ? [{ message: "the job was refused", count: 1 }] : [],
		};
	};
	if (path === "/batch/jobs" && method === "POST") {
		const { input_files, metadata, model } = parseBody(call.body);
		const rows = rowsOf(store, Array.isArray(input_files) ? input_files[0] : undefined) ?? [];
		const marks = { input_files, metadata };
		return created(
			store,
			{ id: store.id("job-"), wire: "openai", model: String(model), rows, marks },
			render,
		);
	}
	if (path === "/batch/jobs") {
		const [page, size] = [Number(query.get("page") ?? 0), Number(query.get("page_size") ?? 100)];
		const data = store.listed().slice(page * size, (page + 1) * size);
		return ok({ object: "list", data: data.map(render) });
	}
	const [, id, isCancel] = /^\/batch\/jobs\/([^/]+?)(\/cancel)?$/.exec(path) ?? [];
	if (id === undefined) return undefined;
	const job = store.find(id);
	if (job === undefined) return notFound;
	if (isCancel) job.cancel(store.now);
	return ok(render(job));
};
