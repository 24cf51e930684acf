/** What a chat tells whoever shows it. Texts are as they are: the view makes them safe for where they go. */

import type { FinishReason, StreamFinish } from "../types.ts";
import type { Picker } from "./picker.ts";

/** How an answer ended. */
export interface AnswerEnd {
	readonly model: string;
	/** Null when it was stopped or cut. */
	readonly finish: StreamFinish | null;
	/** It has no proper end: the user stopped it, or the connection did. */
	readonly interrupted: boolean;
	/** The provider's content filter ended it. */
	readonly isFiltered: boolean;
	/** Some text came, and is kept. */
	readonly hasText: boolean;
	/** The failure, if there was one; stopping is none. */
	readonly failure: FailureNotice | null;
}

/** A failure in words, with the next step. */
export interface FailureNotice {
	readonly message: string;
	readonly hint: string | undefined;
	readonly exitCode: number;
}

/** One of several answers to one question, of which the user keeps one. */
export interface ComparedAnswer {
	readonly model: string;
	readonly text: string;
	readonly finish: StreamFinish | null;
}

export interface ChatView {
	/** It obeys keys as they are pressed, not only lines. */
	readonly takesKeys: boolean;
	/** A question goes out. */
	asked(text: string, attachments: readonly string[]): void;
	/** The answer begins; `aside` is set for one that is not shown line by line: the second one of a comparison, a summary. */
	answering(model: string, aside: boolean): void;
	reasoning(delta: string): void;
	text(delta: string): void;
	/** The request is sent again after a wait; `Chat.answering.retryWait` says how long it still is. */
	waiting(reason: string, delayMs: number): void;
	/** Resolves when all of the answer is shown. */
	answered(end: AnswerEnd): void | Promise<void>;
	compared(answers: readonly ComparedAnswer[]): void;
	/** Says something about the chat itself. */
	notice(text: string): void;
	failed(failure: FailureNotice): void;
	/** Puts a text into the input for editing, if nothing is there. */
	suggest(text: string): void;
	/** Lets the user choose from a list. */
	pick(picker: Picker): void;
	/** Takes everything off the screen. */
	clear(): void;
	/** Shows the turns of a session that is gone on with, or of another branch of this one. */
	resumed(turns: readonly ShownTurn[]): void;
	/** What the status line reads is different now. */
	changed(): void;
	/** Ends the chat. */
	leave(): void;
}

export interface ShownTurn {
	/** Empty for the summary of what came before. */
	readonly question: string;
	/** Short names of what went with it. */
	readonly attachments: readonly string[];
	readonly answer: string;
	readonly end: TurnEnd;
}

/** How a turn ended that is shown again. */
export interface TurnEnd {
	readonly interrupted: boolean;
	/** The connection or the server ended the answer, not the user. */
	readonly isCut: boolean;
	readonly isSummary: boolean;
	readonly finishReason: FinishReason | undefined;
	readonly cached: boolean;
}
