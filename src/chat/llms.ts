import type { LLM } from "../llm.ts";
import { addSpent, nothingSpent, type Spent } from "../state/sessions/session-costs.ts";
import type { Session } from "../state/sessions/session-lines.ts";
import type { ChatHost } from "./host.ts";

/** The models that were asked in a session, and what all its calls took, those of earlier processes included. */
export class SessionModels {
	readonly #host: ChatHost;
	readonly #session: string;
	/** What was spent before; undefined while the ledger is being read. */
	before: Spent | undefined;
	/** What clients took that are not used any more. */
	#closed: Spent = nothingSpent;
	readonly #llms = new Map<string, LLM>();
	/** Models whose client is to be made with what is set up by now. */
	readonly #renewed = new Set<string>();

	/** `before` is what the session took so far, undefined when that is not known yet. */
	constructor(host: ChatHost, session: Session, before: Spent | undefined) {
		this.#host = host;
		this.#session = session.name;
		this.before = before;
	}

	/** What earlier processes spent is known. */
	get isKnown(): boolean {
		return this.before !== undefined;
	}

	/** Made on first use. @throws NoRouteError when nobody serves the model */
	get(model: string): LLM {
		let llm = this.#llms.get(model);
		if (llm === undefined) {
			llm = this.#host.createLLM(model, this.#session, this.#renewed.has(model));
			this.#llms.set(model, llm);
		}
		return llm;
	}

	/** Forgets a client: the next one is made anew, and reads the keys again. */
	async renew(model: string): Promise<void> {
		const llm = this.#llms.get(model);
		if (llm === undefined) return;
		this.#llms.delete(model);
		this.#renewed.add(model);
		await llm.close();
		this.#closed = addSpent(this.#closed, llm);
	}

	/** USD and tokens that this process took. */
	get own(): Spent {
		return [...this.#llms.values()].reduce(addSpent, this.#closed);
	}

	/** USD and tokens, those of earlier processes included. */
	get spent(): Spent {
		return addSpent(this.before ?? nothingSpent, this.own);
	}

	async close(): Promise<void> {
		await Promise.all([...this.#llms.values()].map((llm) => llm.close()));
	}
}
