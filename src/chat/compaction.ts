import { UsageError } from "../errors.ts";
import { formatCost, formatTokens } from "../terminal/formats.ts";
import type { Chat } from "./chat.ts";
import { typedText } from "./content.ts";

/** How many turns go on word for word behind the summary. */
const keptTurns = 2;

export interface CompactOptions {
	/** Who writes the summary; without it the chat's own model. */
	readonly model: string | undefined;
	/** What it must not leave out, in the user's words. */
	readonly focus: string;
}

function request(focus: string): string {
	const wish = focus === "" ? "" : ` Above all keep: ${focus}`;
	return `Summarise our conversation so far, so that we can go on from your summary alone: what was asked, what was found and decided, names, figures, code and files that still matter, and what is open. Be complete and brief, and write nothing else.${wish}`;
}

/**
 * Lets a model sum up the conversation and goes on behind the summary and the last turns. The long conversation stays
 * in the session, on a branch of its own.
 */
export async function compact(chat: Chat, { model: name, focus }: CompactOptions): Promise<void> {
	const { session } = chat;
	const { turns } = session;
	const kept = Math.min(keptTurns, turns.length - 1);
	if (turns.length < 2) throw new UsageError("there is nothing to compact yet");
	const model = name === undefined ? chat.model : await chat.host.resolveModel(name);
	const llm = session.models.get(model);
	const before = session.contextTokens;
	const answered = await chat.askAside(llm, request(focus));
	const { turn, end } = answered;
	if (turn === undefined || turn.interrupted || end.finish?.finishReason === "length") {
		chat.view.notice("the conversation is unchanged");
		return;
	}
	chat.move(() => session.compact(turn, kept, { llm, attachments: [], isCut: false, isFiltered: false }));
	const cost = chat.turnCost;
	const price = cost === undefined ? "" : ` · ${formatCost(cost)}`;
	const sizes = `${formatTokens(session.contextTokens)} tokens instead of ${formatTokens(before)}`;
	const summary = typedText(turn.assistant.content).trim();
	chat.view.notice(`summary\n${summary}`);
	chat.view.notice(
		`continuing from this summary and the last ${kept === 1 ? "turn" : `${kept} turns`}: ${sizes}${price}\nEsc Esc still lists the earlier questions, and goes back to any of them`,
	);
}
