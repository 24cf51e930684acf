import type { LLMOptions } from "../options.ts";
import type { Servers } from "../schedule/servers.ts";
import type { ReleaseSlot } from "../slots/slots.ts";
import { type Pace, type Pacing, pacingOf, serversOf } from "./pacing.ts";
import type { LLMParts } from "./parts.ts";

/** What is known of the servers, keys and limits of one LLM: it holds for single calls and for runs of many alike. */
export class PacedRoute {
	readonly #parts: LLMParts;
	readonly #options: LLMOptions;
	#servers: Servers | undefined;
	#pacing: Pacing | undefined;

	constructor(parts: LLMParts, options: LLMOptions) {
		this.#parts = parts;
		this.#options = options;
	}

	/** Limiters that know nothing yet, on a clock of the caller's. */
	start(now: () => number, servers = serversOf(this.#parts.route, now)): Pacing {
		return pacingOf(this.#parts, servers, this.#options, now);
	}

	get servers(): Servers {
		this.#servers ??= serversOf(this.#parts.route, () => this.#parts.clock.now());
		return this.#servers;
	}

	/** @throws ConfigError when LLM_GLOBAL_CONCURRENCY is not a positive integer */
	get pacing(): Pacing {
		this.#pacing ??= this.start(() => this.#parts.clock.now(), this.servers);
		return this.#pacing;
	}

	/** Undefined before the limits were first needed. */
	get pace(): Pace | undefined {
		return this.#pacing?.pace;
	}

	/** @throws what `pacing` throws */
	assertUsable(): void {
		void this.pacing;
	}

	/** One of the slots that all processes of the user share, held while a request is in flight; undefined without such a cap. */
	async takeSlot(signal: AbortSignal | undefined): Promise<ReleaseSlot | undefined> {
		const { env = process.env } = this.#options;
		return env.LLM_GLOBAL_CONCURRENCY ? this.pacing.acquireSlot?.(signal) : undefined;
	}

	async close(): Promise<void> {
		await this.#pacing?.close();
	}
}
