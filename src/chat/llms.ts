import type { LLM } from "../llm.ts";
import type { Session } from "../state/session-lines.ts";
import type { Cost, Usage } from "../types.ts";
import { addUsage } from "../types.ts";
import type { ChatHost } from "./host.ts";
import { totalsOf } from "./record.ts";

/** What answers took. */
export interface Spent {
	/** USD. */
	readonly cost: Cost;
	/** Tokens. */
	readonly usage: Usage;
}

/** The models that were asked in a session, and what all its answers took, those of earlier processes included. */
export class SessionModels {
	readonly #host: ChatHost;
	readonly #session: string;
	#before: Spent;
	readonly #llms = new Map<string, LLM>();

	/**
	 * `before` is what the session took so far, when that is known. Else its file tells at once what its answers took,
	 * and the ledger a little later what it really was: answers that were undone or asked for again are paid for too.
	 */
	constructor(host: ChatHost, session: Session, before?: Spent) {
		this.#host = host;
		this.#session = session.name;
		this.#before = before ?? totalsOf(session);
		if (before !== undefined || session.messages.length === 0) return;
		void host.sessionSpent?.(session.name).then((spent) => {
			if (spent !== null) this.#before = spent;
		});
	}

	/** Made on first use. @throws NoRouteError when nobody serves the model */
	get(model: string): LLM {
		let llm = this.#llms.get(model);
		if (llm === undefined) {
			llm = this.#host.createLLM(model, this.#session);
			this.#llms.set(model, llm);
		}
		return llm;
	}

	/** USD. */
	get cost(): Cost {
		let { usd, unknownCalls } = this.#before.cost;
		for (const { cost } of this.#llms.values()) {
			usd += cost.usd;
			unknownCalls += cost.unknownCalls;
		}
		return { usd, unknownCalls };
	}

	/** Tokens. */
	get usage(): Usage {
		return [...this.#llms.values()].reduce((sum, { usage }) => addUsage(sum, usage), this.#before.usage);
	}

	async close(): Promise<void> {
		await Promise.all([...this.#llms.values()].map((llm) => llm.close()));
	}
}
