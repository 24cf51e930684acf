import { wires } from "../call.ts";
import { answerOf } from "../models.ts";
import { readRequest, type SimulatedRequest, type WireName } from "../request.ts";
import type { JobFault } from "./faults.ts";

export interface JobRowInput {
	readonly customId: string;
	readonly body: Readonly<Record<string, unknown>>;
}

export type SimulatedRowResult =
	| { readonly customId: string; readonly ok: true; readonly body: unknown }
	| {
			readonly customId: string;
			readonly ok: false;
			readonly kind: "failed" | "expired" | "cancelled";
			readonly status: number;
			readonly message: string;
	  };

export type SimulatedJobState =
	| "validating"
	| "in_progress"
	| "finalizing"
	| "completed"
	| "failed"
	| "expired"
	| "cancelling"
	| "cancelled";

/** A line that no row may be: in its prompt, for tests. */
const badLine = "[[job:bad-line]]";
const badRow = "[[job:fail]]";

/** One job with everything a dialect may say of it. */
export class SimulatedJob {
	readonly id: string;
	readonly wire: WireName;
	readonly model: string;
	readonly rows: readonly JobRowInput[];
	/** The line, counted from 1, for whose sake the whole job is refused; 0 when all may be. */
	readonly badLine: number;
	readonly createdAt: number;
	readonly fault: JobFault | undefined;
	/** Whatever the creator gave it to be known by. */
	readonly marks: Readonly<Record<string, unknown>>;
	/** Looks and lists that still do not find it. */
	hiddenFor: number;
	cutDownloads: number;
	/** Downloads that still find no results. */
	missedDownloads: number;
	/** Downloads that still bring something else than all results. */
	wrongDownloads: number;
	/** Looks that are still not answered with the job. */
	wrongLooks: number;
	/** Looks that still find a state which is in no documentation. */
	oddLooks: number;
	readonly #lifeMs: number;
	#cancelledAt: number | undefined;
	#results: readonly SimulatedRowResult[] | undefined;
	#isHalf = false;

	constructor(options: {
		readonly id: string;
		readonly wire: WireName;
		readonly model: string;
		readonly rows: readonly JobRowInput[];
		readonly now: number;
		readonly lifeMs: number;
		readonly fault: JobFault | undefined;
		readonly marks: Readonly<Record<string, unknown>>;
	}) {
		this.id = options.id;
		this.wire = options.wire;
		this.model = options.model;
		this.rows = options.rows;
		this.badLine = options.rows.findIndex(({ body }) => JSON.stringify(body).includes(badLine)) + 1;
		this.createdAt = options.now;
		this.fault = options.fault;
		this.marks = options.marks;
		this.hiddenFor = options.fault === "hidden" ? 3 : 0;
		this.cutDownloads = options.fault === "cut" ? 1 : 0;
		this.missedDownloads = options.fault === "late-results" ? 2 : 0;
		this.wrongDownloads = options.fault === "html-results" || options.fault === "short-results" ? 1 : 0;
		this.wrongLooks = options.fault === "html-status" || options.fault === "busy-status" ? 2 : 0;
		this.oddLooks = options.fault === "new-state" ? 2 : 0;
		this.#lifeMs = options.lifeMs;
	}

	get expiresAt(): number {
		return this.createdAt + 86_400_000;
	}

	cancel(now: number): void {
		if (!isOver(this.state(now))) this.#cancelledAt ??= now;
	}

