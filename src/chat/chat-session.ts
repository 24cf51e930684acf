import { Conversation, type Turn } from "../conversation.ts";
import { exitCodes } from "../errors.ts";
import type { LLM } from "../llm.ts";
import type { Parameters } from "../parameters/table.ts";
import { nothingSpent, readSessionCosts, type Spent } from "../state/sessions/session-costs.ts";
import type { Session } from "../state/sessions/session-lines.ts";
import { childrenOf, newestBelow, pathTo } from "../state/sessions/session-tree.ts";
import { type OpenSession, titleOf } from "../state/sessions/sessions.ts";
import { contextTokens } from "./context.ts";
import { describeFailure } from "./failure.ts";
import type { ChatHost } from "./host.ts";
import { SessionModels } from "./llms.ts";
import { type PlacedTurn, placeTurn, placeTurns, SessionRecord, type TurnFacts } from "./record.ts";
import type { ChatView } from "./view.ts";

export interface ChatSessionOptions {
	readonly host: ChatHost;
	readonly view: ChatView;
	/** The model that answers first. */
	readonly model: string;
	readonly system: string | undefined;
	readonly parameters: Parameters;
	/** What the session took so far, when that is known already. */
	readonly spent?: Spent | undefined;
}

/** The answers that a question has. */
export interface Answers {
	/** Which of them the conversation goes on with, from 1. */
	readonly number: number;
	readonly count: number;
}

/** The session that a chat goes on in: its file, its conversation, and the models that answer in it. */
export class ChatSession {
	readonly record: SessionRecord;
	readonly models: SessionModels;
	#conversation: Conversation;
	#placed: PlacedTurn[];
	/** What was undone, and where. */
	readonly #undone: { readonly behind: number | null; readonly answer: number | null }[] = [];
	/** Resolves when what earlier processes spent is known. */
	readonly spending: Promise<void>;

	/** @throws NoRouteError when nobody serves the model */
	constructor(open: OpenSession, { host, view, model, system, parameters, spent }: ChatSessionOptions) {
		this.record = new SessionRecord(open, (error) => {
			view.failed({
				message: `the session ${open.session.name} cannot be saved: ${describeFailure(error).message}`,
				hint: "the chat continues unsaved; /export writes it to a file",
				exitCode: exitCodes.failed,
			});
		});
		const isNew = open.session.all.length === open.session.inherited;
		this.models = new SessionModels(host, open.session, spent ?? (isNew ? nothingSpent : undefined));
		this.#placed = placeTurns(open.session.messages);
		this.#conversation = new Conversation(this.models.get(model), { system, turns: this.#turns() });
		this.record.update({ model, system: system ?? null, parameters });
		this.spending = this.models.isKnown ? Promise.resolve() : this.#readSpending(host, view);
	}

	get session(): Session {
		return this.record.session;
	}

	/** A name that a person gave, or else the first question in quotes. */
	get title(): string {
		const { name } = this.session;
		const title = titleOf(this.session);
		return title === "" || !/^\d{4}-\d\d-\d\d(-\d+)+$/.test(name) ? name : `“${title}”`;
	}

	get conversation(): Conversation {
		return this.#conversation;
	}

	get turns(): readonly PlacedTurn[] {
		return this.#placed;
	}

	get system(): string | undefined {
		return this.#conversation.system;
	}

	set system(text: string | undefined) {
		this.#conversation.system = text;
		this.record.update({ system: text ?? null });
	}

	get llm(): LLM {
		return this.#conversation.llm;
	}

	/** USD and tokens, those of earlier processes included. */
	get spent(): Spent {
		return this.models.spent;
	}

