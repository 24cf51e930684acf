import { isOver, type SimulatedJob } from "./job.ts";
import { files, rowsOf } from "./openai.ts";
import { created, type JobDialectServer, notFound, ok, parseBody } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

/** xAI: no state, counters only; results on pages. */
export const xaiServer: JobDialectServer = (call, store) => {
	const file = files(call, store, { jsonlName: false });
	if (file !== undefined) return file;
	const { method, path, query } = call;
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const { succeeded, failed } = job.progress(store.now);
		const totals = job.totals(store.now);
		const isParsed = state !== "validating" && state !== "failed";
		const over = isOver(state);
		return {
			batch_id: job.id,
			name: job.marks.name,
			create_time: new Date(job.createdAt).toISOString(),
			expire_time: new Date(job.expiresAt).toISOString(),
			cancel_time: state === "cancelled" ? new Date(store.now).toISOString() : null,
			cancel_by_xai_message: state === "failed" ? "the file could not be read" : null,
			...(over && { cost_breakdown: { total_cost_usd_ticks: (totals.input + totals.output) * 10_000 } }),
			state: {
				num_requests: isParsed ? job.rows.length : 0,
				num_pending: isParsed && !over ? Math.max(1, job.rows.length - succeeded - failed) : 0,
				num_success: succeeded,
				num_error: failed,
				num_cancelled: 0,
			},
		};
	};
	if (path === "/batches" && method === "POST") {
		const { name, input_file_id } = parseBody(call.body);
		const rows = rowsOf(store, input_file_id) ?? [];
		const model = String((rows[0]?.body as Json | undefined)?.model ?? "");
		return created(store, { id: store.id("batch_"), wire: "openai", model, rows, marks: { name } }, render);
	}
	if (path === "/batches") return ok({ batches: store.listed().map(render), pagination_token: null });
	const results = /^\/batches\/([^/]+)\/results$/.exec(path)?.[1];
	if (results !== undefined) {
		const job = store.jobs.find(({ id }) => id === results);
		if (job === undefined) return notFound;
		const lines = job.results(store.now);
		const from = Number(query.get("pagination_token") ?? 0);
		const limit = Number(query.get("limit") ?? 100);
		const page = lines.slice(from, from + limit).map((result) =>
			result.ok
				? {
						batch_request_id: result.customId,
						batch_result: { response: { chat_get_completion: result.body } },
					}
				: { batch_request_id: result.customId, error_message: result.message },
		);
		return ok({ results: page, pagination_token: from + limit < lines.length ? String(from + limit) : null });
	}
	const [, id, isCancel] = /^\/batches\/([^/:]+)(:cancel)?$/.exec(path) ?? [];
	const job = id === undefined ? undefined : store.find(id);
	if (job === undefined) return notFound;
	if (isCancel) job.cancel(store.now);
	return ok(render(job));
};
