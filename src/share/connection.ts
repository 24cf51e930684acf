import type { Redis } from "ioredis";
import { exitCodes, LlmxError } from "../errors.ts";
import type { ShareAddress } from "./address.ts";

/** A command whose reply takes longer has failed; it may have been carried out all the same. */
const replyMs = 3_000;
const connectMs = 5_000;
/** How long the first connection is tried for. */
const patienceMs = 10_000;
const longestRetryMs = 500;
const noReply = `no reply within ${replyMs / 1000} s`;

/** A Lua script; it is sent once, and then named by its hash. */
export interface RedisScript {
	readonly text: string;
	readonly sha: string;
}

/** What a Redis says of itself. */
export interface RedisServer {
	/** Another one after each restart. */
	readonly runId: string;
}

/** Redis did not carry out a command, or nobody knows whether it did. */
export class RedisFailure extends LlmxError {}

export interface ConnectOptions {
	/** How long a server is tried that cannot be reached; 10 s unless given. */
	readonly patienceMs?: number | undefined;
	/** How long one that is there and does not reply, such as one that stands still, when that is longer. */
	readonly hungMs?: number | undefined;
	/** It does not reply, and is waited for. */
	readonly onHung?: (() => void) | undefined;
}

/** A connection to the one Redis that shards share. It comes back by itself; commands fail while it is away. */
export class RedisConnection {
	readonly #client: Redis;
	readonly #address: ShareAddress;
	#server: RedisServer | undefined;
	#trouble = "the connection was closed";

	private constructor(client: Redis, address: ShareAddress) {
		this.#client = client;
		this.#address = address;
		client.on("error", (error: Error) => {
			this.#trouble = describe(error, address);
		});
		// After this it may be another server, or the same one with older data.
		client.on("close", () => {
			this.#server = undefined;
		});
	}

	/**
	 * Connects, and makes sure that the server will do.
	 * @throws LlmxError that names host and port, and never the password: exit 5 when the server cannot be reached, 4 when
	 * it refuses user or password, 2 when it is too old or a cluster
	 */
	static async open(address: ShareAddress, options: ConnectOptions = {}): Promise<RedisConnection> {
		const { RedisClient } = await import("./client.ts");
		const client = new RedisClient(address.url, {
			lazyConnect: true,
			// Replies have one form, and servers that are too old say so.
			protocol: 2,
			connectTimeout: connectMs,
			commandTimeout: replyMs,
			retryStrategy: (tries: number) => Math.min(50 * 2 ** tries, longestRetryMs) * (0.5 + Math.random() / 2),
			// A command whose reply was lost is repeated by whoever knows what it was for.
			autoResendUnfulfilledCommands: false,
			maxRetriesPerRequest: 0,
			enableOfflineQueue: false,
		});
		const connection = new RedisConnection(client, address);
		try {
			await connection.#begin(options);
			return connection;
		} catch (error) {
			connection.close();
			throw error;
		}
	}

	/** Host, port and database. */
	get shown(): string {
		return this.#address.shown;
	}

	/**
	 * Whether it drops what it holds when its memory is full.
	 * @throws RedisFailure
	 */
	async evicts(): Promise<boolean> {
		return this.#attempt(async () => {
			const memory = readInfo(String(await this.#client.info("memory")));
			return Number(memory.get("maxmemory") ?? 0) > 0 && memory.get("maxmemory_policy") !== "noeviction";
		});
	}

