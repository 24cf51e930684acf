import { partialTextOf } from "../../errors.ts";
import {
	type AskOptions,
	askForJson,
	type LLM,
	type Message,
	type Result,
	type StreamPart,
} from "../../index.ts";
import type { InterruptedAnswer } from "./session.ts";

/** One model to ask. */
export interface AnswerJob {
	readonly llm: LLM;
	readonly messages: readonly Message[];
	readonly options: AskOptions;
	/** Hears the answer, or what came of it before it failed; nothing when nothing came. */
	readonly onEnd?: ((answer: Result | InterruptedAnswer) => void) | undefined;
}

/** How a question ended. */
export type Answered =
	| { readonly ok: true; readonly result: Result }
	/** With what had come; empty when nothing had. */
	| { readonly ok: false; readonly error: unknown; readonly partialText: string };

/** Who hears an answer as it comes. */
export interface AnswerListener {
	onPart(part: StreamPart): void;
	/** What was shown can be taken back: a stream that breaks off is asked for again, and begins anew. */
	onRestart?(): void;
}

/**
 * Never rejects: what came of a failed answer goes with its error. A stream that breaks off is asked for again as long
 * as nothing of it was shown for good, so only what is shown at once is heard part by part.
 */
export async function askOnce(
	{ llm, messages, options }: AnswerJob,
	listener?: AnswerListener,
): Promise<Answered> {
	const asked = { ...options, onPart: listener?.onPart, onRestart: listener?.onRestart };
	try {
		const result = hasSchema(options)
			? await askForJson(llm, messages, asked)
			: await llm.ask(messages, asked);
		return { ok: true, result };
	} catch (error) {
		return { ok: false, error, partialText: partialTextOf(error) };
	}
}

/** Whether the text is handed on as it comes: not before it is known to be valid, and not for several answers. */
export function isStreamed({ streamed, n = 1, ...options }: AskOptions): boolean {
	return streamed === true && n === 1 && !hasSchema(options);
}

export function hasSchema({ responseFormat }: AskOptions): boolean {
	return responseFormat?.type === "json-schema";
}