	/** Tokens of the history that the next question is sent with. */
	get contextTokens(): number {
		return contextTokens(this.#conversation);
	}

	setModel(model: string): void {
		this.#conversation.llm = this.models.get(model);
		this.record.update({ model });
	}

	/** A client made anew, which reads the keys again; what the old one took stays counted. */
	async renewModel(model: string): Promise<void> {
		await this.models.renew(model);
		this.#conversation.llm = this.models.get(model);
	}

	/** The conversation as it was after its first turns, to be answered by a model of its own. */
	branch(turns: number, llm: LLM = this.llm): Conversation {
		return new Conversation(llm, { system: this.system, turns: this.#turns().slice(0, turns) });
	}

	/**
	 * Adds a turn behind the first `position` ones. What stood there stays in the file, beside it: with `isRetry` as
	 * another answer to the same question.
	 */
	add(turn: Turn, position: number, isRetry: boolean, facts: TurnFacts): void {
		const behind = position === 0 ? null : (this.#placed[position - 1]?.answer ?? null);
		const question = isRetry ? (this.#placed[position]?.question ?? null) : null;
		const placed = this.record.add(turn, behind, question, facts);
		this.#adopt([...this.#placed.slice(0, position), placed]);
	}

	/** Keeps another answer to the last question, which the conversation does not go on with. Returns its place. */
	addBeside(turn: Turn, facts: TurnFacts): PlacedTurn {
		const last = this.#placed.at(-1);
		const placed = this.record.add(turn, null, last?.question ?? null, facts);
		if (last?.answer !== undefined) this.record.goTo(last.answer);
		return placed;
	}

	/** The answer that the conversation ends with; null before the first one. */
	get head(): number | null {
		return this.#placed.at(-1)?.answer ?? null;
	}

	/** Lets the conversation end with an answer, on whichever branch; null begins before the first question. */
	goTo(answer: number | null): void {
		if (answer === this.head) return;
		this.record.goTo(answer);
		this.#adopt(placeTurns(pathTo(this.session.all, answer)));
	}

	/**
	 * Goes to where a question behind an answer stands (null: a first one; undefined: it goes on), and returns behind how
	 * many turns that is. On the conversation's own path nothing moves until the question is answered.
	 */
	goBehind(answer: number | null | undefined): number {
		if (answer === undefined) return this.#placed.length;
		if (answer === null) return 0;
		const at = this.#placed.findIndex((placed) => placed.answer === answer);
		if (at >= 0) return at + 1;
		this.goTo(answer);
		return this.#placed.length;
	}

	/** The answer that a question followed; null for a first one. */
	answerBefore(placed: PlacedTurn): number | null {
		const question = this.session.all.find(({ id }) => id === placed.question);
		if (question !== undefined) return question.parent;
		return this.#placed[this.#placed.indexOf(placed) - 1]?.answer ?? null;
	}

	/** Puts another answer of the last question into its place. */
	replaceLast(placed: PlacedTurn): void {
		if (placed.answer !== null) this.record.goTo(placed.answer);
		this.#adopt([...this.#placed.slice(0, -1), placed]);
	}

	/** Takes back the last turn and returns it; undefined when there is none. It stays in the file. */
	undo(): PlacedTurn | undefined {
		const last = this.#placed.at(-1);
		if (last === undefined) return undefined;
		this.record.goTo(this.#placed.at(-2)?.answer ?? null);
		this.#adopt(this.#placed.slice(0, -1));
		this.#undone.push({ behind: this.head, answer: last.answer });
		return last;
	}

	/** Brings back what was undone last, or what the conversation led to from here; undefined when there is nothing. */
	redo(): PlacedTurn | undefined {
		const undone = this.#undone.pop();
		const answer = undone?.behind === this.head ? undone.answer : this.#next();
		if (answer === undefined || answer === null) return undefined;
		this.goTo(answer);
		return this.#placed.at(-1);
	}

	/** The answer that the conversation led to from here last. */
	#next(): number | undefined {
		const { head } = this;
		const newest = newestBelow(this.session.all, head);
		if (newest === undefined || newest.id === head) return undefined;
		const path = pathTo(this.session.all, newest.id);
		const behind = path.slice(path.findIndex(({ id }) => id === head) + 1);
		return behind.find(({ role }) => role === "assistant")?.id;
	}

	/** How many answers the question of a turn has. */
	answersOf({ question, answer }: Pick<PlacedTurn, "question" | "answer">): Answers {
		const all = question === null ? [] : answersTo(this.session, question);
		return { number: all.findIndex(({ id }) => id === answer) + 1, count: Math.max(1, all.length) };
	}

	/** Another answer to the same question, so many steps on, round and round; undefined when there is none. */
	answerBeside({ question, answer }: PlacedTurn, steps: number): PlacedTurn | undefined {
		const asked = this.session.all.find(({ id }) => id === question);
		const answers = question === null ? [] : answersTo(this.session, question);
		if (asked === undefined || answers.length < 2) return undefined;
		const at = answers.findIndex(({ id }) => id === answer);
		const next = answers[(((at + steps) % answers.length) + answers.length) % answers.length];
		return next && placeTurn(asked, next);
	}

	/** Lets the conversation go on with another answer to its last question. */
	walkAnswers(steps: number): void {
		const last = this.#placed.at(-1);
		const next = last && this.answerBeside(last, steps);
		if (next !== undefined) this.replaceLast(next);
	}

	/** Goes on behind a summary and the last turns; the long conversation stays in the file. */
	compact(summary: Turn, kept: number, facts: TurnFacts): void {
		const recent = this.#placed.slice(this.#placed.length - kept);
		const placed = this.record.add(summary, null, null, { ...facts, isSummary: true });
		this.record.copy(recent);
		const written = placeTurns(this.session.messages);
		this.#adopt(written[0]?.answer === placed.answer ? written : [placed, ...recent]);
	}

	#adopt(placed: PlacedTurn[]): void {
		const { llm, system } = this.#conversation;
		this.#placed = placed;
		this.#conversation = new Conversation(llm, { system, turns: this.#turns() });
	}

	#turns(): Turn[] {
		return this.#placed.map(({ turn }) => turn);
	}

	async #readSpending(host: ChatHost, view: ChatView): Promise<void> {
		const before = new Date(host.now()).toISOString();
		try {
			const spent = await readSessionCosts(host.paths, [this.session], before);
			this.models.before = spent.get(this.session.name) ?? nothingSpent;
		} catch (error) {
			view.notice(`the cost so far cannot be read: ${describeFailure(error).message}`);
		}
		view.changed();
	}
}

function answersTo({ all }: Session, question: number) {
	return childrenOf(all, question).filter(({ role }) => role === "assistant");
}

/** A question of a session, on whichever branch. */
export interface ListedQuestion {
	readonly placed: PlacedTurn;
	readonly answers: number;
	/** USD of its answers; null when one is unknown. */
	readonly costUsd: number | null;
	/** The conversation does not go through it. */
	readonly isElsewhere: boolean;
}

/** Every question of a session that was answered, in the order they were asked. */
export function questionsOf({ session, turns }: ChatSession): ListedQuestion[] {
	const current = new Map(turns.map((placed) => [placed.question, placed]));
	return session.all.flatMap((question) => {
		if (question.role !== "user" || question.copyOf !== undefined) return [];
		const answers = answersTo(session, question.id);
		const newest = answers.at(-1);
		if (newest === undefined || newest.summary) return [];
		const costs = answers.map(({ costUsd, cached }) => (cached ? 0 : (costUsd ?? null)));
		const costUsd = costs.includes(null) ? null : costs.reduce<number>((sum, usd) => sum + (usd ?? 0), 0);
		const placed = current.get(question.id);
		return [
			{
				placed: placed ?? placeTurn(question, newest),
				answers: answers.length,
				costUsd,
				isElsewhere: placed === undefined,
			},
		];
	});
}
