import type { LLMParts } from "../ask/parts.ts";
import { createHttp } from "../http/http.ts";
import { loadAdapter } from "../providers/adapters.ts";
import { simulatedBaseUrl } from "../providers/simulated.ts";
import { type Ledger, scanLedger } from "../state/ledger.ts";
import { type JobEvents, type JobRecord, jobId } from "./job-log.ts";
import { ModelJobs } from "./model-jobs.ts";

/** Results of a job may be larger than any answer; they go to the disk as they come. */
const resultBytes = Number.MAX_SAFE_INTEGER;

export interface OpenJobsOptions {
	readonly signal?: AbortSignal | undefined;
	/** Ms between two looks at a job; 60 s by default. */
	readonly pollMs?: number | undefined;
	/** Takes what happens to jobs, too. */
	readonly beside?: JobEvents | undefined;
	/** Nothing is going to be sent, so that no key is needed. */
	readonly isRehearsal?: boolean | undefined;
}

/** The batch jobs of a model, with connections of their own; the caller closes them. */
export interface OpenJobs extends AsyncDisposable {
	readonly jobs: ModelJobs;
	readonly pollMs: number;
	/** Rows of a job that are in the ledger: each is booked once. */
	bookedRows(record: JobRecord): Promise<ReadonlySet<string>>;
	flushLedger(): Promise<void>;
}

/**
 * Opens the batch jobs of a model. Nothing is sent yet.
 * @throws NoJobsError when the provider has no batch API that llmx speaks
 */
export async function openJobs(
	model: string,
	{ route: routed, network, accounting, ledger, cached, paths, clock }: LLMParts,
	{ signal, pollMs = 60_000, beside }: OpenJobsOptions,
): Promise<OpenJobs> {
	const http = createHttp({ ...network, timeouts: {}, caps: { bodyBytes: resultBytes } });
	try {
		const baseUrl = routed.baseUrl === "" ? await simulatedBaseUrl() : routed.baseUrl;
		const route = { ...routed, baseUrl };
		const jobs = new ModelJobs({
			model,
			route,
			http,
			adapter: await loadAdapter(route, http.fetch),
			accounting,
			logPath: paths.jobs,
			beside,
			folder: paths.jobFiles,
			store: (question, answer) => void cached.store(cached.key(question), answer),
			signal,
			pollMs,
			sleep: (ms, stop) => clock.sleep(ms, stop),
		});
		return {
			jobs,
			pollMs,
			bookedRows: (record) => bookedRows(ledger, jobId(record) as string),
			flushLedger: async () => ledger?.flush(),
			[Symbol.asyncDispose]: () => http.close(),
		};
	} catch (error) {
		await http.close();
		throw error;
	}
}

async function bookedRows(ledger: Ledger | undefined, job: string): Promise<ReadonlySet<string>> {
	const rows = new Set<string>();
	if (ledger === undefined) return rows;
	await ledger.flush();
	await scanLedger(ledger.path, (row) => {
		if (row.job === job && row.row !== null) rows.add(row.row);
	});
	return rows;
}
