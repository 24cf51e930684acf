/** A conversation as its user steers it: asks, stops, asks again, compares, switches models. It has no screen. */

import type { Turn } from "../conversation.ts";
import { UsageError } from "../errors.ts";
import type { LLM } from "../llm.ts";
import { estimateTextTokens } from "../models/tokens.ts";
import type { CacheMode } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import { type OpenSession, openSession } from "../state/sessions.ts";
import type { Cost, Message, Usage } from "../types.ts";
import { type AnsweredTurn, Answering } from "./answering.ts";
import { ChatSession } from "./chat-session.ts";
import { type Attachment, contentOf, typedText } from "./content.ts";
import { ContextWatch, contextTokens } from "./context.ts";
import type { ChatHost } from "./host.ts";
import type { Spent } from "./llms.ts";
import type { SessionRecord } from "./record.ts";
import type { ChatView } from "./view.ts";

export interface ChatOptions {
	readonly host: ChatHost;
	readonly view: ChatView;
	readonly session: OpenSession;
	readonly model: string;
	readonly system?: string | undefined;
	readonly parameters?: Parameters | undefined;
	readonly cache?: CacheMode | undefined;
}

export class Chat {
	readonly host: ChatHost;
	readonly view: ChatView;
	readonly answering: Answering;
	model: string;
	parameters: Parameters;
	cache: CacheMode;
	/** They go out with the next question. */
	attachments: readonly Attachment[] = [];
	/** The next question takes the place of the last one. */
	editing = false;
	/** Exit code of the first question that failed, for scripts. */
	failedWith: number | undefined;
	#session: ChatSession;
	/** The last question when nothing came of it. */
	#unanswered: Message["content"] | undefined;
	/** The second answer of a comparison, until the user has chosen. */
	#other: { readonly turn: Turn; readonly llm: LLM } | undefined;
	readonly #contextWatch = new ContextWatch();

	/** @throws NoRouteError when nobody serves the model */
	constructor(options: ChatOptions) {
		this.host = options.host;
		this.view = options.view;
		this.answering = new Answering(options.host, options.view);
		const { session } = options.session;
		this.model = options.model;
		this.parameters = { ...session.parameters, ...options.parameters };
		this.cache = options.cache ?? true;
		const system = options.system ?? session.system ?? undefined;
		const { host, view, model, parameters } = this;
		this.#session = new ChatSession(options.session, { host, view, model, system, parameters });
	}

	get record(): SessionRecord {
		return this.#session.record;
	}

	get busy(): boolean {
		return this.answering.busy;
	}

	/** The model's provider fetches images from URLs by itself. */
	get fetchesImages(): boolean {
		return this.#session.conversation.llm.fetchesImages;
	}

	get system(): string | undefined {
		return this.#session.conversation.system;
	}

	get turns(): readonly Turn[] {
		return this.#session.conversation.turns;
	}

	/** The user has to say which of two answers to keep. */
	get choosing(): boolean {
		return this.#other !== undefined;
	}

	/** USD of this session. */
	get cost(): Cost {
		return this.#session.models.cost;
	}

	/** Tokens of this session. */
	get usage(): Usage {
		return this.#session.models.usage;
	}

