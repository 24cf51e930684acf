import { UsageError } from "../../errors.ts";
import type { Message, Result } from "../../index.ts";
import type { Paths } from "../../state/paths.ts";
import { beginSession, latestSession, type OpenSession, openSession } from "../../state/sessions.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";

export interface SessionFlags {
	/** `-c`: the last session of this folder, or a new one. */
	readonly continue?: boolean;
	/** `--session NAME`: that session, begun when there is none. */
	readonly session?: string;
}

/** Whether the flags ask for a session at all. */
export function wantsSession(flags: SessionFlags): boolean {
	return flags.continue === true || flags.session !== undefined;
}

/**
 * Opens the session that an `ask` goes on with; undefined when it is none.
 * @throws UsageError for a name that no session can have, or for both flags at once
 */
export async function openAskSession(
	io: Io,
	paths: Paths,
	flags: SessionFlags,
): Promise<OpenSession | undefined> {
	const options = { folder: io.cwd };
	if (flags.continue && flags.session !== undefined) {
		throw new UsageError("--continue and --session exclude each other");
	}
	if (flags.session !== undefined) return announceFork(io, await openSession(paths, flags.session, options));
	if (!flags.continue) return undefined;
	const latest = latestSession(paths, io.cwd);
	if (latest === undefined) return beginSession(paths, options);
	return announceFork(io, await openSession(paths, latest.name, options));
}

function announceFork(io: Io, opened: OpenSession): OpenSession {
	if (opened.forkedFrom !== null) {
		const [from, name] = [sanitizeLine(opened.forkedFrom), sanitizeLine(opened.session.name)];
		io.stderr.write(`llmx: session ${from} is open in another process; going on in a copy, ${name}\n`);
	}
	return opened;
}

/** What came of an answer that was cut short. */
export interface InterruptedAnswer {
	readonly model: string;
	readonly partial: string;
	/** USD; null when unknown. */
	readonly costUsd: number | null;
}

/** Writes down the question and its answer. An answer that was cut short is kept with what came of it. */
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
				};
	if (opened.session.model !== answer.model) opened.update({ model: answer.model });
	if (system !== undefined && opened.session.system !== system) opened.update({ system });
	opened.append(question, message);
}
