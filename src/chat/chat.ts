/** A conversation as its user steers it: asks, stops, asks again, compares, switches models. It has no screen. */

import { Conversation, type Turn } from "../conversation.ts";
import { exitCodes, UsageError } from "../errors.ts";
import type { CacheMode } from "../options.ts";
import { type OpenSession, openSession } from "../state/sessions.ts";
import { estimateTextTokens } from "../tokens.ts";
import type { Cost, Message, Parameters, Usage } from "../types.ts";
import { type Answered, Answering } from "./answering.ts";
import { type Attachment, contentOf, typedText } from "./content.ts";
import { contextTokens, contextWarning } from "./context.ts";
import { describeFailure } from "./failure.ts";
import type { ChatHost } from "./host.ts";
import { SessionModels } from "./llms.ts";
import { SessionRecord } from "./record.ts";
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
	#record: SessionRecord;
	#models: SessionModels;
	#conversation: Conversation;
	/** The last question when nothing came of it. */
	#unanswered: Message["content"] | undefined;
	/** The second answer of a comparison, until the user has chosen. */
	#other: { readonly turn: Turn; readonly model: string } | undefined;
	#warned = false;

	/** @throws NoRouteError when nobody serves the model */
	constructor(options: ChatOptions) {
		this.host = options.host;
		this.view = options.view;
		this.answering = new Answering(options.host, options.view);
		const { session } = options.session;
		this.#record = this.#recordOf(options.session);
		this.#models = new SessionModels(options.host, session);
		this.model = options.model;
		this.parameters = { ...session.parameters, ...options.parameters };
		this.cache = options.cache ?? true;
		this.#conversation = new Conversation(this.#models.get(options.model), {
			system: options.system ?? session.system ?? undefined,
			turns: this.#record.turns,
		});
		this.#saveSettings();
	}

	get record(): SessionRecord {
		return this.#record;
	}

	get busy(): boolean {
		return this.answering.busy;
	}

	/** The model's provider fetches images from URLs by itself. */
	get fetchesImages(): boolean {
		return this.#conversation.llm.fetchesImages;
	}

	get system(): string | undefined {
		return this.#conversation.system;
	}

	get turns(): readonly Turn[] {
		return this.#conversation.turns;
	}

	/** The user has to say which of two answers to keep. */
	get choosing(): boolean {
		return this.#other !== undefined;
	}

	/** USD of this session. */
	get cost(): Cost {
		return this.#models.cost;
	}

	/** Tokens of this session. */
	get usage(): Usage {
		return this.#models.usage;
	}

	/** Tokens of the history that the next question is sent with. */
	get contextTokens(): number {
		return contextTokens(this.#conversation);
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
		this.#warnOfContext(text);
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
		const conversation = new Conversation(this.#models.get(model), {
			system: this.system,
			turns: this.turns.slice(0, -1),
		});
		this.choose(0);
		const options = { ...this.parameters, cache: this.cache };
		const { turn, end } = await this.answering.run({
			conversation,
			content: last.user.content,
			options,
			aside: true,
		});
		this.view.answered(end);
		if (turn !== undefined) {
			this.#other = { turn, model };
			const first = this.#record.session.messages.at(-1)?.model ?? this.model;
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
		if (answer === 1) {
			this.#conversation.replaceLast(other.turn);
			this.#record.put(other.turn, this.turns.length - 1, other.model);
		}
		this.view.notice(`kept answer ${answer + 1}`);
		this.view.changed();
	}

	/** Stops the answer; what came is kept. False when nothing is running. */
	stop(): boolean {
		return this.answering.stop();
	}

	/** Takes back the last turn and returns its question; undefined when there is none. */
	undo(): string | undefined {
		const turn = this.#conversation.undo();
		if (turn === undefined) return undefined;
		this.#forgetLast();
		this.#record.keep(this.turns.length);
		this.view.changed();
		return typedText(turn.user.content);
	}

	/** Forgets all turns; model, system prompt and parameters stay. */
	clear(): void {
		this.#conversation.clear();
		this.#forgetLast();
		this.#record.keep(0);
		this.view.changed();
	}

	/** Lets another model answer from now on. @throws NoRouteError */
	setModel(name: string): void {
		const model = this.host.resolveModel(name);
		this.#conversation.llm = this.#models.get(model);
		this.model = model;
		this.#warned = false;
		this.#record.update({ model });
		this.view.changed();
	}

	/** Undefined removes the system prompt. */
	setSystem(text: string | undefined): void {
		this.#conversation.system = text;
		this.#record.update({ system: text ?? null });
	}

	setParameters(parameters: Parameters): void {
		this.parameters = parameters;
		this.#record.update({ parameters });
	}

	/**
	 * Goes on in another session. Its model, system prompt and parameters come with it; what it does not say stays as
	 * it is. The session so far is closed.
	 */
	async switchTo(open: OpenSession): Promise<void> {
		const before = this.#record;
		await this.#adopt(open, new SessionModels(this.host, open.session));
		await before.close();
	}

	/** Lets `rename` have the session's file, and goes on in the session that it opens. @throws what `rename` throws */
	async reopen(rename: () => Promise<OpenSession>): Promise<void> {
		const { name } = this.#record.session;
		const spent = { cost: this.cost, usage: this.usage };
		await this.#record.close();
		let open: OpenSession | undefined;
		try {
			open = await rename();
		} finally {
			open ??= await openSession(this.host.paths, name, { folder: this.host.folder, now: this.host.now });
			await this.#adopt(open, new SessionModels(this.host, open.session, spent));
		}
	}

	async close(): Promise<void> {
		await this.#models.close();
		await this.#record.close();
	}

	async #adopt(open: OpenSession, models: SessionModels): Promise<void> {
		const { session } = open;
		const before = this.#models;
		const model = session.model ?? this.model;
		const record = this.#recordOf(open);
		const system = session.system === undefined ? this.system : (session.system ?? undefined);
		const conversation = new Conversation(models.get(model), { system, turns: record.turns });
		this.#record = record;
		this.#models = models;
		this.#conversation = conversation;
		this.model = model;
		this.parameters = session.parameters ?? this.parameters;
		this.#forgetLast();
		this.#saveSettings();
		this.view.changed();
		await before.close();
	}

	/** Streams an answer whose turn takes its place behind the first `position` turns. */
	async #answer(content: Message["content"], position: number, cache: CacheMode): Promise<Answered> {
		const isNext = position === this.turns.length;
		// Until there is a new answer the old one stays.
		const conversation = isNext
			? this.#conversation
			: new Conversation(this.#conversation.llm, {
					system: this.system,
					turns: this.turns.slice(0, position),
				});
		const options = { ...this.parameters, cache };
		const { model } = this;
		const answered = await this.answering.run({ conversation, content, options, aside: false });
		const { turn, end } = answered;
		if (end.failure !== null) this.failedWith ??= end.failure.exitCode;
		this.#unanswered = turn === undefined && isNext ? content : undefined;
		if (turn !== undefined) {
			if (!isNext) this.#conversation.replaceLast(turn);
			this.#record.put(turn, position, model);
		}
		// What is said to be kept is on the disk by now.
		this.view.answered(end);
		return answered;
	}

	#mustBeIdle(): void {
		if (this.busy) throw new UsageError("the last question is still being answered");
	}

	#forgetLast(): void {
		this.#other = undefined;
		this.#unanswered = undefined;
		this.#warned = false;
	}

	#saveSettings(): void {
		this.#record.update({ model: this.model, system: this.system ?? null, parameters: this.parameters });
	}

	#warnOfContext(text: string): void {
		const expected = this.contextTokens + estimateTextTokens(text);
		const warning = contextWarning(expected, this.contextWindow, this.model);
		if (warning !== null && !this.#warned) this.view.notice(warning);
		this.#warned = warning !== null;
	}

	#recordOf(open: OpenSession): SessionRecord {
		return new SessionRecord(open, (error) => {
			this.view.failed({
				message: `the session ${open.session.name} cannot be saved: ${describeFailure(error).message}`,
				hint: "it goes on unsaved; /export keeps it elsewhere",
				exitCode: exitCodes.failed,
			});
		});
	}
}
