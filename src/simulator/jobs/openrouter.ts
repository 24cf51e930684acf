import type { SimulatedJob } from "./job.ts";
import { listOf, openAiLine } from "./openai.ts";
import { created, type JobDialectServer, notFound, ok, parseBody } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

/** OpenRouter: rows go with the job, and must stand last in it; results come in the job; nothing cancels it. */
export const openRouterServer: JobDialectServer = (call, store) => {
	const { method, path, query } = call;
	const render = (job: SimulatedJob, isList = false): Json => {
		const state = job.state(store.now);
		const { succeeded, failed } = job.progress(store.now);
		const totals = job.totals(store.now);
		return {
			id: job.id,
			model: job.model,
			status: state,
			request_counts: { total: job.rows.length, completed: succeeded, failed },
			created_at: Math.floor(job.createdAt / 1000),
			expires_at: Math.floor(job.expiresAt / 1000),
			usage: { cost: (totals.input + totals.output) / 1e6 },
			results: state === "completed" && !isList ? job.results(store.now).map(openAiLine) : null,
			...(state === "failed" && { error: { message: "a row of the batch is not valid", code: 400 } }),
		};
	};
	if (path === "/batches" && method === "POST") {
		const names = Object.keys(parseBody(call.body));
		if (names.at(-1) !== "requests")
			return { status: 400, body: { error: { message: "requests must come last", code: 400 } } };
		const { model, requests } = parseBody(call.body) as { model?: string; requests?: readonly Json[] };
		const rows = (requests ?? []).map(({ custom_id, body }) => ({
			customId: String(custom_id),
			body: body as Json,
		}));
		const job = { id: store.id("batch-"), wire: "openai" as const, model: String(model), rows, marks: {} };
		const reply = created(store, job, (made) => ({ id: made.id, status: "validating" }));
		return reply.status === 200 ? { ...reply, status: 202 } : reply;
	}
	if (path === "/batches") return listOf(store, query, (job) => render(job, true));
	const id = /^\/batches\/([^/]+)$/.exec(path)?.[1];
	const job = id === undefined ? undefined : store.find(id);
	return job === undefined ? notFound : ok(render(job));
};
