import { isObject } from "../../providers/error-body.ts";
import type { JobClient } from "../client.ts";
import type { JobDialect, JobResult, JobStatus } from "../contract.ts";
import { listBody } from "../part-file.ts";
import { count, findIn, noTotals, stateOf, text, time } from "./common.ts";

/** https://platform.claude.com/docs/en/build-with-claude/batch-processing */
export const anthropicJobs: JobDialect = {
	limits: { rows: 100_000, bytes: 245_000_000 },
	promisedHours: 24,
	retention: { days: 29, from: "creation" },
	canCancel: true,
	line: ({ wireId, body }) => JSON.stringify({ custom_id: wireId, params: body }),
	create: (client, part) =>
		client.create(
			{
				method: "POST",
				path: "/v1/messages/batches",
				headers: { "content-type": "application/json" },
				stream: listBody(part, '{"requests":[', "]}"),
				patient: true,
			},
			({ id }) => id,
		),
	// A job carries no metadata: only its time and its number of rows can tell.
	find: (client, intent) =>
		findIn(intent, pages(client), (job) => {
			const id = text(job.id);
			const fits = totalOf(job) === intent.rows;
			return {
				createdAt: time(job.created_at),
				candidate: fits && id !== undefined ? { rawId: id, sure: false } : undefined,
			};
		}),
	status: async (client, rawId) =>
		anthropicStatus(await client.json({ path: `/v1/messages/batches/${rawId}` })),
	download: async (client, rawId, { payload }, write) => {
		// The address is the server's own word; the key goes to our base URL's host alone.
		const path = text(payload.results_url) ?? `/v1/messages/batches/${rawId}/results`;
		await client.download({ path }, write);
	},
	read,
	cancel: async (client, rawId) => {
		await client.send({ method: "POST", path: `/v1/messages/batches/${rawId}/cancel` });
	},
	remove: async (client, rawId) => {
		await client.send({ method: "DELETE", path: `/v1/messages/batches/${rawId}` });
	},
};

const outcomes = ["processing", "succeeded", "errored", "canceled", "expired"] as const;

function totalOf({ request_counts: counts }: Readonly<Record<string, unknown>>): number | null {
	if (!isObject(counts)) return null;
	return outcomes.reduce((sum, name) => sum + (count(counts[name]) ?? 0), 0);
}

function anthropicStatus(job: Record<string, unknown>): JobStatus {
	const word = text(job.processing_status) ?? "";
	const counts = isObject(job.request_counts) ? job.request_counts : {};
	const state = stateOf(word);
	// Until the whole batch has ended, all but `processing` stay 0.
	const isKnown = state === "completed";
	return {
		state,
		word,
		counts: {
			total: totalOf(job),
			succeeded: isKnown ? count(counts.succeeded) : null,
			failed: isKnown ? count(counts.errored) : null,
		},
		createdAt: time(job.created_at),
		expiresAt: time(job.expires_at),
		problems: [],
		totals: noTotals,
		payload: job,
	};
}

function read(line: unknown): JobResult | undefined {
	if (!isObject(line) || !isObject(line.result)) return undefined;
	const wireId = text(line.custom_id);
	if (wireId === undefined) return undefined;
	const { type, message, error } = line.result;
	switch (type) {
		case "succeeded":
			return { wireId, ok: true, body: message };
		case "expired":
			return { wireId, ok: false, reason: "expired", status: null, error: null };
		case "canceled":
			return { wireId, ok: false, reason: "cancelled", status: null, error: null };
		default:
			return { wireId, ok: false, reason: "failed", status: null, error };
	}
}

async function* pages(client: JobClient): AsyncGenerator<readonly unknown[], void> {
	let after: string | undefined;
	for (;;) {
		const query = { limit: 100, after_id: after };
		const { data, has_more, last_id } = await client.json({ path: "/v1/messages/batches", query });
		yield Array.isArray(data) ? data : [];
		if (has_more !== true || typeof last_id !== "string" || last_id === after) return;
		after = last_id;
	}
}
