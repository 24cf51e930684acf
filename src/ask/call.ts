import { AnswerText } from "../answer-text.ts";
import type { CachedAnswer } from "../cache/answer.ts";
import { AbortedError, partialTextOf, RequestError } from "../errors.ts";
import type { Exchange, Http } from "../http/contract.ts";
import { findPrice, nearestModels } from "../models/pricing.ts";
import type { ModelRoute, RouteServer } from "../models/router.ts";
import type { Adapter, Answer, AnswerPart, PromptCache } from "../providers/adapter.ts";
import { loadAdapter } from "../providers/adapters.ts";
import { simulatedBaseUrl } from "../providers/simulated.ts";
import type { Ledger } from "../state/ledger.ts";
import type { StreamPart } from "../types.ts";
import type { Accounting } from "./accounting.ts";
import type { PendingAnswer } from "./answer.ts";
import type { OpenedStream } from "./answer-stream.ts";
import type { Question } from "./question.ts";

export interface CallerOptions {
	readonly model: string;
	readonly route: ModelRoute;
	readonly http: Http;
	readonly ledger: Ledger | undefined;
	readonly accounting: Accounting;
	readonly onNote: ((note: string) => void) | undefined;
}

export interface AttemptOptions {
	readonly key: string | undefined;
	/** The place of the server among those of the route. */
	readonly server: number;
	readonly signal: AbortSignal | undefined;
	/** An earlier sending may have been billed: nothing below may send this one twice. */
	readonly resend?: boolean | undefined;
	/** Requests sent for this answer, this one included. */
	readonly attempts?: number | undefined;
	/** The answer comes as a stream, for gateways that cut long silences; nobody hears its parts. */
	readonly streamed?: boolean | undefined;
	/** What of the prompt the provider is asked to keep. */
	readonly promptCache?: PromptCache | undefined;
	/** Of a streamed answer: it has begun. */
	readonly onBegun?: (() => void) | undefined;
	/** Several requests for one answer go out one after another, because they have one slot between them. */
	readonly inTurn?: boolean | undefined;
	/** Sees the exchange when it is over, for the limiter. */
	readonly onExchange?: ((exchange: Exchange) => void) | undefined;
	/** Called each time before the first byte of a request leaves. */
	readonly onLeave?: (() => void) | undefined;
	/** Is called once when nothing of it is on the way any more. */
	readonly onEnd?: (() => void) | undefined;
}

export interface StreamOptions extends AttemptOptions {
	/** Called with the complete answer, and awaited, before the finish is passed on. */
	readonly onWhole?: ((answer: CachedAnswer) => Promise<void>) | undefined;
}

/**
 * One request at a time: adapter, price, ledger. It knows how to ask once; when to ask again is the business of
 * whoever holds it.
 */
export class Caller {
	readonly #options: CallerOptions;
	/** By server. */
	readonly #adapters: (Adapter | undefined)[] = [];
	readonly #loading: Promise<Adapter>[] = [];
	/** A gateway gave up an answer that took too long to come whole. */
	#isCutWhenSilent = false;

	constructor(options: CallerOptions) {
		this.#options = options;
	}

	/**
	 * Sends what is still missing of an answer, once. More answers than one request may ask for go out side by side, or
	 * in turn; those that come are kept even when another fails.
	 * @throws RequestError | AbortedError
	 */
	async attempt(pending: PendingAnswer, options: AttemptOptions): Promise<void> {
		try {
			const adapter = this.#adapters[options.server] ?? (await this.#loadAdapter(options));
			pending.latencyMs = 0;
			while (pending.missing > 0) {
				const before = pending.missing;
				const perCall = this.#isStreamed(options) ? 1 : adapter.choicesPerCall;
				const calls: Promise<void>[] = [];
				for (let left = options.inTurn ? Math.min(before, perCall) : before; left > 0; left -= perCall)
					calls.push(this.#complete(adapter, pending, Math.min(perCall, left), options));
				if (calls.length === 1) await calls[0];
				else await allOrFirstError(calls);
				// A server that ignores `n` answers once per request; one that gives nothing would loop forever.
				if (pending.missing === before) break;
			}
		} finally {
			options.onEnd?.();
		}
	}

	async #complete(
		adapter: Adapter,
		pending: PendingAnswer,
		n: number,
		options: AttemptOptions,
	): Promise<void> {
		const { question } = pending;
		const { accounting } = this.#options;
		const exchange = this.#begin(options);
		pending.attempts += 1;
		try {
			const call = this.#callOf(question, n, options, exchange);
			const answer = this.#isStreamed(options)
				? await readStream(adapter.stream(call), options.onBegun)
				: await adapter.complete(call);
			const bill = accounting.price(answer, n, options.server, question.parameters);
			const latencyMs = elapsedMs(exchange);
			pending.add(answer.choices, bill.usage, bill.cost.usd, answer.response);
			pending.latencyMs = Math.max(pending.latencyMs, latencyMs);
			accounting.noteAnswer(bill, latencyMs);
		} catch (error) {
			if (isGatewayTimeout(error, elapsedMs(exchange))) this.#isCutWhenSilent = true;
			pending.addFailedCost(this.#noteFailure(question, error, exchange, options, partialTextOf(error)));
			throw error;
		} finally {
			exchange.close();
			options.onExchange?.(exchange);
		}
	}

	#isStreamed({ streamed }: AttemptOptions): boolean {
		return streamed === true || this.#isCutWhenSilent;
	}

	/**
	 * Opens a stream and waits for its first part, so that a failure before it can be retried. The ledger row is
	 * written when the stream ends, however it ends.
	 * @throws RequestError | AbortedError
	 */
	async open(question: Question, options: StreamOptions): Promise<OpenedStream> {
		const rest = this.#parts(question, options);
		return { first: await rest.next(), rest };
	}

