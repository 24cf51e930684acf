import type { IncomingMessage } from "node:http";
import type { AccountOptions } from "./accounts.ts";
import type { Dialect } from "./dialect-names.ts";
import type { RetryHint } from "./dialects.ts";
import type { SimulatedJobsOptions } from "./jobs/store.ts";
import type { Limits } from "./limits.ts";
import type { Latency } from "./random.ts";
import type { WireName } from "./request.ts";

export interface SimulatorOptions {
	/** A free port by default. The server listens on 127.0.0.1 only. */
	readonly port?: number | undefined;
	/** Limits of every account; accounts with limits of their own keep those. */
	readonly limits?: Limits | undefined;
	/** Keys that share an account's limits. A key in no account is an account by itself. */
	readonly accounts?: Readonly<Record<string, AccountOptions>> | undefined;
	/** When given, any other key gets the wire's answer to a bad key. */
	readonly keys?: readonly string[] | undefined;
	/** Keys that always meet a fault: `{ "sk-spent": "insufficient-quota" }`. */
	readonly keyFaults?: Readonly<Record<string, string>> | undefined;
	/** When given, other model ids get the wire's "not found". */
	readonly models?: readonly string[] | undefined;
	/** Whose limit headers and 429s; by default those of the wire spoken. */
	readonly dialect?: Dialect | undefined;
	readonly retryHint?: RetryHint | undefined;
	/** Count `max_tokens` instead of the answer's tokens, as providers do that charge up front. */
	readonly chargeMaxTokens?: boolean | undefined;
	/** Until the answer (or, in a stream, its first content) in ms; 0 by default. */
	readonly latency?: Latency | undefined;
	/** The pace of the answer after its first token; unlimited by default. */
	readonly tokensPerSecond?: number | undefined;
	/** Faults by rate: `{ "503": 0.01, "cut-stream": 0.02 }` (share of the requests). */
	readonly errors?: Readonly<Record<string, number>> | undefined;
	/** Seed of latency and error draws. */
	readonly seed?: number | undefined;
	/** How many of the last requests are kept in `requests`; 1,000 by default. */
	readonly logSize?: number | undefined;
	/** The server closes a connection, unannounced, after so many answers, as local servers do. */
	readonly answersPerConnection?: number | undefined;
	/** Let the process end although the server listens. */
	readonly unref?: boolean | undefined;
	/** Serve https with a certificate that nobody trusts. */
	readonly tls?: boolean | undefined;
	/** How batch jobs fare. */
	readonly jobs?: SimulatedJobsOptions | undefined;
	/** Epoch ms, never going back; the limits' clock. */
	readonly now?: (() => number) | undefined;
}

/** One generation request as it arrived. */
export interface LoggedRequest {
	readonly wire: WireName;
	readonly path: string;
	readonly model: string;
	readonly key: string;
	readonly stream: boolean;
	readonly prompt: string;
	readonly headers: IncomingMessage["headers"];
	readonly body: Readonly<Record<string, unknown>>;
	/** Epoch ms. */
	readonly at: number;
	/** "answered", "rate-limited", "bad-key", "unknown-model", or the fault's name. */
	readonly outcome: string;
}

export interface SimulatorStats {
	/** Generation requests read, whatever became of them. */
	requests: number;
	/** Given to a model to answer. */
	answered: number;
	/** Refused by the limits. */
	rateLimited: number;
	inFlight: number;
	mostInFlight: number;
	connections: number;
	/** Of answered requests. */
	inputTokens: number;
	outputTokens: number;
	/** How often each fault was played. */
	faults: Record<string, number>;
}

export interface Simulator {
	/** Origin without a trailing slash and without a version: `http://127.0.0.1:PORT`. */
	readonly url: string;
	readonly port: number;
	readonly stats: SimulatorStats;
	/** Rows of every batch job that was created, by its id. */
	readonly jobs: Readonly<Record<string, number>>;
	/** The last requests, oldest first. */
	readonly requests: readonly LoggedRequest[];
	/** Replaces the limits of one account, or of all that have none of their own, from now on. */
	setLimits(limits: Limits, account?: string): void;
	/** Cuts all connections and refuses new ones until `comeUp`. */
	goDown(): Promise<void>;
	/** Listens again on the same port. */
	comeUp(): Promise<void>;
	close(): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}