	state(now: number): SimulatedJobState {
		const age = this.#lifeMs === 0 ? 1 : (now - this.createdAt) / this.#lifeMs;
		if (this.#cancelledAt !== undefined)
			return now - this.#cancelledAt < this.#lifeMs / 10 ? "cancelling" : "cancelled";
		if (age < 0.1) return "validating";
		if (this.fault === "fail" || this.fault === "queue-late" || this.badLine > 0) return "failed";
		if (age < 0.9 || this.fault === "stuck") return "in_progress";
		if (age < 1) return "finalizing";
		return this.fault === "expire" ? "expired" : "completed";
	}

	/** Rows that are done by now: answered, and failed. */
	progress(now: number): { readonly succeeded: number; readonly failed: number } {
		const state = this.state(now);
		if (state === "validating" || state === "failed") return { succeeded: 0, failed: 0 };
		const results = this.results(now);
		const share = isOver(state) ? 1 : Math.min(1, (now - this.createdAt) / Math.max(1, this.#lifeMs));
		const seen = results.slice(0, Math.floor(results.length * share));
		const succeeded = seen.filter(({ ok }) => ok).length;
		return { succeeded, failed: seen.length - succeeded };
	}

	/** Tokens of all answers, as the job itself may state them. */
	totals(now: number): { readonly input: number; readonly output: number } {
		const sum = { input: 0, output: 0 };
		for (const result of isOver(this.state(now)) ? this.results(now) : []) {
			const { usage } = (result.ok ? result.body : {}) as { usage?: Readonly<Record<string, number>> };
			sum.input += usage?.prompt_tokens ?? usage?.input_tokens ?? 0;
			sum.output += usage?.completion_tokens ?? usage?.output_tokens ?? 0;
		}
		if (this.fault === "totals") sum.input += 100;
		return sum;
	}

	/** Results in an order that is not the rows'; what was not worked on is expired or cancelled. */
	results(now: number): readonly SimulatedRowResult[] {
		if (this.state(now) === "failed") return [];
		const isHalf = this.fault === "expire" || this.#cancelledAt !== undefined;
		// Every look counts them, and they change only when the job is cancelled.
		if (this.#results !== undefined && this.#isHalf === isHalf) return this.#results;
		const results: SimulatedRowResult[] = [];
		for (const [index, row] of this.rows.entries()) {
			if (this.fault === "missing" && index % 10 === 9) continue;
			const isUndone = isHalf && index >= this.rows.length / 2;
			if (isUndone) {
				const kind = this.fault === "expire" ? "expired" : "cancelled";
				results.push({
					customId: row.customId,
					ok: false,
					kind,
					status: 0,
					message: `This request ${kind}.`,
				});
			} else results.push(this.#answer(row, index));
		}
		if (this.fault === "duplicates")
			for (const { customId } of results.slice(0, 3))
				results.push({ customId, ok: false, kind: "failed", status: 500, message: "worker restarted" });
		if (this.fault === "foreign" && results[0] !== undefined)
			results.push({ ...results[0], customId: "stranger-1" });
		if (this.fault === "no-id" && results[0] !== undefined) results[0] = { ...results[0], customId: "" };
		if (this.fault === "other-ids")
			for (const [index, result] of results.entries())
				results[index] = { ...result, customId: `request-${index}` };
		results.reverse();
		this.#results = results;
		this.#isHalf = isHalf;
		return results;
	}

	#answer({ customId, body }: JobRowInput, index: number): SimulatedRowResult {
		const failed = (status: number, message: string) =>
			({ customId, ok: false, kind: "failed", status, message }) as const;
		if (this.fault === "all-fail" || JSON.stringify(body).includes(badRow))
			return failed(400, "Invalid request: the row says that it fails");
		if (this.fault === "credit" && index >= this.rows.length / 2)
			return failed(400, "Your credit balance is too low to access the API. Please go to Plans & Billing.");
		try {
			const request = this.#request(body);
			return {
				customId,
				ok: true,
				body: JSON.parse(wires[this.wire].plain(request, answerOf(request), index)),
			};
		} catch (error) {
			return failed(400, (error as Error).message);
		}
	}

	#request(body: Readonly<Record<string, unknown>>): SimulatedRequest {
		const named = this.wire === "gemini" ? body : { model: this.model, ...body };
		const route = { kind: "generate", wire: this.wire, model: this.model, stream: false } as const;
		return readRequest(route, "/", {}, named);
	}
}

/** Whether a job has come to its end. */
export function isOver(state: SimulatedJobState): boolean {
	return ["completed", "failed", "expired", "cancelled"].includes(state);
}
