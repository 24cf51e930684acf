import type { IncomingMessage, ServerResponse } from "node:http";
import { Accounts } from "./accounts.ts";
import { Call, type Host, json, wires } from "./call.ts";
import type { Dialect } from "./dialect-names.ts";
import { limitHeaders } from "./dialects.ts";
import { FaultPlan } from "./faults/plan.ts";
import { SimulatedJobs } from "./jobs/server.ts";
import type { AccountLimits, Limits } from "./limits.ts";
import { Listener } from "./listener.ts";
import { type AnswerPace, simulatedModels } from "./models.ts";
import type { LoggedRequest, Simulator, SimulatorOptions, SimulatorStats } from "./options.ts";
import { KeptPrompts } from "./prompt-cache.ts";
import { drawLatency, type Random, seededRandom } from "./random.ts";
import { refusal } from "./refusals.ts";
import {
	keyOf,
	readRequest,
	routeOf,
	type SimulatedRequest,
	type SimulatedRoute,
	type WireName,
} from "./request.ts";
import { RequestLog } from "./request-log.ts";

export { faults } from "./faults/table.ts";
export { jobFaultTable } from "./jobs/faults.ts";
export { simulatedModels } from "./models.ts";
export type { LoggedRequest, Simulator, SimulatorOptions, SimulatorStats } from "./options.ts";

const maxBodyBytes = 256 * 1024 * 1024;

