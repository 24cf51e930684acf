import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RateLevel, RateSnapshot } from "../../src/limits/rate-headers.ts";
import { systemClock } from "../../src/schedule/clock.ts";
import { inputTokens } from "../rate-control/clients.ts";
import { seeded } from "../rate-control/provider.ts";
import { ServerError, type World, type WorldClock, WorldServer } from "../rate-control/world.ts";

/** A world that programs can send to, as one of OpenAI's servers. Its time begins with the first request. */
export class WorldListener {
	readonly #world: World;
	readonly #server = createServer((request, response) => void this.#answer(request, response));
	#worldServer: WorldServer | undefined;
	#clock: WorldClock | undefined;
	answered = 0;

	private constructor(world: World) {
		this.#world = world;
		this.#server.keepAliveTimeout = 60_000;
	}

	static async open(world: World): Promise<WorldListener> {
		const listener = new WorldListener(world);
		await new Promise<void>((resolve) => listener.#server.listen(0, "127.0.0.1", resolve));
		return listener;
	}

	get url(): string {
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
	}

	/** When the last request ended, in ms since the first one came in. */
	get lastMs(): number {
		return this.#worldServer?.lastMs ?? 0;
	}

	get refusals(): number {
		return this.#worldServer?.refusedAt.length ?? 0;
	}

	close(): void {
		this.#server.closeAllConnections();
		this.#server.close();
	}

	async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
		let body = "";
		for await (const chunk of request) body += String(chunk);
		const { messages } = JSON.parse(body) as { messages: readonly { content: string }[] };
		const row = Number(/^row (\d+)/.exec(messages.at(-1)?.content ?? "")?.[1]);
		this.#clock ??= startClock();
		this.#worldServer ??= new WorldServer(this.#world, this.#clock, seeded(1));
		const input = inputTokens(row, this.#world.meanTokens);
		try {
			const { snapshot, outputTokens } = await this.#worldServer.request(row, input);
			this.answered += 1;
			send(response, 200, headersOf(snapshot), {
				id: "x",
				object: "chat.completion",
				choices: [{ index: 0, message: { role: "assistant", content: "ok" }, finish_reason: "stop" }],
				usage: {
					prompt_tokens: input,
					completion_tokens: outputTokens,
					total_tokens: input + outputTokens,
				},
			});
		} catch (error) {
			if (!(error instanceof ServerError)) throw error;
			const { errorClass, advice, snapshot } = error;
			const status = error.status ?? 500;
			const hint = advice.afterMs === undefined ? undefined : { "retry-after-ms": String(advice.afterMs) };
			send(response, status, { ...headersOf(snapshot), ...hint }, { error: errorBodies[errorClass] });
		}
	}
}

const errorBodies: Readonly<Record<string, object>> = {
	rate_limit: { message: "Rate limit reached", type: "requests", code: "rate_limit_exceeded" },
	invalid_request: {
		message:
			"Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 342389. The input or output tokens must be reduced in order to run successfully.",
		type: "tokens",
		code: "rate_limit_exceeded",
	},
	overloaded: { message: "The server is overloaded", type: "server_error", code: null },
	quota: {
		message: "You exceeded your current quota",
		type: "insufficient_quota",
		code: "insufficient_quota",
	},
};

function startClock(): WorldClock {
	const startedAt = systemClock.now();
	return {
		now: () => systemClock.now() - startedAt,
		sleep: systemClock.sleep,
		after: (ms, callback) => void setTimeout(callback, ms),
	};
}

function headersOf(snapshot: RateSnapshot | undefined): Record<string, string> {
	return { ...levelHeaders("requests", snapshot?.requests), ...levelHeaders("tokens", snapshot?.tokens) };
}

function levelHeaders(of: string, level: RateLevel | undefined): Record<string, string> {
	if (level?.limit === undefined) return {};
	return {
		[`x-ratelimit-limit-${of}`]: String(level.limit),
		[`x-ratelimit-remaining-${of}`]: String(level.remaining),
		[`x-ratelimit-reset-${of}`]: `${Math.ceil(level.resetMs ?? 0)}ms`,
	};
}

function send(
	response: ServerResponse,
	status: number,
	headers: Record<string, string>,
	body: unknown,
): void {
	response.writeHead(status, { "content-type": "application/json", ...headers });
	response.end(JSON.stringify(body));
}
