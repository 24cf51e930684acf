import { UsageError } from "../../errors.ts";
import type { Message, Result } from "../../index.ts";
import type { Paths } from "../../state/paths.ts";
import { beginSession, latestSession, type OpenSession, openSession } from "../../state/sessions/sessions.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";

export interface SessionFlags {
	/** `-c`: the last session of this folder, or a new one. */
	readonly continue?: boolean;
	/** `--session NAME`: that session, started if it does not exist. */
	readonly session?: string;
}

/** Whether the flags ask for a session. */
export function wantsSession(flags: SessionFlags): boolean {
	return flags.continue === true || flags.session !== undefined;
}

/**
 * Opens the session that an `ask` continues; undefined if it continues none.
 * @throws UsageError for a name that no session can have, or for both flags at once
 */
export async function openAskSession(
	io: Io,
	paths: Paths,
	flags: SessionFlags,
): Promise<OpenSession | undefined> {
	const options = { folder: io.cwd };
	if (flags.continue && flags.session !== undefined)
		throw new UsageError("--continue cannot be used with --session");
	if (flags.session !== undefined) return announceFork(io, await openSession(paths, flags.session, options));
	if (!flags.continue) return undefined;
	const latest = latestSession(paths, io.cwd);
	if (latest === undefined) return beginSession(paths, options);
	return announceFork(io, await openSession(paths, latest.name, options));
}

function announceFork(io: Io, opened: OpenSession): OpenSession {
	if (opened.forkedFrom !== null) {
		const [from, name] = [sanitizeLine(opened.forkedFrom), sanitizeLine(opened.session.name)];
		io.stderr.write(`llmx: session ${from} is open in another process; continuing in a copy, ${name}\n`);
	}
	return opened;
}

/** The partial answer of a failed or interrupted request. */
export interface InterruptedAnswer {
	readonly model: string;
	readonly partial: string;
	/** USD; null when unknown. */
	readonly costUsd: number | null;
}

/** Saves the question and its answer, which may be partial. */
export function saveTurn(
	opened: OpenSession,
	{ question, system }: { question: Message; system: string | undefined },
	answer: Result | InterruptedAnswer,
): void {
	const message =
		"partial" in answer
			? {
					role: "assistant" as const,
					content: answer.partial,
					model: answer.model,
					costUsd: answer.costUsd,
					interrupted: true,
				}
			: {
					role: "assistant" as const,
					content: answer.text,
					model: answer.model,
					usage: answer.usage,
					costUsd: answer.costUsd,
					cached: answer.cached,
					finishReason: answer.finishReason,
				};
	if (opened.session.model !== answer.model) opened.update({ model: answer.model });
	if (system !== undefined && opened.session.system !== system) opened.update({ system });
	opened.append(question, message);
}
