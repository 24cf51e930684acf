import { isOver, type SimulatedJob, type SimulatedRowResult } from "./job.ts";
import { created, type JobDialectServer, ok, parseBody, refused, resultBytes } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

/** Anthropic: rows go with the job, counters stay 0 until it has ended, one file of results. */
export const anthropicServer: JobDialectServer = (call, store) => {
	const { method, path, origin, base, query } = call;
	// Another origin that leads here all the same.
	const resultsOrigin = ({ fault }: SimulatedJob) =>
		fault === "other-host" ? origin.replace("127.0.0.1", "localhost") : origin;
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const ended = isOver(state);
		const results = ended ? job.results(store.now) : [];
		const counted = (kind: string) => results.filter((result) => !result.ok && result.kind === kind).length;
		return {
			id: job.id,
			type: "message_batch",
			processing_status: ended ? "ended" : state === "cancelling" ? "canceling" : "in_progress",
			request_counts: {
				processing: ended ? 0 : job.rows.length,
				succeeded: results.filter(({ ok }) => ok).length,
				errored: counted("failed"),
				canceled: counted("cancelled"),
				expired: counted("expired"),
			},
			created_at: new Date(job.createdAt).toISOString(),
			expires_at: new Date(job.expiresAt).toISOString(),
			results_url: ended ? `${resultsOrigin(job)}${base}/v1/messages/batches/${job.id}/results` : null,
		};
	};
	if (path === "/v1/messages/batches" && method === "POST") {
		const { requests } = parseBody(call.body) as { requests?: readonly Json[] };
		const rows = (requests ?? []).map(({ custom_id, params }) => ({
			customId: String(custom_id),
			body: params as Json,
		}));
		const long = rows.find(({ customId }) => !/^[A-Za-z0-9_-]{1,64}$/.test(customId));
		if (long !== undefined)
			return {
				status: 400,
				body: {
					type: "error",
					error: {
						type: "invalid_request_error",
						message: "custom_id: String should have at most 64 characters",
					},
				},
			};
		const model = String(rows[0]?.body.model ?? "");
		return created(store, { id: store.id("msgbatch_"), wire: "anthropic", model, rows, marks: {} }, render);
	}
	if (path === "/v1/messages/batches") {
		const jobs = store.listed();
		const after = query.get("after_id");
		const from = after === null ? 0 : jobs.findIndex(({ id }) => id === after) + 1;
		const data = jobs.slice(from, from + Number(query.get("limit") ?? 20));
		return ok({ data: data.map(render), has_more: false, last_id: data.at(-1)?.id ?? null });
	}
	const [, id, action] = /^\/v1\/messages\/batches\/([^/]+?)(?:\/(cancel|results))?$/.exec(path) ?? [];
	if (id === undefined) return undefined;
	const job = store.find(id);
	if (job === undefined)
		return { status: 404, body: { type: "error", error: { type: "not_found_error", message: "Not found" } } };
	if (action === "cancel") job.cancel(store.now);
	const isElsewhere = String(call.headers.host).startsWith("localhost");
	if (isElsewhere && call.headers["x-api-key"] !== undefined) return refused(400, "a key of another origin");
	if (action === "results") return resultBytes(job, job.results(store.now).map(anthropicLine));
	return ok(render(job));
};

function anthropicLine(result: SimulatedRowResult): Json {
	const { customId: custom_id } = result;
	if (result.ok) return { custom_id, result: { type: "succeeded", message: result.body } };
	if (result.kind === "expired") return { custom_id, result: { type: "expired" } };
	if (result.kind === "cancelled") return { custom_id, result: { type: "canceled" } };
	const error = { type: "invalid_request_error", message: result.message };
	return { custom_id, result: { type: "errored", error: { type: "error", error } } };
}
