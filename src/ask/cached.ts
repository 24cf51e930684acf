import type { CachedAnswer } from "../cache/answer.ts";
import { type CacheConfig, cacheKey } from "../cache/key.ts";
import type { ResponseCache } from "../cache/response-cache.ts";
import type { ModelRoute } from "../models/router.ts";
import type { Parameters, WireFormat } from "../parameters/table.ts";
import type { ProviderRow } from "../providers/provider-row.ts";
import { providers } from "../providers/registry.ts";
import type { Result } from "../types.ts";
import type { Accounting } from "./accounting.ts";
import { toResult } from "./answer.ts";
import type { Question } from "./question.ts";

export interface CachedAnswersOptions {
	readonly model: string;
	readonly route: ModelRoute;
	/** Undefined where nothing is kept. */
	readonly cache: ResponseCache | undefined;
	readonly accounting: Accounting;
}

/** The answers of one model that are there already. */
export class CachedAnswers {
	readonly #options: CachedAnswersOptions;
	readonly #unusual: Unusual;
	#parameters: Parameters | undefined;
	#config: CacheConfig | undefined;

	constructor(options: CachedAnswersOptions) {
		this.#options = options;
		this.#unusual = unusualOf(options.route.provider);
	}

	/** The cache key of a question: SHA-256 over everything that shapes the answer. */
	key({ messages, prompt, parameters, n }: Question): string {
		const { model } = this.#options;
		const config = this.#configOf(parameters, n);
		if (prompt) return cacheKey({ model, prompt: prompt.text, system: prompt.system ?? null, config });
		return cacheKey({ model, messages, config });
	}

	/** One object for all questions in a row that share their parameters, so that it is written as JSON once. */
	#configOf(parameters: Parameters, n: number): CacheConfig {
		if (this.#config === undefined || this.#parameters !== parameters || this.#config.n !== n) {
			const { provider, baseUrl } = this.#options.route;
			const { wire, schemaForm } = this.#unusual;
			this.#parameters = parameters;
			this.#config = {
				provider: provider.id,
				baseUrl,
				wire,
				schemaForm: parameters.responseFormat?.type === "json-schema" ? schemaForm : undefined,
				n,
				...parameters,
			};
		}
		return this.#config;
	}

	/** Stored answers in the order of the keys; undefined where there is none. */
	async find(keys: readonly string[]): Promise<readonly (CachedAnswer | undefined)[]> {
		return this.#options.cache?.getMany(keys) ?? [];
	}

	/** Whether there is a stored answer to each of some questions. */
	async areFound(questions: readonly Question[]): Promise<boolean[]> {
		const found = await this.find(questions.map((question) => this.key(question)));
		return questions.map((_, index) => found[index] !== undefined);
	}

	/**
	 * Makes a result of a stored or shared answer, and notes in the ledger what it saved. When `judge` throws, so does
	 * this, and nothing is noted.
	 */
	reuse(
		{ choices, usage, costUsd, response }: CachedAnswer,
		judge = (result: Result): Result => result,
	): Result {
		const facts = { choices, usage, costUsd: 0, cached: true, attempts: 0, latencyMs: 0, response };
		const result = judge(toResult(this.#options.model, facts));
		this.#options.accounting.noteReuse(usage, costUsd);
		return result;
	}

	/** Keeps a complete answer; resolves when that was tried. */
	async store(key: string, answer: CachedAnswer): Promise<void> {
		await this.#options.cache?.set(key, answer);
	}

	/** Resolves when every answer passed to `store` so far has been written, or has failed to be. */
	async flush(): Promise<void> {
		await this.#options.cache?.flush();
	}
}

/** What shapes answers and is not what the provider is known for; undefined where it is. */
interface Unusual {
	readonly wire: WireFormat | undefined;
	readonly schemaForm: ProviderRow["schemaForm"] | undefined;
}

/** On another wire a raw parameter means something else, and a schema in the prompt is another prompt. */
function unusualOf({ id, wire, schemaForm }: ProviderRow): Unusual {
	const known = Object.hasOwn(providers, id) ? providers[id as keyof typeof providers] : undefined;
	return {
		wire: wire === (known?.wire ?? "openai") ? undefined : wire,
		schemaForm: schemaForm === (known?.schemaForm ?? "field") ? undefined : schemaForm,
	};
}