	async *#parts(question: Question, options: StreamOptions): AsyncGenerator<StreamPart, void> {
		const { accounting, ledger } = this.#options;
		const { attempts = 1, onWhole } = options;
		const received = new AnswerText();
		let exchange: Exchange | undefined;
		let noted = false;
		const noteFailure = (error: unknown) => {
			if (noted || exchange === undefined) return;
			noted = true;
			this.#noteFailure(question, error, exchange, options, received.text + received.reasoning);
		};
		try {
			const adapter = await this.#loadAdapter(options);
			exchange = this.#begin(options);
			for await (const part of adapter.stream(this.#callOf(question, 1, options, exchange))) {
				if (part.type !== "finish") {
					received.add(part);
					yield part;
					continue;
				}
				noted = true;
				const { choice, response } = part;
				const bill = accounting.price(part, 1, options.server, question.parameters);
				const { usage } = bill;
				const costUsd = bill.cost.usd;
				const latencyMs = Math.round(elapsedMs(exchange));
				accounting.noteAnswer(bill, latencyMs, attempts);
				// Whoever acts on the finish may rely on the row.
				await ledger?.flush();
				await onWhole?.({ choices: [choice], usage, costUsd, response });
				const { finishReason, details } = choice;
				const facts = { usage, costUsd, cached: false, attempts, latencyMs };
				yield { type: "finish", finishReason, ...facts, details, response };
			}
		} catch (error) {
			noteFailure(error);
			// What fails in the middle of a stream does not know of the tries before it.
			if (error instanceof RequestError) error.attempts = attempts;
			throw error;
		} finally {
			if (!noted) noteFailure(new AbortedError("the stream was left before its end"));
			exchange?.close();
			if (exchange !== undefined) options.onExchange?.(exchange);
			options.onEnd?.();
			await ledger?.flush();
		}
	}

	/** Makes a request as it would be sent. @throws UnsupportedError for what the provider or model does not take */
	async assertTakes({ messages, parameters, n }: Question): Promise<void> {
		const { route, http } = this.#options;
		const adapter = await loadAdapter(route, http.fetch);
		const { modelId } = route;
		await adapter.requestBody({ modelId, messages, parameters, n: Math.min(n, adapter.choicesPerCall) });
	}

	async #loadAdapter({ server }: AttemptOptions): Promise<Adapter> {
		const { route, http } = this.#options;
		this.#loading[server] ??= (async () => {
			const { baseUrl, keys } = route.servers[server] as RouteServer;
			const { provider } = route;
			return loadAdapter({ provider, baseUrl: baseUrl || (await simulatedBaseUrl()), keys }, http.fetch);
		})();
		const adapter = await this.#loading[server];
		this.#adapters[server] = adapter;
		return adapter;
	}

	#begin({ signal, resend, onLeave }: AttemptOptions): Exchange {
		return this.#options.http.begin({ signal, ownConnection: resend, onLeave });
	}

	#callOf(
		{ messages, parameters }: Question,
		n: number,
		{ key, promptCache }: AttemptOptions,
		exchange: Exchange,
	) {
		const { route, onNote } = this.#options;
		return { modelId: route.modelId, messages, parameters, n, key, exchange, onNote, promptCache };
	}

	/** A model that the provider does not know is most often a typing error. */
	#suggestModel(error: unknown): void {
		if (!(error instanceof RequestError) || error.errorClass !== "not_found") return;
		const { provider, modelId } = this.#options.route;
		if (findPrice(provider.id, modelId) !== null) return;
		const near = nearestModels(provider.id, modelId);
		if (near.length > 0) error.hint = [`did you mean ${near.join(" or ")}?`, error.hint].join("\n");
	}

	/** Returns USD: 0 when nothing was billed, null when unknown. */
	#noteFailure(
		question: Question,
		error: unknown,
		exchange: Exchange,
		{ server }: AttemptOptions,
		received: string,
	): number | null {
		this.#suggestModel(error);
		const { sent } = exchange;
		const latencyMs = elapsedMs(exchange);
		return this.#options.accounting.noteFailure({ question, error, server, sent, received, latencyMs });
	}
}

/**
 * Whether a gateway in front of the model gave the answer up after a while (Cloudflare with 524, after 100 s): the same
 * request would meet it again, unless something of the answer comes sooner.
 */
function isGatewayTimeout(error: unknown, ms: number): boolean {
	const { status } = error instanceof RequestError ? error : {};
	return (
		status === 524 || (ms >= patienceOfGatewaysMs && (status === 504 || status === 598 || status === 599))
	);
}

/** A 504 that comes sooner has another cause. */
const patienceOfGatewaysMs = 20_000;

/** A streamed answer as if it had come whole. @throws what the stream throws */
async function readStream(parts: AsyncIterable<AnswerPart>, onBegun?: () => void): Promise<Answer> {
	let last: AnswerPart | undefined;
	for await (const part of parts) {
		if (last === undefined) onBegun?.();
		last = part;
	}
	if (last?.type !== "finish") throw new TypeError("an answer without a finish part");
	const { choice, usage, charges, response } = last;
	return { choices: [choice], usage, charges, response };
}

/** Waits for all, so that no answer is lost, and then throws the first failure. */
async function allOrFirstError(calls: readonly Promise<void>[]): Promise<void> {
	for (const outcome of await Promise.allSettled(calls))
		if (outcome.status === "rejected") throw outcome.reason;
}

/** Ms since the request went out; 0 when it did not. */
function elapsedMs({ sentAt }: Exchange): number {
	return sentAt === undefined ? 0 : performance.now() - sentAt;
}
