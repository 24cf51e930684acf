import type { IncomingMessage, ServerResponse } from "node:http";
import { anthropicServer } from "./anthropic.ts";
import { isJobFault, type JobFault } from "./faults.ts";
import { fireworksServer } from "./fireworks.ts";
import { geminiServer } from "./gemini.ts";
import { mistralServer } from "./mistral.ts";
import { openAiServer } from "./openai.ts";
import { openRouterServer } from "./openrouter.ts";
import { type JobCall, type JobDialectServer, type JobReply, wrongAnswer } from "./reply.ts";
import { JobStore, type SimulatedJobsOptions } from "./store.ts";
import { togetherServer } from "./together.ts";
import { xaiServer } from "./xai.ts";

/** Where each dialect lives; the address of a provider is the simulator's with this behind it. */
const bases: readonly { readonly base: string; readonly name: string; readonly serve: JobDialectServer }[] = [
	{ base: "/groq/v1", name: "groq", serve: openAiServer },
	{ base: "/together/v1", name: "together", serve: togetherServer },
	{ base: "/mistral/v1", name: "mistral", serve: mistralServer },
	{ base: "/xai/v1", name: "xai", serve: xaiServer },
	{ base: "/openrouter/v1", name: "openrouter", serve: openRouterServer },
	{ base: "/fireworks/v1", name: "fireworks", serve: fireworksServer },
	{ base: "/v1", name: "openai", serve: openAiServer },
	{ base: "", name: "anthropic", serve: anthropicServer },
	{ base: "", name: "gemini", serve: geminiServer },
];

/** The batch APIs of nine providers. */
export class SimulatedJobs {
	readonly #stores = new Map<string, JobStore>();
	readonly #options: SimulatedJobsOptions;
	readonly #faults: (JobFault | "none")[];
	readonly #now: () => number;

	/** @throws RangeError for a fault that does not exist */
	constructor(options: SimulatedJobsOptions, now: () => number) {
		this.#options = options;
		this.#faults = (options.faults ?? []).map((name) => {
			if (name === "none" || isJobFault(name)) return name;
			throw new RangeError(`the simulator knows no fault of jobs "${name}"`);
		});
		this.#now = now;
	}

	/** Jobs that were created, over all dialects. */
	get created(): number {
		return [...this.#stores.values()].reduce((sum, { jobs }) => sum + jobs.length, 0);
	}

	/** Rows of the created jobs by the provider's id of the job. */
	get rows(): Readonly<Record<string, number>> {
		const jobs = [...this.#stores.values()].flatMap(({ jobs }) => jobs);
		return Object.fromEntries(jobs.map(({ id, rows }) => [id, rows.length]));
	}

	/** Answers a request to a job endpoint; false when it is none. */
	serve(request: IncomingMessage, response: ServerResponse, body: Buffer, origin: string): boolean {
		const url = new URL(request.url ?? "/", origin);
		for (const { base, name, serve } of bases) {
			if (!url.pathname.startsWith(`${base}/`)) continue;
			const call: JobCall = {
				method: request.method ?? "GET",
				path: url.pathname.slice(base.length),
				query: url.searchParams,
				headers: request.headers,
				body,
				origin,
				base,
			};
			const store = this.#storeOf(name);
			const looked = call.method === "GET" && store.jobs.find(({ id }) => call.path.endsWith(`/${id}`));
			const reply = (looked && wrongAnswer(looked)) || serve(call, store);
			if (reply === undefined) continue;
			send(response, reply);
			return true;
		}
		return false;
	}

	#storeOf(name: string): JobStore {
		let store = this.#stores.get(name);
		if (store === undefined) {
			store = new JobStore(this.#options, this.#faults, this.#now);
			this.#stores.set(name, store);
		}
		return store;
	}
}

function send(response: ServerResponse, { status, body, headers, cut }: JobReply): void {
	if (cut === "before") {
		response.socket?.destroy();
		return;
	}
	const bytes = Buffer.isBuffer(body)
		? body
		: Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
	response.writeHead(status, {
		"content-type": "application/json",
		"content-length": bytes.length,
		...headers,
	});
	if (cut === "half") {
		response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy());
		return;
	}
	response.end(bytes);
}
