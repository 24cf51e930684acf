/** What the lists of a chat hold, and what choosing from them does. */

import { nearestNames } from "../state/nearest.ts";
import { readSession, sessionNames, titleOf } from "../state/sessions/sessions.ts";
import { formatAge, formatPlural, formatTokens, formatUsd } from "../terminal/formats.ts";
import type { Chat } from "./chat.ts";
import { questionsOf } from "./chat-session.ts";
import { typedText } from "./content.ts";
import { describeFailure } from "./failure.ts";
import type { KnownModel } from "./host.ts";
import type { Picker, PickItem } from "./picker.ts";
import { placeTurns, shownTurns } from "./record.ts";
import { describeAnswer, loadSession } from "./switching.ts";

/** So many sessions are looked at: reading all of a long year would be felt. */
const listedSessions = 200;

/** The models, with what they cost and read. */
export function pickModel(chat: Chat): Picker {
	// The one that is used now stands at the top.
	const known = chat.host.models();
	const current = known.filter(({ name }) => name === chat.model);
	const models = [...current, ...known.filter(({ name }) => name !== chat.model)];
	const tokens = chat.session.contextTokens;
	const items = models.map((model): PickItem => ({ ...modelItem(model), detail: turnDetail(model, tokens) }));
	return {
		title: "model",
		summary: describeModel(chat),
		items,
		selected: 0,
		async pick(index) {
			const choice = models[index];
			if (choice === undefined) return;
			await chat.setModel(choice.name);
			chat.view.notice(describeModel(chat));
		},
	};
}

/** The model, what it reads and costs; and what is not known of it. */
export function describeModel({ model, host }: Chat): string {
	const { contextWindow, inputPrice, outputPrice } = host.factsOf(model);
	const size = contextWindow === null ? [] : [`${formatTokens(contextWindow)} context`];
	if (inputPrice !== null && outputPrice !== null)
		size.push(`${formatUsd(inputPrice)} in, ${formatUsd(outputPrice)} out per million tokens`);
	const isLocal = /^(sim|local|ollama|lm_studio|hosted_vllm)\//.test(model);
	if (size.length > 0 || isLocal) return [`model: ${model}`, ...size].join(" · ");
	const near = nearestNames(
		model,
		host.models().map(({ name }) => name),
	).filter((name) => name !== model);
	const hint = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
	return `model: ${model} · its price and context window are unknown${hint}`;
}

function modelItem(model: KnownModel): PickItem {
	const { name, inputPrice, outputPrice, contextWindow } = model;
	const price =
		inputPrice === null || outputPrice === null ? "" : `${formatUsd(inputPrice)}/${formatUsd(outputPrice)}`;
	const size = contextWindow === null ? "" : formatTokens(contextWindow);
	return {
		label: name,
		facts: [price, size, noteOfModel(model)],
		isDim: !model.isUsable || isRetired(model),
	};
}

/** What speaks against a model: that it is gone or goes, or that there is no key for it. Empty when nothing does. */
export function noteOfModel(model: KnownModel): string {
	if (isRetired(model)) return "retired";
	if (!model.isUsable) return "no key";
	return model.retired === null ? "" : `until ${model.retired}`;
}

function isRetired({ retired }: KnownModel): boolean {
	return retired !== null && retired <= new Date().toISOString().slice(0, 10);
}

function turnDetail({ inputPrice }: KnownModel, tokens: number): string | undefined {
	if (tokens === 0) return undefined;
	const price = inputPrice === null ? "" : `, about ${formatUsd((tokens * inputPrice) / 1e6)} per turn`;
	return `this conversation: ${formatTokens(tokens)} tokens${price}`;
}

/** The sessions, the one used last first. */
export function pickSession(chat: Chat): Picker {
	const { paths } = chat.host;
	const names = sessionNames(paths).filter((name) => name !== chat.session.session.name);
	const sessions = names.slice(0, listedSessions).flatMap((name) => {
		try {
			return readSession(paths, name) ?? [];
		} catch {
			// A file that is not a session of ours.
			return [];
		}
	});
	return {
		title: "session",
		items: sessions.map((session): PickItem => {
			const turns = placeTurns(session.messages);
			const last = turns.at(-1);
			const age = formatAge(chat.host.now() - Date.parse(session.updatedAt));
			return {
				label: titleOf(session) || session.name,
				facts: [age, formatPlural(turns.length, "turn"), session.model ?? "", session.name],
				detail: last && `last: ${typedText(last.turn.user.content).replace(/\s+/g, " ")}`,
			};
		}),
		selected: 0,
		async pick(index) {
			const session = sessions[index];
			if (session !== undefined) await loadSession(chat, session.name);
		},
	};
}

/** The questions of this session, the newest last: to be asked differently, or to see their other answers. */
export function pickQuestion(chat: Chat): Picker {
	const questions = questionsOf(chat.session);
	const places = questions.map(({ placed }) => placed);
	const itemOf = (index: number): PickItem => {
		const question = questions[index];
		const placed = places[index];
		if (question === undefined || placed === undefined) return { label: "", facts: [] };
		const { answers, costUsd, isElsewhere } = question;
		const { number, count } = chat.session.answersOf(placed);
		const counted = answers > 1 ? `answer ${number} of ${count}` : "";
		return {
			label: typedText(placed.turn.user.content).replace(/\s+/g, " "),
			facts: [counted, costUsd === null ? "unknown" : formatUsd(costUsd), isElsewhere ? "other branch" : ""],
			detail: `→ ${typedText(placed.turn.assistant.content).trim().replace(/\s+/g, " ")}`,
			isDim: isElsewhere,
		};
	};
	const walked = new Set<number>();
	return {
		title: "your questions",
		items: questions.map((_, index) => itemOf(index)),
		selected: questions.length - 1,
		walk(index, step) {
			const placed = places[index];
			const next = placed && chat.session.answerBeside(placed, step);
			if (next === undefined) return undefined;
			places[index] = next;
			walked.add(index);
			return itemOf(index);
		},
		pick(index) {
			const placed = places[index];
			if (placed === undefined) return;
			const isShown = chat.session.turns.some(({ answer }) => answer === placed.answer);
			// Another answer was walked to, or one of another branch: the conversation goes there.
			if (walked.has(index) && !isShown && placed.answer !== null) {
				const { answer } = placed;
				chat.move((session) => session.goTo(answer));
				chat.view.resumed(shownTurns(chat.session.turns.slice(-1)));
				chat.view.notice(describeAnswer(chat));
				return;
			}
			chat.view.notice("edit the question and send it; what follows it stays as another branch");
			chat.view.suggest(chat.edit(placed));
		},
	};
}

/** Lets a failure of a choice be seen. */
export async function choose(chat: Chat, picker: Picker, index: number): Promise<void> {
	try {
		await picker.pick(index);
	} catch (error) {
		chat.view.failed(describeFailure(error));
	}
}
