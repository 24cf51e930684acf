import { exitCodes, LlmxError, type RequestError } from "../errors.ts";
import type { ScheduleOptions, ServerChange } from "./schedule-options.ts";
import type { Server } from "./server.ts";
import type { Servers } from "./servers.ts";

/** How long an outage is waited out before the run stops. */
const defaultPatienceMs = 300_000;

interface OutageWatchOptions
	extends Pick<ScheduleOptions<never, never>, "onPause" | "onServer" | "patienceMs"> {
	readonly servers: Servers;
	/** Monotonic ms. */
	readonly now: () => number;
}

/** Whether the servers of a run work: tells of those that do not, and when to give up waiting for all of them. */
export class OutageWatch {
	readonly #options: OutageWatchOptions;
	#startedAt = 0;

	constructor(options: OutageWatchOptions) {
		this.#options = options;
	}

	/** Silences of earlier runs do not count. */
	begin(): void {
		this.#startedAt = this.#options.now();
	}

	answered(server: Server, sentAt: number): void {
		const { name, breaker } = server;
		const now = this.#options.now();
		if (breaker.isOpen) this.#tell({ name, error: undefined });
		breaker.answered();
		server.answered(now, now - sentAt);
	}

	/** A failure that is the server's. Gives back the error that ends the run. */
	failed({ name, breaker, isUnfit }: Server, error: RequestError): LlmxError | undefined {
		const { servers, now: clock, onPause, patienceMs = defaultPatienceMs } = this.#options;
		const now = clock();
		const wasOpen = breaker.isOpen;
		let pauseMs: number | undefined;
		if (error.errorClass === "rate_limit") breaker.refused(now);
		else pauseMs = breaker.failed(now, isUnfit);
		const silentMs = now - Math.max(servers.silentSince ?? now, this.#startedAt);
		if (silentMs >= patienceMs) return outage(silentMs, error);
		if (breaker.isOpen && !wasOpen) this.#tell({ name, error });
		if (pauseMs !== undefined && servers.areOut) onPause?.(pauseMs, error);
		return undefined;
	}

	/** Of a server that is the only one nobody hears but through `onPause`. */
	#tell(change: ServerChange): void {
		if (this.#options.servers.areSeveral) this.#options.onServer?.(change);
	}
}

function outage(silentMs: number, error: RequestError): LlmxError {
	const minutes = Math.round(silentMs / 60_000);
	return new LlmxError(`nothing was answered for ${minutes} minutes: ${error.message}`, {
		cause: error,
		exitCode: exitCodes.outage,
		hint: "what was answered is kept; try again later",
	});
}
