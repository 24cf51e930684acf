import { UsageError } from "../errors.ts";
import type { CacheMode } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Answering } from "./answering.ts";
import type { ChatSession } from "./chat-session.ts";
import { typedText } from "./content.ts";
import type { ChatHost } from "./host.ts";
import { causeOf, type PlacedTurn } from "./record.ts";
import type { ChatView } from "./view.ts";

/** What of a chat a comparison works with. */
export interface ComparisonContext {
	readonly host: ChatHost;
	readonly view: ChatView;
	readonly answering: Answering;
	readonly session: ChatSession;
	readonly model: string;
	readonly parameters: Parameters;
	readonly cache: CacheMode;
}

/** Two answers to one question, of which the user keeps one. The other stays in the session, beside it. */
export class Comparison {
	/** The second answer, until the user has chosen. */
	#other: PlacedTurn | undefined;
	/** The model that was asked for it, also when it has not answered. */
	#asked: string | undefined;

	/** The user has to say which of two answers to keep. */
	get isOpen(): boolean {
		return this.#other !== undefined;
	}

	/** Puts the last question to another model too, and then lets the user choose. @throws NoRouteError */
	async run(chat: ComparisonContext, name: string): Promise<void> {
		if (chat.session.turns.length === 0) throw new UsageError("there is no answer to compare with yet");
		const model = await chat.host.resolveModel(name);
		this.choose(chat, 0);
		await this.#ask(chat, model, chat.cache);
	}

	/**
	 * Asks the other model once more, past the cache; the answer that it gave before stays in the session. False when
	 * there is no comparison.
	 */
	async again(chat: ComparisonContext): Promise<boolean> {
		const model = this.#asked;
		if (model === undefined) return false;
		const { session, answering } = chat;
		if (answering.refusedKey)
			await (model === chat.model ? session.renewModel(model) : session.models.renew(model));
		await this.#ask(chat, model, chat.cache === false ? false : "refresh");
		return true;
	}

	async #ask(chat: ComparisonContext, model: string, cache: CacheMode): Promise<void> {
		const { session } = chat;
		const last = session.turns.at(-1);
		if (last === undefined) return;
		const llm = session.models.get(model);
		this.#asked = model;
		const conversation = session.branch(session.turns.length - 1, llm);
		const options = { ...chat.parameters, cache };
		const { content } = last.turn.user;
		const { turn, end } = await chat.answering.run({ conversation, content, options, aside: true });
		if (turn !== undefined) {
			const facts = { llm, attachments: last.attachments, ...causeOf(end) };
			this.#other = session.addBeside(turn, facts);
		}
		await chat.view.answered(end);
		if (turn === undefined) chat.view.notice(`no answer from ${model} · /retry asks again`);
		else {
			const first = session.session.messages.at(-1)?.model ?? chat.model;
			chat.view.compared([
				{ model: first, text: typedText(last.turn.assistant.content), finish: last.turn.finish },
				{ model, text: typedText(turn.assistant.content), finish: turn.finish },
			]);
		}
		chat.view.changed();
	}

	/** Goes on with the first (0) or second (1) answer; without a comparison it does nothing. */
	choose(chat: ComparisonContext, answer: 0 | 1): void {
		const other = this.#other;
		this.forget();
		if (other === undefined) return;
		if (answer === 1) chat.session.replaceLast(other);
		chat.view.notice(`kept answer ${answer + 1}; /answer switches`);
		chat.view.changed();
	}

	forget(): void {
		this.#other = undefined;
		this.#asked = undefined;
	}
}
