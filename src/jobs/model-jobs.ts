import { randomBytes } from "node:crypto";
import type { Accounting, PricedAnswer } from "../ask/accounting.ts";
import { toResult } from "../ask/answer.ts";
import type { Question } from "../ask/question.ts";
import type { CachedAnswer } from "../cache/answer.ts";
import { LlmxError, RequestError } from "../errors.ts";
import type { Http } from "../http/contract.ts";
import type { ModelRoute } from "../models/router.ts";
import type { Adapter } from "../providers/adapter.ts";
import type { Result } from "../types.ts";
import { JobClient } from "./client.ts";
import { isFinal, type JobDialect, type JobResult, type JobStatus } from "./contract.ts";
import { JobCreation } from "./creation.ts";
import { jobDialects } from "./dialects/table.ts";
import { NoJobsError, otherKey } from "./errors.ts";
import { foreignRecord, type JobEvents, JobLog, type JobRecord, jobId } from "./job-log.ts";
import { PartWriter, removeJobFiles } from "./part-file.ts";
import { patiently } from "./patience.ts";
import { ResultsFile } from "./results-file.ts";
import { keptUntil } from "./retention.ts";
import { rowFailure } from "./row-failure.ts";

export interface ModelJobsOptions {
	/** As the user gave it. */
	readonly model: string;
	readonly route: ModelRoute;
	readonly http: Http;
	readonly adapter: Adapter;
	readonly accounting: Accounting;
	/** jobs.jsonl. */
	readonly logPath: string;
	/** Takes what happens to jobs as well; undefined where they are for no results file. */
	readonly beside: JobEvents | undefined;
	/** Private; holds the files of jobs that are not fetched yet. */
	readonly folder: string;
	/** Keeps complete answers, under the question they answer. */
	readonly store: ((question: Question, answer: CachedAnswer) => void) | undefined;
	readonly signal: AbortSignal | undefined;
	/** Ms between two looks at a job; the list of jobs is believed once this long has passed since a create. */
	readonly pollMs: number;
	readonly sleep: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

/** Of the tokens that may be queued, so much is used: the provider counts other jobs and other words. */
const queueShare = 0.9;

/** A row's answer with what it cost. */
export interface JobAnswer {
	readonly result: Result;
	readonly answer: CachedAnswer;
}

/** The batch jobs of one model at its provider: looks at them, and brings their results home. */
export class ModelJobs {
	readonly dialect: JobDialect;
	/** Of the key that new jobs are created with and the server: jobs of another key cannot be seen with this one. */
	readonly fingerprint: string;
	readonly log: JobLog;
	readonly creation: JobCreation;
	readonly #options: ModelJobsOptions;
	/** One for each key, by its fingerprint. */
	readonly #clients: ReadonlyMap<string, JobClient>;

	/** @throws NoJobsError when the provider has no batch API that llmx speaks */
	constructor(options: ModelJobsOptions) {
		const { provider, baseUrl, keys } = options.route;
		if (provider.jobs === null)
			throw new NoJobsError(`${provider.label} has no batch API that llmx speaks`, {
				hint: "omit --via-jobs to send the rows now",
			});
		this.#options = options;
		this.dialect = jobDialects[provider.jobs];
		this.log = new JobLog(options.logPath, options.beside);
		const clientFor = (key: ModelRoute["keys"][number] | undefined) =>
			new JobClient({
				http: options.http,
				provider,
				// Fireworks serves jobs beside its inference, not under it.
				baseUrl: baseUrl.replace(/\/inference\/v1$/, "/v1"),
				key: key?.value,
				auth: authOf(options.route, key),
				signal: options.signal,
			});
		const [first] = keys;
		this.fingerprint = fingerprintOf(baseUrl, first?.value);
		const client = clientFor(first);
		const others = keys.slice(1).map((key) => [fingerprintOf(baseUrl, key.value), clientFor(key)] as const);
		this.#clients = new Map([...others, [this.fingerprint, client]]);
		this.creation = new JobCreation({
			...options,
			dialect: this.dialect,
			log: this.log,
			client,
			clientOf: (record) => this.#clientOf(record),
			fingerprint: this.fingerprint,
		});
	}

