/** A conversation as its user steers it: asks, stops, asks again, compares, goes back. It has no screen. */

import { exitCodes, UsageError } from "../errors.ts";
import type { LLM } from "../llm.ts";
import type { CacheMode } from "../options.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Spent } from "../state/sessions/session-costs.ts";
import { type OpenSession, openSession } from "../state/sessions/sessions.ts";
import type { Cost } from "../types.ts";
import { type AnsweredTurn, Answering } from "./answering.ts";
import type { AskedQuestion, ChatOptions, PlannedQuestion } from "./asking.ts";
import { ChatSession } from "./chat-session.ts";
import { Comparison } from "./comparison.ts";
import { type Attachment, attachmentsOf, contentOf, typedText } from "./content.ts";
import { ContextWatch, estimateQuestion, type QuestionEstimate } from "./context.ts";
import type { ChatHost } from "./host.ts";
import { causeOf, type PlacedTurn } from "./record.ts";
import { Shell } from "./shell.ts";
import type { ChatView } from "./view.ts";

export class Chat {
	readonly host: ChatHost;
	readonly view: ChatView;
	readonly answering: Answering;
	readonly comparison = new Comparison();
	readonly shell = new Shell();
	model: string;
	parameters: Parameters;
	cache: CacheMode;
	/** They go out with the next question. */
	attachments: readonly Attachment[] = [];
	/** The next question begins a branch behind this answer (null: a first question); undefined: it goes on. */
	branchBehind: number | null | undefined;
	/** Exit code of the first question that failed, for scripts. */
	failedWith: number | undefined;
	#session: ChatSession;
	/** The last question when nothing came of it. */
	#unanswered: AskedQuestion | undefined;
	/** What the session had taken before the last question. */
	#costBefore: Cost | undefined;
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

	get session(): ChatSession {
		return this.#session;
	}

	/** Something is under way that `stop` ends: an answer, or a command of the shell. */
	get busy(): boolean {
		return this.answering.busy || this.shell.busy;
	}

