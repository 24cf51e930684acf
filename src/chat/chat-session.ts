import { Conversation, type Turn } from "../conversation.ts";
import { exitCodes } from "../errors.ts";
import type { LLM } from "../llm.ts";
import type { Parameters } from "../parameters/table.ts";
import type { OpenSession } from "../state/sessions.ts";
import { describeFailure } from "./failure.ts";
import type { ChatHost } from "./host.ts";
import { SessionModels, type Spent } from "./llms.ts";
import { SessionRecord } from "./record.ts";
import type { ChatView } from "./view.ts";

export interface ChatSessionOptions {
	readonly host: ChatHost;
	readonly view: ChatView;
	/** The model that answers first. */
	readonly model: string;
	readonly system: string | undefined;
	readonly parameters: Parameters;
	/** What the session took so far, when that is known better than from its file. */
	readonly spent?: Spent | undefined;
}

/** The session that a chat goes on in: its file, its conversation, and the models that answer in it. */
export class ChatSession {
	readonly record: SessionRecord;
	readonly models: SessionModels;
	readonly conversation: Conversation;

	/** @throws NoRouteError when nobody serves the model */
	constructor(open: OpenSession, { host, view, model, system, parameters, spent }: ChatSessionOptions) {
		this.record = new SessionRecord(open, (error) => {
			view.failed({
				message: `the session ${open.session.name} cannot be saved: ${describeFailure(error).message}`,
				hint: "it goes on unsaved; /export keeps it elsewhere",
				exitCode: exitCodes.failed,
			});
		});
		this.models = new SessionModels(host, open.session, spent);
		this.conversation = new Conversation(this.models.get(model), { system, turns: this.record.turns });
		this.record.update({ model, system: system ?? null, parameters });
	}

	/** USD and tokens, those of earlier processes included. */
	get spent(): Spent {
		const { cost, usage } = this.models;
		return { cost, usage };
	}

	/** The conversation as it was after its first turns, to be answered by a model of its own. */
	branch(turns: number, llm: LLM = this.conversation.llm): Conversation {
		const { system } = this.conversation;
		return new Conversation(llm, { system, turns: this.conversation.turns.slice(0, turns) });
	}

	/** Puts a turn of a branch in the place of the last one. */
	replaceLast(turn: Turn, llm: LLM): void {
		this.conversation.replaceLast(turn);
		this.record.put(turn, this.conversation.turns.length - 1, llm);
	}
}
