/** Turns of a conversation and messages of a session file: one made from the other. */

import type { Turn } from "../conversation.ts";
import type { LLM } from "../llm.ts";
import type { Session, SessionMessage } from "../state/session-lines.ts";
import type { OpenSession } from "../state/sessions.ts";
import type { Cost, Usage } from "../types.ts";
import { addUsage, noUsage } from "../types.ts";
import { typedText } from "./content.ts";
import type { ShownTurn } from "./view.ts";

/** A turn and where it ends in its session, as a count of messages. */
interface PlacedTurn {
	readonly turn: Turn;
	readonly end: number;
}

/** Pairs questions with answers; a question that was never answered is no turn. */
function placeTurns(messages: readonly SessionMessage[]): PlacedTurn[] {
	const turns: PlacedTurn[] = [];
	let user: SessionMessage | undefined;
	for (const [index, message] of messages.entries()) {
		if (message.role === "user") user = message;
		if (message.role !== "assistant" || user === undefined) continue;
		const interrupted = message.interrupted === true;
		const finish = {
			finishReason: "stop",
			usage: message.usage ?? null,
			costUsd: message.costUsd ?? null,
			cached: message.cached === true,
			attempts: 0,
			latencyMs: 0,
		} as const;
		const turn: Turn = {
			user: { role: "user", content: user.content },
			assistant: { role: "assistant", content: message.content },
			interrupted,
			finish: interrupted ? null : finish,
		};
		turns.push({ turn, end: index + 1 });
		user = undefined;
	}
	return turns;
}

/** Keeps a session's file in step with its conversation. */
export class SessionRecord {
	readonly open: OpenSession;
	/** For each turn how many messages the session has after it. */
	#ends: number[];
	readonly #onError: (error: unknown) => void;

	/** `onError` hears of a file that cannot be written; the conversation goes on without it. */
	constructor(open: OpenSession, onError: (error: unknown) => void) {
		this.open = open;
		this.#ends = placeTurns(open.session.messages).map(({ end }) => end);
		this.#onError = onError;
	}

	get session(): Session {
		return this.open.session;
	}

	get turns(): Turn[] {
		return placeTurns(this.session.messages).map(({ turn }) => turn);
	}

	/** Adds a turn behind the first `position` ones; what was behind them is dropped from the history. */
	put(turn: Turn, position: number, { model, isFree }: Pick<LLM, "model" | "isFree">): void {
		this.#attempt(() => {
			this.#keep(position);
			const { user, assistant, interrupted, finish } = turn;
			this.open.append(user, {
				...assistant,
				model,
				usage: finish?.usage ?? null,
				costUsd: finish === null && isFree ? 0 : (finish?.costUsd ?? null),
				cached: finish?.cached ?? false,
				...(interrupted && { interrupted }),
			});
			this.#ends.push(this.session.messages.length);
		});
	}

	/** Cuts the history back to its first turns. */
	keep(turns: number): void {
		this.#attempt(() => this.#keep(turns));
	}

	update(settings: Parameters<OpenSession["update"]>[0]): void {
		this.#attempt(() => this.open.update(settings));
	}

	async close(): Promise<void> {
		await this.open.close();
	}

	#keep(turns: number): void {
		if (turns >= this.#ends.length) return;
		const before = turns === 0 ? 0 : (this.#ends[turns - 1] ?? 0);
		this.#ends.length = turns;
		this.open.keep(before);
	}

	#attempt(action: () => void): void {
		try {
			action();
		} catch (error) {
			this.#onError(error);
		}
	}
}

/** What a session's answers took, as far as its file tells. */
export function totalsOf(session: Session): { readonly cost: Cost; readonly usage: Usage } {
	let usd = 0;
	let unknownCalls = 0;
	let usage = noUsage;
	for (const message of session.messages) {
		if (message.role !== "assistant" || message.cached) continue;
		if (message.costUsd === null || message.costUsd === undefined) unknownCalls += 1;
		else usd += message.costUsd;
		if (message.usage) usage = addUsage(usage, message.usage);
	}
	return { cost: { usd, unknownCalls }, usage };
}

/** Turns as a view shows them. */
export function shownTurns(turns: readonly Turn[]): ShownTurn[] {
	return turns.map(({ user, assistant, interrupted }) => ({
		question: typedText(user.content),
		answer: typedText(assistant.content),
		interrupted,
	}));
}
