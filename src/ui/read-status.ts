import type { Chat } from "../chat/chat.ts";
import type { StatusFacts } from "./state.ts";

/** What the status line says of a chat. */
export function readStatus(chat: Chat): StatusFacts {
	const { usage } = chat;
	const finish = chat.answering.lastFinish;
	const turn = finish?.usage;
	const { cache } = chat;
	return {
		model: chat.model,
		session: chat.record.session.name,
		contextTokens: chat.contextTokens,
		contextWindow: chat.contextWindow,
		sessionCost: chat.cost,
		sessionTokens: usage.inputTokens + usage.outputTokens,
		turnCostUsd: finish?.costUsd,
		turnTokens: turn ? turn.inputTokens + turn.outputTokens : undefined,
		turnCached: finish?.cached === true,
		cacheMode: cache === true ? "on" : cache === false ? "off" : cache,
	};
}
