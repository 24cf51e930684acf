/** Turns of a conversation and messages of a session file: one made from the other. */

import type { Turn } from "../conversation.ts";
import type { LLM } from "../llm.ts";
import type { NewMessage, Session, SessionMessage } from "../state/sessions/session-lines.ts";
import type { OpenSession } from "../state/sessions/sessions.ts";
import { attachmentLabels, typedText } from "./content.ts";
import type { AnswerEnd, ShownTurn } from "./view.ts";

/** A turn and its messages in the session's tree; null where the file could not be written. */
export interface PlacedTurn {
	readonly turn: Turn;
	readonly question: number | null;
	readonly answer: number | null;
	/** Short names of what went with the question. */
	readonly attachments: readonly string[];
	/** It is the summary of the conversation before it. */
	readonly isSummary: boolean;
	/** The connection or the server ended the answer, not the user. */
	readonly isCut: boolean;
	/** The provider's content filter ended it. */
	readonly isFiltered: boolean;
}

/** Pairs questions with answers; a question that was never answered is not a turn. */
export function placeTurns(messages: readonly SessionMessage[]): PlacedTurn[] {
	const turns: PlacedTurn[] = [];
	let question: SessionMessage | undefined;
	for (const message of messages) {
		if (message.role === "user") question = message;
		if (message.role !== "assistant" || question === undefined) continue;
		turns.push(placeTurn(question, message));
		question = undefined;
	}
	return turns;
}

export function placeTurn(question: SessionMessage, answer: SessionMessage): PlacedTurn {
	const interrupted = answer.interrupted === true;
	const finish = {
		finishReason: answer.finishReason ?? "stop",
		// Behind a summary less is sent than when the answer was first given.
		usage: answer.copyOf === undefined ? (answer.usage ?? null) : null,
		costUsd: answer.costUsd ?? null,
		cached: answer.cached === true,
		attempts: 0,
		latencyMs: 0,
	} as const;
	return {
		turn: {
			user: { role: "user", content: question.content },
			assistant: { role: "assistant", content: answer.content },
			interrupted,
			finish: interrupted ? null : finish,
		},
		question: question.id,
		answer: answer.id,
		attachments: question.attachments ?? attachmentLabels(question.content),
		isSummary: answer.summary === true,
		isCut: answer.cut === true,
		isFiltered: answer.finishReason === "content-filter",
	};
}

/** What is kept of a turn besides itself. */
export interface TurnFacts {
	readonly llm: Pick<LLM, "model" | "pricing">;
	/** Short names of what went with the question. */
	readonly attachments: readonly string[];
	/** The connection or the server ended the answer. */
	readonly isCut: boolean;
	/** The provider's content filter ended it. */
	readonly isFiltered: boolean;
	readonly isSummary?: boolean;
}

/** What ended an answer that has no proper end; the user, when nothing else did. */
export function causeOf({ failure, isFiltered }: AnswerEnd): Pick<TurnFacts, "isCut" | "isFiltered"> {
	return { isCut: failure !== null && !isFiltered, isFiltered };
}

/** Keeps a session's file in step with its conversation. */
export class SessionRecord {
	readonly open: OpenSession;
	readonly #onError: (error: unknown) => void;

	/** `onError` hears of a file that cannot be written; the conversation goes on without it. */
	constructor(open: OpenSession, onError: (error: unknown) => void) {
		this.open = open;
		this.#onError = onError;
	}

	get session(): Session {
		return this.open.session;
	}

	/**
	 * Adds a turn behind an answer (null: as a first one). With `question` it is another answer to a question that is
	 * there already. Returns the turn with its place.
	 */
	add(turn: Turn, behind: number | null, question: number | null, facts: TurnFacts): PlacedTurn {
		const { attachments, isCut, isFiltered, isSummary = false } = facts;
		const placed = { turn, attachments, isSummary, isCut, isFiltered };
		const added = this.attempt(() => {
			this.open.goTo(question ?? behind);
			const labels = attachments.length > 0 ? { attachments } : {};
			const own = question === null ? [{ ...turn.user, ...labels }] : [];
			this.open.append(...own, answerOf(turn, facts));
			return this.session.messages.at(-1);
		});
		return { ...placed, question: added?.parent ?? null, answer: added?.id ?? null };
	}

	/** Adds copies of turns, with which a conversation goes on behind its summary. */
	copy(turns: readonly PlacedTurn[]): void {
		const copies = turns
			.flatMap(({ question, answer }) => [question, answer])
			.flatMap((id) => {
				const message = this.session.all.find((other) => other.id === id);
				if (message === undefined) return [];
				const { at: _at, id: copyOf, parent: _parent, ...rest } = message;
				return [{ ...rest, copyOf: message.copyOf ?? copyOf }];
			});
		this.attempt(() => this.open.append(...copies));
	}

	goTo(message: number | null): void {
		this.attempt(() => this.open.goTo(message));
	}

	update(settings: Parameters<OpenSession["update"]>[0]): void {
		this.attempt(() => this.open.update(settings));
	}

	async close(): Promise<void> {
		await this.open.close();
	}

	attempt<T>(action: () => T): T | undefined {
		try {
			return action();
		} catch (error) {
			this.#onError(error);
			return undefined;
		}
	}
}

function answerOf(turn: Turn, facts: TurnFacts): NewMessage {
	const { assistant, interrupted, finish } = turn;
	const { isCut, isFiltered, isSummary } = facts;
	const { model, pricing } = facts.llm;
	const finishReason = isFiltered ? "content-filter" : (finish?.finishReason ?? "stop");
	return {
		...assistant,
		model,
		usage: finish?.usage ?? null,
		costUsd: finish === null && pricing.isFree ? 0 : (finish?.costUsd ?? null),
		cached: finish?.cached ?? false,
		...(finishReason !== "stop" && { finishReason }),
		...(interrupted && { interrupted }),
		...(isCut && { cut: true }),
		...(isSummary && { summary: true }),
	};
}

/** Turns as a view shows them. */
export function shownTurns(turns: readonly PlacedTurn[]): ShownTurn[] {
	return turns.map(({ turn, attachments, isSummary, isCut, isFiltered }) => ({
		question: isSummary ? "" : typedText(turn.user.content),
		attachments,
		answer: typedText(turn.assistant.content),
		end: {
			interrupted: turn.interrupted,
			isCut,
			isSummary,
			finishReason: isFiltered ? "content-filter" : turn.finish?.finishReason,
			cached: turn.finish?.cached === true,
		},
	}));
}
