import { UsageError } from "../../errors.ts";
import { compact } from "../compaction.ts";
import { typedText } from "../content.ts";
import { pickQuestion } from "../pickers.ts";
import { shownTurns } from "../record.ts";
import { describeAnswer } from "../switching.ts";
import type { ChatCommand } from "./command.ts";

/** Commands about questions and answers. */
export const turnCommands: readonly ChatCommand[] = [
	{
		name: "retry",
		summary: "ask the last question again, bypassing the cache",
		group: "ask",
		run: (chat) => chat.retry(),
	},
	{
		name: "edit",
		argument: "[text]",
		summary: "edit the last question and ask it again",
		group: "ask",
		async run(chat, text) {
			const last = chat.session.turns.at(-1);
			if (last === undefined) throw new UsageError("there is no question to edit");
			const question = chat.edit(last);
			if (text !== "") {
				await chat.ask(text);
				return;
			}
			chat.view.notice("edit the question and send it; the earlier answer stays as another branch");
			chat.view.suggest(question);
		},
	},
	{
		name: "compare",
		argument: "MODEL",
		summary: "ask another model the last question, and keep one answer",
		group: "ask",
		completes: "model",
		async run(chat, model) {
			if (model === "") throw new UsageError("compare with which model?", { hint: "/compare MODEL" });
			await chat.compare(model);
		},
	},
	{
		name: "compact",
		argument: "[-m MODEL] [what to keep]",
		summary: "continue from a summary of this conversation",
		group: "ask",
		completes: "model",
		async run(chat, argument) {
			const [, model, focus = ""] = /^(?:-m\s+(\S+)\s*)?(.*)$/s.exec(argument) ?? [];
			await compact(chat, { model, focus });
		},
	},
	{
		name: "undo",
		summary: "undo the last question and its answer",
		group: "go back",
		run(chat) {
			const dropped = chat.move((session) => session.undo());
			if (dropped === undefined) throw new UsageError("there is nothing to undo");
			const question = dropped.isSummary ? "the summary" : firstLine(typedText(dropped.turn.user.content));
			chat.view.notice(`undone: ${question} · /redo brings it back`);
		},
	},
	{
		name: "redo",
		summary: "bring back what was undone",
		group: "go back",
		run(chat) {
			const back = chat.move((session) => session.redo());
			if (back === undefined) throw new UsageError("there is nothing to redo");
			chat.view.resumed(shownTurns([back]));
			chat.view.notice(describeAnswer(chat));
		},
	},
	{
		name: "answer",
		aliases: ["answers"],
		argument: "[N]",
		summary: "switch to another answer to the last question",
		group: "go back",
		run(chat, argument) {
			const last = chat.session.turns.at(-1);
			if (last === undefined) throw new UsageError("there is no answer yet");
			const { number, count } = chat.session.answersOf(last);
			if (count < 2)
				throw new UsageError("the last question has only one answer", { hint: "/retry asks for another" });
			const wanted = argument === "" ? (number % count) + 1 : Number(argument);
			if (!(Number.isInteger(wanted) && wanted >= 1 && wanted <= count))
				throw new UsageError(`there is no answer ${argument}`, { hint: `/answer 1 to /answer ${count}` });
			chat.move((session) => session.walkAnswers(wanted - number));
			chat.view.resumed(shownTurns(chat.session.turns.slice(-1)));
			chat.view.notice(describeAnswer(chat));
		},
	},
	{
		name: "history",
		aliases: ["rewind", "tree"],
		summary: "list your questions, and go back to any of them (Esc Esc)",
		group: "go back",
		run(chat) {
			if (chat.session.session.all.length === 0)
				throw new UsageError("there are no questions in this session yet");
			chat.view.pick(pickQuestion(chat));
		},
	},
];

function firstLine(text: string): string {
	const line = text.trim().split("\n", 1)[0] ?? "";
	return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