	/** Where files of jobs lie that are not fetched yet. */
	get folder(): string {
		return this.#options.folder;
	}

	get model(): string {
		return this.#options.model;
	}

	/** Registry id of the provider. */
	get provider(): string {
		return this.#options.route.provider.id;
	}

	/** A job that another machine created, as far as its id tells. */
	foreignRecord(rawId: string, rows: number): JobRecord {
		const { route } = this.#options;
		const { provider, modelId, baseUrl } = route;
		const key = this.fingerprint;
		return foreignRecord({ rawId, rows, provider: provider.id, model: this.model, modelId, baseUrl, key });
	}

	/** Whether the key that a job was created with is at hand, and the server is the same. */
	canSee({ key }: JobRecord): boolean {
		return this.#clients.has(key);
	}

	/** Of several keys the one that a job was created with: no other is ever tried on it. */
	#clientOf(record: JobRecord): JobClient {
		const client = this.#clients.get(record.key);
		if (client === undefined) throw otherKey(record, this.model);
		return client;
	}

	/** One row as a line of a job's file. @throws UnsupportedError for what the provider cannot take */
	async line(wireId: string, { messages, parameters, n }: Question): Promise<string> {
		const { modelId } = this.#options.route;
		const body = await this.#options.adapter.requestBody({ modelId, messages, parameters, n });
		return this.dialect.line({ wireId, modelId, body });
	}

	/** Tokens that jobs of a model may have queued at once: not all that the provider last allowed. */
	room(modelId: string): number {
		return (this.log.room(this.provider, modelId) ?? Number.POSITIVE_INFINITY) * queueShare;
	}

