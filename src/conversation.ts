import { AnswerText } from "./answer-text.ts";
import type { LLM } from "./llm.ts";
import type { CallOptions } from "./options.ts";
import type { ContentPart, Message, StreamFinish, StreamPart } from "./types.ts";

/** One exchange of a conversation. */
export interface Turn {
	readonly user: Message;
	readonly assistant: Message;
	/** The answer was stopped or cut off; the partial answer is kept, and is sent as history like any other. */
	readonly interrupted: boolean;
	/** How the answer ended; null when it was interrupted. */
	readonly finish: StreamFinish | null;
}

export interface ConversationOptions {
	readonly system?: string | undefined;
	/** Turns of an earlier conversation to continue from. */
	readonly turns?: readonly Turn[];
}

/** A multi-turn history over `LLM.stream`. One call at a time. */
export class Conversation {
	/** Who answers the next turn; may be changed between turns. */
	llm: LLM;
	/** The system prompt of the turns to come. */
	system: string | undefined;
	#turns: Turn[];

	constructor(llm: LLM, { system, turns = [] }: ConversationOptions = {}) {
		this.llm = llm;
		this.system = system;
		this.#turns = [...turns];
	}

	get turns(): readonly Turn[] {
		return this.#turns;
	}

	/** The history as the next call will send it, without the new question. */
	get messages(): readonly Message[] {
		const messages: Message[] = this.system ? [{ role: "system", content: this.system }] : [];
		for (const { user, assistant } of this.#turns) {
			messages.push(user);
			// An answer stopped before its first word is not history: providers refuse empty assistant messages.
			if (assistant.content.length > 0) messages.push(assistant);
		}
		return messages;
	}

	/**
	 * Asks and streams the answer; the turn is added when the stream ends. If the stream is left early, aborted or
	 * cut after some text came, the turn is kept with that text and marked interrupted; if it fails before any text,
	 * no turn is added and the error is thrown.
	 * @throws what `LLM.stream` throws
	 */
	async *send(
		content: string | readonly ContentPart[],
		options: CallOptions = {},
	): AsyncGenerator<StreamPart> {
		const user: Message = { role: "user", content };
		const received = new AnswerText();
		let finish: StreamFinish | null = null;
		try {
			for await (const part of this.llm.stream([...this.messages, user], { continues: true, ...options })) {
				received.add(part);
				if (part.type === "finish") finish = withoutType(part);
				yield part;
			}
		} finally {
			if (finish || received.text !== "") {
				const assistant: Message = { role: "assistant", content: received.text };
				this.#turns.push({ user, assistant, interrupted: finish === null, finish });
			}
		}
	}

	/** Asks and returns the text of the whole answer. @throws what `send` throws */
	async say(content: string | readonly ContentPart[], options: CallOptions = {}): Promise<string> {
		for await (const _ of this.send(content, options));
		return textOf(this.#turns.at(-1)?.assistant.content ?? "");
	}

	/** Puts a turn in the place of the last one, as `/retry` and `/compare` do, or adds the first. */
	replaceLast(turn: Turn): void {
		this.#turns.splice(-1, 1, turn);
	}

	/** Takes back the last turn and returns it. */
	undo(): Turn | undefined {
		return this.#turns.pop();
	}

	/** Forgets all turns; the system prompt stays. */
	clear(): void {
		this.#turns = [];
	}
}

function withoutType({ type: _, ...finish }: StreamFinish & { type: string }): StreamFinish {
	return finish;
}

function textOf(content: Message["content"]): string {
	if (typeof content === "string") return content;
	return content.map((part) => (part.type === "text" ? part.text : "")).join("");
}