/** Starts the simulator; resolves when it listens. Throws for an unknown fault name in the options. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
	const simulator = new LoopbackSimulator(options);
	await simulator.comeUp();
	return simulator;
}

class LoopbackSimulator implements Simulator {
	readonly stats: SimulatorStats = {
		requests: 0,
		answered: 0,
		rateLimited: 0,
		inFlight: 0,
		mostInFlight: 0,
		connections: 0,
		inputTokens: 0,
		outputTokens: 0,
		faults: {},
	};
	readonly #options: SimulatorOptions;
	readonly #listener: Listener;
	readonly #log: RequestLog;
	readonly #accounts: Accounts;
	readonly #faults: FaultPlan;
	readonly #jobs: SimulatedJobs;
	readonly #random: Random;
	readonly #now: () => number;
	readonly #hasLatency: boolean;
	readonly #host: Host = {
		outage: (ms) => void this.#listener.outage(ms),
		promptCache: new KeptPrompts(),
	};
	#count = 0;

	constructor(options: SimulatorOptions) {
		this.#options = options;
		const origin = Date.now() - performance.now();
		this.#now = options.now ?? (() => origin + performance.now());
		this.#random = seededRandom(options.seed ?? 1);
		this.#accounts = new Accounts(options.limits, options.accounts, this.#now);
		this.#faults = new FaultPlan(options.errors ?? {}, options.keyFaults ?? {}, this.#random);
		this.#jobs = new SimulatedJobs(options.jobs ?? {}, this.#now);
		this.#log = new RequestLog(options.logSize ?? 1_000, this.#now);
		const { latency = 0, tokensPerSecond } = options;
		this.#hasLatency = typeof latency === "object" || latency > 0 || tokensPerSecond !== undefined;
		this.#listener = new Listener(
			options,
			(request, response) => this.#receive(request, response),
			() => this.stats.connections++,
		);
	}

	get url(): string {
		return `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
	}

	get port(): number {
		return this.#listener.port;
	}

	get jobs(): Readonly<Record<string, number>> {
		return this.#jobs.rows;
	}

	get requests(): readonly LoggedRequest[] {
		return this.#log.requests;
	}

	setLimits(limits: Limits, account?: string): void {
		this.#accounts.change(limits, account);
	}

	comeUp(): Promise<void> {
		return this.#listener.comeUp();
	}

	goDown(): Promise<void> {
		return this.#listener.goDown();
	}

	close(): Promise<void> {
		return this.#listener.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}

	#receive(request: IncomingMessage, response: ServerResponse): void {
		const url = request.url ?? "/";
		const route = routeOf(request.method ?? "GET", url, request.headers);
		const chunks: Buffer[] = [];
		let size = 0;
		request.on("data", (chunk: Buffer) => {
			size += chunk.length;
			if (size <= maxBodyBytes) chunks.push(chunk);
		});
		request.on("end", () => {
			if (route?.kind === "generate") {
				const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
				this.#generate(route, request, response, body.toString());
			} else if (route?.kind === "models") {
				this.#listModels(route.wire, request, response);
			} else {
				const body = Buffer.concat(chunks);
				if (!this.#jobs.serve(request, response, body, this.url))
					this.#control(request, response, body.toString());
			}
		});
	}

	#generate(
		route: Extract<SimulatedRoute, { kind: "generate" }>,
		incoming: IncomingMessage,
		response: ServerResponse,
		bodyText: string,
	): void {
		const { stats } = this;
		const options = this.#options;
		const wire = wires[route.wire];
		let request: SimulatedRequest;
		try {
			request = readRequest(route, incoming.url ?? "/", incoming.headers, JSON.parse(bodyText));
		} catch (error) {
			sendJson(response, 400, wire.error(400, { message: `simulator: ${(error as Error).message}` }));
			return;
		}
		stats.requests++;
		const model = request.model;
		if (options.keys !== undefined && !options.keys.includes(request.key)) {
			this.#log.note(request, "bad-key");
			this.#faults.badKey(new Call(this.#host, request, response, this.#count++));
			return;
		}
		if (options.models !== undefined && !options.models.includes(model)) {
			this.#log.note(request, "unknown-model");
			sendJson(
				response,
				404,
				wire.error(404, {
					message: `The model \`${model}\` does not exist or you do not have access to it.`,
				}),
			);
			return;
		}
		this.#begin(request, response);
	}

	/** Limits, then faults, then the answer. */
	#begin(request: SimulatedRequest, response: ServerResponse): void {
		if (response.closed) return;
		const { stats } = this;
		const call = new Call(this.#host, request, response, this.#count++);
		const limits = this.#accounts.of(request.key);
		if (limits !== undefined && !this.#admit(call, limits)) return;
		stats.inFlight++;
		stats.mostInFlight = Math.max(stats.mostInFlight, stats.inFlight);
		response.once("close", () => {
			stats.inFlight--;
			limits?.release();
		});
		this.#listener.closeWhenDue(response);
		const fault = this.#faults.choose(request);
		if (fault !== undefined) {
			stats.faults[fault.name] = (stats.faults[fault.name] ?? 0) + 1;
			this.#log.note(request, fault.name);
			// A value that makes no sense (a status that is not a number) ends this connection, not the server.
			fault.play(call).catch(() => call.socket.destroy());
			return;
		}
		this.#log.note(request, "answered");
		stats.answered++;
		stats.inputTokens += call.answer.inputTokens;
		stats.outputTokens += call.answer.outputTokens;
		void call.respond(this.#paceOf(call));
	}

	/** Takes the request's place within the limits, or answers it with the dialect's 429. */
	#admit(call: Call, limits: AccountLimits): boolean {
		const { chargeMaxTokens, retryHint = "computed", dialect = dialectOf(call.request.wire) } = this.#options;
		const { inputTokens, outputTokens } = call.answer;
		const charged = chargeMaxTokens ? (call.request.maxTokens ?? outputTokens) : outputTokens;
		const admission = limits.admit(inputTokens + charged);
		const state = limits.state();
		if (admission.admitted) {
			call.limitHeaders = limitHeaders(dialect, state, this.#now());
			return true;
		}
		this.stats.rateLimited++;
		this.#log.note(call.request, "rate-limited");
		const computed = retryHint === "computed" ? admission.retryAfterMs : retryHint;
		const hintMs = computed === "none" ? undefined : computed;
		const { limitedBy } = admission;
		const refused = refusal(dialect, limitedBy, hintMs, state, this.#now(), call.request.model);
		call.send(refused.status, json, refused.body, refused.headers);
		return false;
	}

	#paceOf(call: Call): AnswerPace | undefined {
		if (call.answer.pace !== undefined) return call.answer.pace;
		if (!this.#hasLatency) return undefined;
		return {
			firstTokenMs: drawLatency(this.#options.latency ?? 0, this.#random),
			tokensPerSecond: this.#options.tokensPerSecond ?? Number.POSITIVE_INFINITY,
		};
	}

	#listModels(wire: WireName, incoming: IncomingMessage, response: ServerResponse): void {
		const { keys, models } = this.#options;
		if (keys !== undefined && !keys.includes(keyOf(incoming.headers, incoming.url ?? "/"))) {
			sendJson(response, 401, wires[wire].error(401, { message: "Incorrect API key provided." }));
			return;
		}
		const listed = models?.map((id) => ({ id, contextWindow: 128_000 })) ?? simulatedModels;
		sendJson(response, 200, wires[wire].models(listed));
	}

	/** What is not a provider's endpoint: statistics and limits for whoever drives the simulator from outside. */
	#control(incoming: IncomingMessage, response: ServerResponse, bodyText: string): void {
		const endpoint = `${incoming.method} ${incoming.url}`;
		if (endpoint === "GET /simulator/stats") {
			sendJson(response, 200, JSON.stringify({ ...this.stats, jobs: this.jobs }));
		} else if (endpoint === "POST /simulator/limits") {
			try {
				this.setLimits(JSON.parse(bodyText) as Limits);
				sendJson(response, 200, "{}");
			} catch (error) {
				sendJson(response, 400, JSON.stringify({ error: { message: (error as Error).message } }));
			}
		} else {
			sendJson(response, 404, JSON.stringify({ error: { message: `simulator: no endpoint ${endpoint}` } }));
		}
	}
}

function sendJson(response: ServerResponse, status: number, body: string): void {
	response.writeHead(status, ["content-type", json, "content-length", String(Buffer.byteLength(body))]);
	response.end(body);
}

function dialectOf(wire: WireName): Dialect {
	return wire === "responses" ? "openai" : wire;
}
