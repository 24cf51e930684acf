import { UsageError } from "../../errors.ts";
import { readAttachment, readTextAttachment, typedText } from "../content.ts";
import type { ChatCommand } from "./command.ts";

/** Somebody waits at the screen for it. */
const DOWNLOAD_TIMEOUT_MS = 30_000;

/** Commands about questions and answers. */
export const turnCommands: readonly ChatCommand[] = [
	{
		name: "file",
		argument: "PATH",
		summary: "put a text file into the next question",
		completes: "path",
		async run(chat, path) {
			if (path === "") throw new UsageError("which file?", { hint: "/file PATH" });
			const attachment = await readTextAttachment(path, chat.host.folder);
			chat.attachments = [...chat.attachments, attachment];
			chat.view.notice(`goes with the next question: ${attachment.label}`);
			chat.view.changed();
		},
	},
	{
		name: "attach",
		argument: "PATH",
		summary: "attach an image, PDF or sound (none: take all back)",
		completes: "path",
		async run(chat, path) {
			if (path === "") {
				const labels = chat.attachments.map(({ label }) => label).join(", ");
				chat.view.notice(labels === "" ? "nothing is attached" : `attached: ${labels}`);
				return;
			}
			if (path === "none") {
				chat.attachments = [];
				chat.view.notice("nothing is attached any more");
			} else {
				const attachment = await readAttachment(path, chat.host.folder, {
					passImagesOn: chat.fetchesImages,
					timeoutMs: DOWNLOAD_TIMEOUT_MS,
					onNote: (note) => chat.view.notice(note),
				});
				chat.attachments = [...chat.attachments, attachment];
				chat.view.notice(`goes with the next question: ${attachment.label}`);
			}
			chat.view.changed();
		},
	},
	{
		name: "retry",
		summary: "ask the last question again, never from the cache",
		run: (chat) => chat.retry(),
	},
	{
		name: "undo",
		summary: "take the last question and its answer back",
		run(chat) {
			const question = chat.undo();
			if (question === undefined) throw new UsageError("there is nothing to take back");
			chat.view.notice(`taken back: ${firstLine(question)}`);
		},
	},
	{
		name: "edit",
		argument: "[text]",
		summary: "change the last question and ask it again",
		async run(chat, text) {
			const last = chat.turns.at(-1);
			if (last === undefined) throw new UsageError("there is no question to change");
			chat.editing = true;
			if (text !== "") {
				await chat.ask(text);
				return;
			}
			chat.view.notice("change the question and send it; it takes the place of the last one");
			chat.view.suggest(typedText(last.user.content));
			chat.view.changed();
		},
	},
	{
		name: "compare",
		argument: "MODEL",
		summary: "put the last question to another model, and keep one answer",
		completes: "model",
		async run(chat, model) {
			if (model === "") throw new UsageError("compare with which model?", { hint: "/compare MODEL" });
			await chat.compare(model);
		},
	},
	{
		name: "copy",
		summary: "copy the last answer to the clipboard",
		async run(chat) {
			const last = chat.turns.at(-1);
			if (last === undefined) throw new UsageError("there is no answer to copy");
			chat.view.notice(await chat.host.copy(typedText(last.assistant.content)));
		},
	},
];

function firstLine(text: string): string {
	const line = text.trim().split("\n", 1)[0] ?? "";
	return line.length > 60 ? `${line.slice(0, 59)}…` : line;
}