	/**
	 * Runs a script.
	 * @param args what the script is given, made with what the server at the other end says of itself
	 * @throws RedisFailure
	 */
	async run(
		{ text, sha }: RedisScript,
		keys: readonly string[],
		args: (server: RedisServer) => readonly (string | number)[],
	): Promise<unknown> {
		return this.#attempt(async () => {
			const given = args(await this.#identify());
			try {
				return await this.#client.evalsha(sha, keys.length, ...keys, ...given);
			} catch (error) {
				if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
				return await this.#client.eval(text, keys.length, ...keys, ...given);
			}
		});
	}

	/**
	 * Sends one command.
	 * @throws RedisFailure
	 */
	async command(name: string, ...args: readonly (string | number)[]): Promise<unknown> {
		return this.#attempt(() => this.#client.call(name, ...args));
	}

	close(): void {
		this.#client.disconnect();
	}

	async #begin(options: ConnectOptions): Promise<void> {
		const startedAt = performance.now();
		const patience = options.patienceMs ?? patienceMs;
		let isTold = false;
		this.#client.connect().catch(() => {});
		for (;;) {
			try {
				await this.#attempt(() => this.#identify());
				return;
			} catch (error) {
				if (!(error instanceof RedisFailure)) throw error;
				const waitedMs = performance.now() - startedAt;
				// The connection stands, and what it was first asked is not answered.
				if (this.#client.status === "connect" && waitedMs > replyMs) this.#trouble = noReply;
				const isHung = this.#client.status === "connect" || this.#trouble === noReply;
				const most = isHung ? Math.max(patience, options.hungMs ?? 0) : patience;
				if (waitedMs > most || isFinal(this.#trouble)) throw this.#unreachable();
				if (this.#trouble === noReply && !isTold) options.onHung?.();
				isTold ||= this.#trouble === noReply;
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}

	#unreachable(): LlmxError {
		const refused = /^(?:NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/i.test(this.#trouble);
		return new LlmxError(`cannot use the Redis at ${this.shown}: ${this.#trouble}`, {
			exitCode: refused ? exitCodes.auth : exitCodes.outage,
			hint: refused
				? "check user and password of its URL, and what the user may do (docs/sharing.md)"
				: "check host and port, and that it is reachable from here",
		});
	}

	async #identify(): Promise<RedisServer> {
		if (this.#server !== undefined) return this.#server;
		const facts = readInfo(String(await this.#client.info("server")));
		requireServer(facts, this.shown);
		this.#server = { runId: facts.get("run_id") ?? "" };
		return this.#server;
	}

	async #attempt<T>(action: () => Promise<T>): Promise<T> {
		if (this.#client.status !== "ready") throw new RedisFailure(this.#trouble);
		try {
			return await action();
		} catch (error) {
			if (error instanceof LlmxError) throw error;
			this.#trouble = describe(error as Error, this.#address);
			throw new RedisFailure(this.#trouble, { cause: error });
		}
	}
}

/** No patience helps against these. */
function isFinal(trouble: string): boolean {
	return /^(?:NOAUTH|WRONGPASS|NOPERM|ERR)|certificate|self-signed|wrong version number|ENOTFOUND/i.test(
		trouble,
	);
}

function readInfo(text: string): Map<string, string> {
	const lines = text.split(/\r?\n/).map((line) => line.split(":"));
	return new Map(lines.map(([name = "", ...value]) => [name, value.join(":")]));
}

/** @throws LlmxError */
function requireServer(facts: ReadonlyMap<string, string>, shown: string): void {
	const version = facts.get("redis_version") ?? "";
	// Valkey says 7.2.4 here, whatever it is itself.
	if (!(Number.parseInt(version, 10) >= 7))
		throw new LlmxError(`the Redis at ${shown} is too old (${version || "it does not say its version"})`, {
			exitCode: exitCodes.usage,
			hint: "use Redis 7 or newer, or Valkey",
		});
	if (facts.get("redis_mode") === "cluster")
		throw new LlmxError(`the Redis at ${shown} is a cluster`, {
			exitCode: exitCodes.usage,
			hint: "use a single server: what shards share is small",
		});
}

/** What went wrong, without anything of the URL but host and port. */
function describe(error: Error, { url, shown }: ShareAddress): string {
	const { code } = error as NodeJS.ErrnoException;
	let text = error.message || code || error.name;
	if (code !== undefined && !text.includes(code)) text = `${text} (${code})`;
	const { username, password } = new URL(url);
	for (const secret of [url, password, decode(password), `${username}:${password}`])
		if (secret.length > 1) text = text.replaceAll(secret, "…");
	if (text === "Command timed out") return noReply;
	return text.replaceAll(/rediss?:\/\/\S*/gi, shown);
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}
