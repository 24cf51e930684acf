import { isOver, type SimulatedJob } from "./job.ts";
import { files, rowsOf } from "./openai.ts";
import { created, type JobDialectServer, notFound, ok, parseBody } from "./reply.ts";

type Json = Readonly<Record<string, unknown>>;

/** Together: an upload in three steps, a create that wraps the job, no counts, a list without pages. */
export const togetherServer: JobDialectServer = (call, store) => {
	const { method, path, origin, base } = call;
	if (path === "/files" && method === "POST") {
		const id = store.id("file-");
		const headers = { location: `${origin}${base}/upload/${id}`, "x-together-file-id": id };
		return { status: 302, body: "", headers };
	}
	const upload = /^\/upload\/(.+)$/.exec(path)?.[1];
	if (upload !== undefined && method === "PUT") {
		// The address is signed: a key has no business there.
		if (call.headers.authorization !== undefined)
			return { status: 400, body: "AuthorizationHeaderMalformed" };
		store.addFile(call.body, upload);
		return { status: 200, body: "" };
	}
	if (/^\/files\/[^/]+\/preprocess$/.test(path)) return ok({});
	const file = files(call, store, { jsonlName: false });
	if (file !== undefined) return file;
	const render = (job: SimulatedJob): Json => {
		const state = job.state(store.now);
		const results = isOver(state) ? job.results(store.now) : [];
		const { succeeded, failed } = job.progress(store.now);
		return {
			id: job.id,
			...job.marks,
			status: state.toUpperCase(),
			progress: Math.round(((succeeded + failed) / Math.max(1, job.rows.length)) * 100),
			created_at: new Date(job.createdAt).toISOString(),
			job_deadline: new Date(job.expiresAt).toISOString(),
			...(results.some(({ ok }) => ok) && { output_file_id: `out~${job.id}` }),
			...(results.some(({ ok }) => !ok) && { error_file_id: `err~${job.id}` }),
			...(state === "failed" && { error: "the model is not served in batches" }),
		};
	};
	if (path === "/batches" && method === "POST") {
		const { input_file_id } = parseBody(call.body);
		const rows = rowsOf(store, input_file_id) ?? [];
		const model = String((rows[0]?.body as Json | undefined)?.model ?? "");
		const job = { id: store.id(""), wire: "openai" as const, model, rows, marks: { input_file_id } };
		return created(store, job, (made) => ({ job: render(made), warning: "" }));
	}
	if (path === "/batches") return ok(store.listed().map(render));
	const [, id, isCancel] = /^\/batches\/([^/]+?)(\/cancel)?$/.exec(path) ?? [];
	const job = id === undefined ? undefined : store.find(id);
	if (job === undefined) return notFound;
	if (isCancel) job.cancel(store.now);
	return ok(render(job));
};
