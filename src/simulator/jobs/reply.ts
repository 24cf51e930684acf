import type { SimulatedJob } from "./job.ts";
import type { JobStore } from "./store.ts";

/** One request to a job endpoint, below the dialect's base. */
export interface JobCall {
	readonly method: string;
	/** Without the query. */
	readonly path: string;
	readonly query: URLSearchParams;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: Buffer;
	/** Origin of the simulator, for addresses in answers. */
	readonly origin: string;
	/** What stands before `path` in an address. */
	readonly base: string;
}

export interface JobReply {
	readonly status: number;
	/** A value becomes JSON; bytes go out as they are. */
	readonly body: unknown;
	readonly headers?: Readonly<Record<string, string>>;
	/** The connection is cut: before the answer, or after half of it. */
	readonly cut?: "before" | "half";
}

/** Answers of one dialect; undefined for what is none of its endpoints. */
export type JobDialectServer = (call: JobCall, store: JobStore) => JobReply | undefined;

export function ok(body: unknown): JobReply {
	return { status: 200, body };
}

export function refused(status: number, message: string, code: string | null = null): JobReply {
	return { status, body: { error: { message, type: "invalid_request_error", code, param: null } } };
}

export const notFound: JobReply = refused(404, "No such object");

/** Creates a job, with what goes wrong at that. `render` says how the answer looks. */
export function created(
	store: JobStore,
	job: Omit<Parameters<JobStore["create"]>[0], "fault">,
	render: (job: ReturnType<JobStore["create"]>) => unknown,
): JobReply {
	const fault = store.nextFault();
	if (fault === "500") return { status: 500, body: { error: { message: "internal error" } } };
	if (fault === "no-credit")
		return refused(
			429,
			"You exceeded your current quota, please check your plan and billing details.",
			"insufficient_quota",
		);
	if (fault === "queue" || !store.hasRoom(JSON.stringify(job.rows).length))
		return refused(429, store.queueMessage, "token_limit_exceeded");
	const made = store.create({ ...job, fault });
	if (fault === "created-500") return { status: 500, body: { error: { message: "internal error" } } };
	return fault === "lost" ? { status: 200, body: render(made), cut: "before" } : ok(render(made));
}

/** What a hotel's network or a proxy answers with. */
const page: JobReply = {
	status: 200,
	body: "<!doctype html>\n<html><body>Please log in</body></html>\n",
	headers: { "content-type": "text/html" },
};

/** What somebody else answers to a look at a job; undefined when it is answered. */
export function wrongAnswer(job: SimulatedJob): JobReply | undefined {
	if (job.wrongLooks === 0) return undefined;
	job.wrongLooks -= 1;
	return job.fault === "html-status" ? page : refused(429, "Too many requests", "rate_limit_exceeded");
}

/** Bytes of a file of results; the first downloads may find nothing, or be cut. */
export function resultBytes(job: SimulatedJob, lines: readonly unknown[]): JobReply {
	if (job.missedDownloads > 0) {
		job.missedDownloads -= 1;
		return notFound;
	}
	if (job.wrongDownloads > 0) {
		job.wrongDownloads -= 1;
		if (job.fault === "html-results") return page;
		return resultBytes(job, lines.slice(lines.length / 2));
	}
	const body = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
	const headers = { "content-type": "application/jsonl" };
	if (job.cutDownloads > 0) {
		job.cutDownloads -= 1;
		return { status: 200, body, headers, cut: "half" };
	}
	return { status: 200, body, headers };
}

export function parseBody(body: Buffer): Readonly<Record<string, unknown>> {
	try {
		const value: unknown = JSON.parse(body.toString("utf8"));
		return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
	} catch {
		return {};
	}
}
