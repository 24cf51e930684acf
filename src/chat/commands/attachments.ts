import { existsSync } from "node:fs";
import { UsageError } from "../../errors.ts";
import type { Chat } from "../chat.ts";
import { codeBlocks, describeBlock } from "../code-blocks.ts";
import {
	type Attachment,
	imageAttachment,
	readAttachment,
	readTextAttachment,
	typedText,
} from "../content.ts";
import { pathsIn, resolvePath } from "../input/spelled-paths.ts";
import { downloadTimeoutMs, filesOf, mentionedIn } from "../mentions.ts";
import type { ChatCommand } from "./command.ts";

/** Commands about what goes with a question, and what is taken from an answer. */
export const attachmentCommands: readonly ChatCommand[] = [
	{
		name: "file",
		argument: "PATH",
		summary: "add text files to the next question (or write @path in it)",
		group: "take along",
		completes: "path",
		async run(chat, path) {
			if (path === "") throw new UsageError("which file?", { hint: "/file PATH" });
			const { folder } = chat.host;
			const files =
				(/[*?[{]/.test(path) && !existsSync(resolvePath(path, folder)) && filesOf(path, folder)) ||
				pathsIn(path, folder);
			addAttachments(chat, await Promise.all(files.map((file) => readTextAttachment(file, folder))));
		},
	},
	{
		name: "attach",
		argument: "PATH",
		summary: "attach an image, PDF or sound (none: remove all)",
		group: "take along",
		completes: "path",
		async run(chat, path) {
			if (path === "") {
				const labels = chat.attachments.map(({ label }) => label).join(", ");
				chat.view.notice(labels === "" ? "nothing is attached" : `attached: ${labels}`);
				return;
			}
			if (path === "none") {
				chat.attachments = [];
				chat.view.notice("attachments removed");
				chat.view.changed();
				return;
			}
			await attach(chat, pathsIn(path, chat.host.folder));
		},
	},
	{
		name: "copy",
		argument: "[N]",
		summary: "copy the last answer, or its code block N (Alt-C: the last one)",
		group: "take along",
		completes: "block",
		whileAnswering: true,
		async run(chat, argument) {
			const text = lastAnswer(chat);
			if (argument === "") {
				chat.view.notice(await chat.host.copy(text));
				return;
			}
			const number = Number(/^\d+/.exec(argument)?.[0] ?? Number.NaN);
			await copyBlock(chat, number);
		},
	},
];

/** Copies a block of the last answer, from 1; without a number the last one. */
export async function copyBlock(chat: Chat, number?: number): Promise<void> {
	const blocks = codeBlocks(lastAnswer(chat));
	const at = number ?? blocks.length;
	const block = blocks[at - 1];
	if (block === undefined) {
		const known = blocks.map((each, index) => `${index + 1} ${describeBlock(each)}`).join(" · ");
		throw new UsageError(
			blocks.length === 0
				? "the last answer has no code block"
				: `the last answer has no code block ${number}`,
			{ hint: blocks.length === 0 ? "/copy copies all of it" : known },
		);
	}
	const how = await chat.host.copy(block.code);
	const lines = block.code.split("\n").length;
	chat.view.notice(`block ${at}, ${lines} ${lines === 1 ? "line" : "lines"}: ${how}`);
}

/** Attaches images, PDFs and sounds. */
export async function attach(chat: Chat, sources: readonly string[]): Promise<void> {
	const options = {
		passImagesOn: chat.session.llm.fetchesImages,
		timeoutMs: downloadTimeoutMs,
		onNote: (note: string) => chat.view.notice(note),
	};
	const { folder } = chat.host;
	addAttachments(chat, await Promise.all(sources.map((source) => readAttachment(source, folder, options))));
}

/** Attaches the picture on the clipboard. */
export async function pasteImage(chat: Chat): Promise<void> {
	const bytes = await chat.host.clipboardImage();
	if (bytes === undefined) throw new UsageError("there is no picture on the clipboard");
	addAttachments(chat, [imageAttachment("clipboard.png", bytes)]);
}

/** Attaches what a text mentions: `@path`, `@https://…`. @throws LlmxError when something of it cannot be read */
export async function attachMentioned(chat: Chat, text: string): Promise<void> {
	const before = chat.attachments;
	const mentioned = await mentionedIn(text, chat.host, {
		passImagesOn: chat.session.llm.fetchesImages,
		onNote: (note) => chat.view.notice(note),
	});
	// A question that was held back or has failed is asked again with what it has already.
	const fresh = mentioned.filter(({ label }) => !before.some((other) => other.label === label));
	chat.attachments = [...before, ...fresh];
}

function addAttachments(chat: Chat, added: readonly Attachment[]): void {
	chat.attachments = [...chat.attachments, ...added];
	chat.view.notice(`attached to the next question: ${added.map(({ label }) => label).join(", ")}`);
	chat.view.changed();
}

function lastAnswer(chat: Chat): string {
	const last = chat.session.turns.at(-1);
	if (last === undefined) throw new UsageError("there is no answer to copy");
	return typedText(last.turn.assistant.content);
}