	/** Begins a part: a file of rows that becomes one job. */
	newPart(): PartWriter {
		return new PartWriter(this.#options.folder, randomBytes(8).toString("hex"));
	}

	/** What the provider says of a job now. */
	async status(record: JobRecord): Promise<JobStatus> {
		try {
			return await this.dialect.status(this.#clientOf(record), record.rawId as string);
		} catch (error) {
			throw this.#gone(record, error) ?? error;
		}
	}

	/**
	 * Downloads what there is of an ended job; a second time it is taken from the disk. What is no result, or holds fewer
	 * answers than the provider counts, is downloaded again: rows that it leaves out would be paid for again.
	 * @throws RequestError when nothing of it can be read; LlmxError when it is gone
	 */
	async results(record: JobRecord, status: JobStatus): Promise<ResultsFile> {
		const { folder, pollMs, sleep, signal } = this.#options;
		const client = this.#clientOf(record);
		const open = async (isLast: boolean) => {
			const results = await ResultsFile.open({
				folder,
				tag: record.tag,
				dialect: this.dialect,
				download: (write) => this.dialect.download(client, record.rawId as string, status, write),
			});
			const isPage = results.size === 0 && results.unreadable > 0;
			const isShort = results.unreadable > 0 || results.succeeded < (status.counts.succeeded ?? 0);
			if (!isPage && (isLast || !isShort)) return results;
			results.discard();
			throw client.malformed(undefined, isPage ? "a page instead of results" : "not all of the results");
		};
		try {
			return await patiently(open, { pollMs, sleep: (ms) => sleep(ms, signal), alsoMalformed: true });
		} catch (error) {
			throw this.#gone(record, error) ?? error;
		}
	}

	/** What is not found after the time for which it is kept is no matter of the network. */
	#gone(record: JobRecord, error: unknown): LlmxError | undefined {
		const until = keptUntil(record.submittedAt, this.dialect.retention);
		const isMissing = error instanceof RequestError && error.errorClass === "not_found";
		if (!isMissing || until === null || Date.now() < until) return undefined;
		const id = jobId(record) ?? record.tag;
		const { label } = this.#options.route.provider;
		return new LlmxError(
			`the results of ${id} are gone: ${label} keeps them for ${this.dialect.retention?.days} days`,
			{ cause: error, hint: `to send its rows, and pay for them, again: llmx jobs rm ${id}` },
		);
	}

	/**
	 * The answer in a row's result, priced at the rates of jobs and noted in the ledger once per job and row.
	 * @throws RequestError when the row failed, or its answer is none
	 */
	take(record: JobRecord, result: JobResult, question: Question, isBooked: boolean): JobAnswer {
		const { adapter, accounting, http, route, store } = this.#options;
		const exchange = http.begin();
		const key = undefined;
		const call = { ...question, modelId: route.modelId, key, exchange };
		const mark = { job: jobId(record) as string, row: result.wireId };
		try {
			if (!result.ok) throw rowFailure(route.provider, route.modelId, result);
			const { choices, usage, charges, response } = adapter.readAnswer(result.body, call);
			const priced = accounting.price({ usage, charges: { ...charges, tier: "batch" } }, question.n);
			if (!isBooked) accounting.noteAnswer(priced, 0, 1, mark);
			const answer = { choices, usage: priced.usage, costUsd: priced.cost.usd, response };
			const isKnown = question.messages.length > 0;
			if (isKnown && choices.length >= question.n) store?.(question, answer);
			const facts = { cached: false, attempts: 1, latencyMs: 0 };
			return { answer, result: toResult(this.model, { ...answer, ...facts }) };
		} catch (error) {
			if (!isBooked && error instanceof RequestError && (error.usage !== null || error.maybeBilled))
				accounting.noteJobFailure(error, this.#billOf(error), mark);
			throw error;
		} finally {
			exchange.close();
		}
	}

	/** USD of a row that `take` threw for: 0 when nothing was billed, null when nobody knows. */
	failureCost(error: unknown): number | null {
		if (!(error instanceof RequestError) || (error.usage === null && !error.maybeBilled)) return 0;
		return this.#billOf(error).cost.usd;
	}

	#billOf({ usage, charges }: RequestError): PricedAnswer {
		return this.#options.accounting.price({ usage, charges: { ...charges, tier: "batch" } });
	}

	/** Asks the provider to stop a job; rows that are done stay done, and are paid for. */
	async cancel(record: JobRecord): Promise<void> {
		await this.dialect.cancel(this.#clientOf(record), record.rawId as string);
	}

	/** Deletes what the provider keeps of an ended job. */
	async remove(record: JobRecord, status: JobStatus): Promise<void> {
		const client = this.#clientOf(record);
		if (isFinal(status.state)) await this.dialect.remove(client, record.rawId as string, status);
	}

	/** Gives up a part that was never submitted. */
	discard(tag: string): void {
		removeJobFiles(this.#options.folder, tag);
	}

	/** All that there was of it is where it was asked for. */
	fetched(record: JobRecord): void {
		this.log.append({ event: "fetched", job: record.tag, at: new Date().toISOString() });
		removeJobFiles(this.#options.folder, record.tag);
	}

	/** Why a row cannot be part of a job, in the provider's words. */
	refusal(message: string): RequestError {
		const { provider, modelId } = this.#options.route;
		const result = { reason: "failed", status: 400, error: { message } } as const;
		return rowFailure(provider, modelId, result);
	}
}

function fingerprintOf(baseUrl: string, key = ""): string {
	return process.getBuiltinModule("node:crypto").hash("sha256", `${baseUrl}\n${key}`).slice(0, 12);
}

function authOf(
	{ provider }: ModelRoute,
	key: ModelRoute["keys"][number] | undefined,
): Readonly<Record<string, string>> {
	const version = provider.wire === "anthropic" ? { "anthropic-version": "2023-06-01" } : {};
	if (key === undefined) return version;
	if (provider.wire === "gemini") return { "x-goog-api-key": key.value };
	if (provider.wire === "anthropic" && key.bearer !== true) return { ...version, "x-api-key": key.value };
	return { ...version, authorization: `Bearer ${key.value}` };
}
