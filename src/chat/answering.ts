import type { Conversation, Turn } from "../conversation.ts";
import { AbortedError, exitCodes, RequestError } from "../errors.ts";
import type { CallOptions } from "../options.ts";
import type { Message, RetryNotice, StreamFinish } from "../types.ts";
import { typedText } from "./content.ts";
import { describeFailure } from "./failure.ts";
import type { ChatHost } from "./host.ts";
import type { AnswerEnd, ChatView, FailureNotice } from "./view.ts";

/** A wait before a request is sent again. */
export interface RetryWait {
	readonly reason: string;
	/** Wall clock in ms since 1970. */
	readonly until: number;
}

/** What came of a question. */
export interface AnsweredTurn {
	/** The turn, when any text came. */
	readonly turn: Turn | undefined;
	/** For the view, once the turn is kept. */
	readonly end: AnswerEnd;
}

export interface ChatQuestion {
	readonly conversation: Conversation;
	readonly content: Message["content"];
	readonly options: CallOptions;
	/** The second answer of a comparison. */
	readonly aside: boolean;
}

/** Streams answers to a view, one at a time, and can be stopped. */
export class Answering {
	readonly #host: ChatHost;
	readonly #view: ChatView;
	#abort: AbortController | undefined;
	#retry: RetryWait | undefined;
	#finish: StreamFinish | undefined;
	#reasoning = "";
	#refusedKey = false;

	constructor(host: ChatHost, view: ChatView) {
		this.#host = host;
		this.#view = view;
	}

	get busy(): boolean {
		return this.#abort !== undefined;
	}

	get retryWait(): RetryWait | undefined {
		return this.#retry;
	}

	/** The figures of the last complete answer. */
	get lastFinish(): StreamFinish | undefined {
		return this.#finish;
	}

	/** The last question failed because its key was refused, or has nothing left to spend. */
	get refusedKey(): boolean {
		return this.#refusedKey;
	}

	/** Nothing was answered here yet. */
	forget(): void {
		this.#finish = undefined;
		this.#reasoning = "";
	}

	/** What the model thought before its last answer; empty when it did not, or did not say. */
	get lastReasoning(): string {
		return this.#reasoning;
	}

	/** False when nothing is running. */
	stop(): boolean {
		if (this.#abort === undefined) return false;
		this.#abort.abort(new AbortedError());
		return true;
	}

	/** Never throws: a failure is part of what is returned. */
	async run({ conversation, content, options, aside }: ChatQuestion): Promise<AnsweredTurn> {
		const abort = new AbortController();
		this.#abort = abort;
		const { length } = conversation.turns;
		const { model } = conversation.llm;
		let failure: FailureNotice | null = null;
		let isFiltered = false;
		this.#reasoning = "";
		this.#view.answering(model, aside);
		this.#view.changed();
		try {
			const warning = await this.#host.checkBudget();
			if (warning !== null) this.#view.notice(warning);
			const settings = { ...options, signal: abort.signal, onRetry: this.#onRetry };
			for await (const part of conversation.send(content, settings)) {
				this.#endWait();
				if (part.type === "text-delta") this.#view.text(part.text);
				else if (part.type === "reasoning-delta") {
					this.#reasoning += part.text;
					this.#view.reasoning(part.text);
				} else this.#finish = part;
			}
		} catch (error) {
			if (!abort.signal.aborted) {
				failure = describeFailure(error);
				isFiltered = error instanceof RequestError && error.errorClass === "blocked";
				const { auth, quota } = exitCodes;
				this.#refusedKey = failure.exitCode === auth || failure.exitCode === quota;
			}
		}
		this.#abort = undefined;
		this.#retry = undefined;
		const turn = conversation.turns.length > length ? conversation.turns.at(-1) : undefined;
		const finish = turn?.finish ?? null;
		const hasText = turn !== undefined && typedText(turn.assistant.content) !== "";
		const end = { model, finish, interrupted: finish === null, isFiltered, hasText, failure };
		return { turn, end };
	}

	readonly #onRetry = (notice: RetryNotice) => {
		this.#retry = { reason: notice.reason, until: this.#host.now() + notice.delayMs };
		this.#view.waiting(notice.reason, notice.delayMs);
		this.#view.changed();
	};

	#endWait(): void {
		if (this.#retry === undefined) return;
		this.#retry = undefined;
		this.#view.changed();
	}
}
