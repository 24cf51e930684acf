import type { Chat } from "../chat/chat.ts";
import { nearlyFull } from "../chat/context.ts";
import type { NextQuestion, StatusFacts } from "./state.ts";

/** From so many tokens on a question is worth a look before it is sent. */
const largeQuestion = 10_000;

/** What the status line says of a chat. */
export function readStatus(chat: Chat): StatusFacts {
	const { session, cache, parameters } = chat;
	const { cost, usage } = session.spent;
	const last = session.turns.at(-1);
	const { number, count } = last === undefined ? { number: 1, count: 1 } : session.answersOf(last);
	return {
		model: chat.model,
		title: session.title,
		contextTokens: session.contextTokens,
		contextWindow: chat.host.factsOf(chat.model).contextWindow,
		sessionCost: cost,
		hasSpent: usage.inputTokens + usage.outputTokens > 0 || cost.unknownCalls > 0,
		turnCost: chat.turnCost,
		isCached: chat.answering.lastFinish?.cached === true,
		settings: [
			...(chat.branchBehind === undefined ? [] : ["editing a question · Esc cancels"]),
			...(count > 1 ? [`answer ${number} of ${count}`] : []),
			...(session.system === undefined ? [] : ["system"]),
			...(parameters.reasoningEffort === undefined ? [] : [`effort ${parameters.reasoningEffort}`]),
			...(parameters.temperature === undefined ? [] : [`temperature ${parameters.temperature}`]),
			...(cache === true ? [] : [`cache ${cache === false ? "off" : cache}`]),
		],
	};
}

/** What the question in the box takes, when that is worth a look; undefined when it is not. */
export function readNext(chat: Chat, text: string): NextQuestion | undefined {
	if (chat.busy || (text === "" && chat.attachments.length === 0) || text.startsWith("/")) return undefined;
	const estimate = chat.estimate(text);
	const { tokens, contextWindow, attachedTokens } = estimate;
	const isNearlyFull = contextWindow !== null && tokens >= contextWindow * nearlyFull;
	const isLarge = attachedTokens > 0 || tokens >= largeQuestion;
	return isLarge || isNearlyFull ? estimate : undefined;
}