	/** USD that the last question took, with all that was sent for it; undefined when none was asked. */
	get turnCost(): Cost | undefined {
		if (this.#costBefore === undefined) return undefined;
		const { usd, unknownCalls } = this.#session.models.own.cost;
		return { usd: usd - this.#costBefore.usd, unknownCalls: unknownCalls - this.#costBefore.unknownCalls };
	}

	/** What the next question takes, with all that is attached. */
	estimate(text: string): QuestionEstimate {
		const facts = this.host.factsOf(this.model);
		const history = this.#session.contextTokens;
		const estimate = estimateQuestion(text, this.attachments, history, facts, this.parameters);
		return this.#session.llm.pricing.isFree ? { ...estimate, inputUsd: 0 } : estimate;
	}

	/**
	 * Asks the model that is set, with everything attached. Resolves when the answer has ended, whichever way. What
	 * exceeds the model's window is sent when it is asked once more.
	 */
	async ask(text: string): Promise<void> {
		this.#mustBeIdle();
		this.comparison.choose(this, 0);
		const { attachments, branchBehind } = this;
		if (!this.#mayAsk(text)) return;
		const { head } = this.#session;
		const position = this.#session.goBehind(branchBehind);
		this.attachments = [];
		this.branchBehind = undefined;
		this.shell.last = undefined;
		const labels = attachments.map(({ label }) => label);
		this.view.asked(text, labels);
		if (this.answering.refusedKey) await this.#session.renewModel(this.model);
		this.#countFromHere();
		const asking = { text, attachments, position, isRetry: false, cache: this.cache };
		const { turn, end } = await this.#answer(asking);
		if (turn === undefined && end.failure !== null) {
			// Nothing came: the question goes back to where it can be sent again.
			this.#session.goTo(head);
			this.attachments = attachments;
			this.branchBehind = branchBehind;
			this.view.suggest(text);
		}
		this.view.changed();
	}

	/**
	 * Asks the last question again, past the cache; in a comparison the other model. The former answers stay beside the
	 * new one.
	 */
	async retry(): Promise<void> {
		this.#mustBeIdle();
		if (await this.comparison.again(this)) return;
		const { turns } = this.#session;
		const last = turns.at(-1);
		const asked =
			this.#unanswered ??
			(last && { text: typedText(last.turn.user.content), attachments: attachmentsOf(last) });
		if (asked === undefined) throw new UsageError("there is no question to ask again");
		const isRetry = this.#unanswered === undefined;
		if (!isRetry) this.attachments = [];
		this.comparison.choose(this, 0);
		if (this.answering.refusedKey) await this.#session.renewModel(this.model);
		this.#countFromHere();
		const cache = this.cache === false ? false : "refresh";
		await this.#answer({ ...asked, position: turns.length - (isRetry ? 1 : 0), isRetry, cache });
		this.view.changed();
	}

	/** Stops the answer, whose beginning is kept, or the command. False when nothing is running. */
	stop(): boolean {
		return this.shell.stop() || this.answering.stop();
	}

	/** Puts the last question to another model too, and then lets the user choose. */
	async compare(name: string): Promise<void> {
		this.#mustBeIdle();
		await this.comparison.run(this, name);
	}

	/** Asks something about the whole conversation that does not become part of it. */
	async askAside(llm: LLM, content: string): Promise<AnsweredTurn> {
		this.#mustBeIdle();
		this.comparison.choose(this, 0);
		this.#countFromHere();
		const conversation = this.#session.branch(this.#session.turns.length, llm);
		const options = { ...this.parameters, cache: this.cache };
		const answered = await this.answering.run({ conversation, content, options, aside: true });
		await this.view.answered(answered.end);
		this.view.changed();
		return answered;
	}

	/** Changes where the conversation goes on from: `move((session) => session.undo())`. */
	move<T>(action: (session: ChatSession) => T): T {
		this.#mustBeIdle();
		const moved = action(this.#session);
		this.#forgetLast();
		this.view.changed();
		return moved;
	}

	/** The next question takes the place of this one, on a branch of its own. Returns its text. */
	edit(placed: PlacedTurn): string {
		this.branchBehind = this.#session.answerBefore(placed);
		this.attachments = attachmentsOf(placed);
		this.view.changed();
		return typedText(placed.turn.user.content);
	}

	/** The next question goes on where the conversation is. False when it would have done so anyway. */
	cancelEdit(): boolean {
		if (this.branchBehind === undefined) return false;
		this.branchBehind = undefined;
		this.attachments = [];
		this.view.changed();
		return true;
	}

	/** Lets another model answer from now on, with the keys as they are now. @throws NoRouteError */
	async setModel(name: string): Promise<void> {
		const model = await this.host.resolveModel(name);
		await this.#session.models.renew(model);
		this.#session.setModel(model);
		this.model = model;
		this.#contextWatch.forget();
		this.view.changed();
	}

	setParameters(parameters: Parameters): void {
		this.parameters = parameters;
		this.#session.record.update({ parameters });
		this.view.changed();
	}

	/**
	 * Goes on in another session. Its model, system prompt and parameters come with it; what it does not say stays as
	 * it is. The session so far is closed.
	 */
	async switchTo(open: OpenSession): Promise<void> {
		const before = this.#session;
		await this.#adopt(open);
		await before.record.close();
	}

	/** Lets `rename` have the session's file, and goes on in the session that it opens. @throws what `rename` throws */
	async reopen(rename: () => Promise<OpenSession>): Promise<void> {
		const { name } = this.#session.session;
		await this.#session.spending;
		const { spent } = this.#session;
		await this.#session.record.close();
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
		await this.#session.record.close();
	}

	async #adopt(open: OpenSession, spent?: Spent): Promise<void> {
		const { host, view } = this;
		const before = this.#session;
		const { model = this.model, parameters = this.parameters, ...session } = open.session;
		const system = session.system === undefined ? before.system : (session.system ?? undefined);
		this.#session = new ChatSession(open, { host, view, model, system, parameters, spent });
		this.model = model;
		this.parameters = parameters;
		this.#forgetLast();
		this.view.changed();
		await before.models.close();
	}

	/** Streams an answer and keeps it. Until there is a new one the old one stays. */
	async #answer({ text, attachments, position, isRetry, cache }: PlannedQuestion): Promise<AnsweredTurn> {
		const session = this.#session;
		const isNext = position === session.turns.length;
		const conversation = session.branch(position);
		const { llm } = conversation;
		const content = contentOf(text, attachments);
		const options = { ...this.parameters, cache };
		const answered = await this.answering.run({ conversation, content, options, aside: false });
		const { turn, end } = answered;
		if (end.failure !== null) this.failedWith ??= end.failure.exitCode;
		this.#unanswered = turn === undefined && isNext ? { text, attachments } : undefined;
		const labels = attachments.map(({ label }) => label);
		const facts = { llm, attachments: labels, ...causeOf(end) };
		if (turn !== undefined) session.add(turn, position, isRetry, facts);
		// What is said to be kept is on the disk by now.
		await this.view.answered(end);
		return answered;
	}

	/** False when the question is held back until it is asked once more. */
	#mayAsk(text: string): boolean {
		const labels = this.attachments.map(({ label }) => label);
		const question = JSON.stringify([text, labels, this.branchBehind]);
		const facts = this.host.factsOf(this.model);
		const { model, parameters } = this;
		const estimate = this.estimate(text);
		const { maySend, warning } = this.#contextWatch.look(question, estimate, model, facts, parameters);
		if (warning !== null) this.view.notice(warning);
		if (!maySend) {
			this.failedWith ??= exitCodes.usage;
			this.view.suggest(text);
		}
		return maySend;
	}

	#mustBeIdle(): void {
		if (this.busy) throw new UsageError("the last question is still being answered");
	}

	/** The status shows what is taken from here on as that of the last question. */
	#countFromHere(): void {
		this.#costBefore = this.#session.models.own.cost;
	}

	#forgetLast(): void {
		this.comparison.forget();
		this.#unanswered = undefined;
		this.#costBefore = undefined;
		this.branchBehind = undefined;
		this.answering.forget();
		this.#contextWatch.forget();
	}
}