	/** Tokens of the history that the next question is sent with. */
	get contextTokens(): number {
		return contextTokens(this.#session.conversation);
	}

	/** Tokens; null when unknown. */
	get contextWindow(): number | null {
		return this.host.contextWindow(this.model);
	}

	/** Asks the model that is set, with everything attached. Resolves when the answer has ended, whichever way. */
	async ask(text: string): Promise<void> {
		this.#mustBeIdle();
		this.choose(0);
		const { attachments } = this;
		const content = contentOf(text, attachments);
		const position = this.turns.length - (this.editing && this.turns.length > 0 ? 1 : 0);
		this.attachments = [];
		this.editing = false;
		this.view.asked(
			text,
			attachments.map(({ label }) => label),
		);
		const expected = this.contextTokens + estimateTextTokens(text);
		const warning = this.#contextWatch.look(expected, this.contextWindow, this.model);
		if (warning !== null) this.view.notice(warning);
		const { turn, end } = await this.#answer(content, position, this.cache);
		if (turn === undefined && end.failure !== null) {
			// Nothing came: the question goes back to where it can be sent again.
			this.attachments = attachments;
			this.view.suggest(text);
		}
		this.view.changed();
	}

	/** Asks the last question again, past the cache. The old answer stays unless a new one has begun. */
	async retry(): Promise<void> {
		this.#mustBeIdle();
		const position = this.turns.length - (this.#unanswered === undefined ? 1 : 0);
		const content = this.#unanswered ?? this.turns.at(-1)?.user.content;
		if (content === undefined) throw new UsageError("there is no question to ask again");
		if (this.#unanswered !== undefined) this.attachments = [];
		this.choose(0);
		await this.#answer(content, position, this.cache === false ? false : "refresh");
		this.view.changed();
	}

	/** Puts the last question to another model too, and then lets the user choose. */
	async compare(name: string): Promise<void> {
		this.#mustBeIdle();
		const last = this.turns.at(-1);
		if (last === undefined) throw new UsageError("there is no answer to compare with yet");
		const model = this.host.resolveModel(name);
		const llm = this.#session.models.get(model);
		const conversation = this.#session.branch(this.turns.length - 1, llm);
		this.choose(0);
		const options = { ...this.parameters, cache: this.cache };
		const { content } = last.user;
		const { turn, end } = await this.answering.run({ conversation, content, options, aside: true });
		await this.view.answered(end);
		if (turn !== undefined) {
			this.#other = { turn, llm };
			const first = this.record.session.messages.at(-1)?.model ?? this.model;
			this.view.compared([
				{ model: first, text: typedText(last.assistant.content), finish: last.finish },
				{ model, text: typedText(turn.assistant.content), finish: turn.finish },
			]);
		}
		this.view.changed();
	}

	/** Keeps the first (0) or second (1) answer of a comparison; without one it does nothing. */
	choose(answer: 0 | 1): void {
		const other = this.#other;
		if (other === undefined) return;
		this.#other = undefined;
		if (answer === 1) this.#session.replaceLast(other.turn, other.llm);
		this.view.notice(`kept answer ${answer + 1}`);
		this.view.changed();
	}

	/** Stops the answer; what came is kept. False when nothing is running. */
	stop(): boolean {
		return this.answering.stop();
	}

	/** Takes back the last turn and returns its question; undefined when there is none. */
	undo(): string | undefined {
		const turn = this.#session.conversation.undo();
		if (turn === undefined) return undefined;
		this.#forgetLast();
		this.record.keep(this.turns.length);
		this.view.changed();
		return typedText(turn.user.content);
	}

	/** Forgets all turns; model, system prompt and parameters stay. */
	clear(): void {
		this.#session.conversation.clear();
		this.#forgetLast();
		this.record.keep(0);
		this.view.changed();
	}

	/** Lets another model answer from now on. @throws NoRouteError */
	setModel(name: string): void {
		const model = this.host.resolveModel(name);
		this.#session.conversation.llm = this.#session.models.get(model);
		this.model = model;
		this.#contextWatch.forget();
		this.record.update({ model });
		this.view.changed();
	}

	/** Undefined removes the system prompt. */
	setSystem(text: string | undefined): void {
		this.#session.conversation.system = text;
		this.record.update({ system: text ?? null });
	}

	setParameters(parameters: Parameters): void {
		this.parameters = parameters;
		this.record.update({ parameters });
	}

	/**
	 * Goes on in another session. Its model, system prompt and parameters come with it; what it does not say stays as
	 * it is. The session so far is closed.
	 */
	async switchTo(open: OpenSession): Promise<void> {
		const before = this.record;
		await this.#adopt(open);
		await before.close();
	}

	/** Lets `rename` have the session's file, and goes on in the session that it opens. @throws what `rename` throws */
	async reopen(rename: () => Promise<OpenSession>): Promise<void> {
		const { name } = this.record.session;
		const { spent } = this.#session;
		await this.record.close();
		let open: OpenSession | undefined;
		try {
			open = await rename();
		} finally {
			open ??= await openSession(this.host.paths, name, { folder: this.host.folder, now: this.host.now });
			await this.#adopt(open, spent);
		}
	}

	async close(): Promise<void> {
		await this.#session.models.close();
		await this.record.close();
	}

	async #adopt(open: OpenSession, spent?: Spent): Promise<void> {
		const { host, view } = this;
		const before = this.#session.models;
		const { model = this.model, parameters = this.parameters, ...session } = open.session;
		const system = session.system === undefined ? this.system : (session.system ?? undefined);
		this.#session = new ChatSession(open, { host, view, model, system, parameters, spent });
		this.model = model;
		this.parameters = parameters;
		this.#forgetLast();
		this.view.changed();
		await before.close();
	}

	/** Streams an answer whose turn takes its place behind the first `position` turns. */
	async #answer(content: Message["content"], position: number, cache: CacheMode): Promise<AnsweredTurn> {
		const isNext = position === this.turns.length;
		// Until there is a new answer the old one stays.
		const conversation = isNext ? this.#session.conversation : this.#session.branch(position);
		const options = { ...this.parameters, cache };
		const { llm } = conversation;
		const answered = await this.answering.run({ conversation, content, options, aside: false });
		const { turn, end } = answered;
		if (end.failure !== null) this.failedWith ??= end.failure.exitCode;
		this.#unanswered = turn === undefined && isNext ? content : undefined;
		if (turn !== undefined) {
			if (isNext) this.record.put(turn, position, llm);
			else this.#session.replaceLast(turn, llm);
		}
		// What is said to be kept is on the disk by now.
		await this.view.answered(end);
		return answered;
	}

	#mustBeIdle(): void {
		if (this.busy) throw new UsageError("the last question is still being answered");
	}

	#forgetLast(): void {
		this.#other = undefined;
		this.#unanswered = undefined;
		this.#contextWatch.forget();
	}
}
