/** What a question is made of: typed text, text files, and attachments. */

import { basename } from "node:path";
import { attachmentFromUrl, attachmentPart, type UrlAttachmentOptions } from "../content/attachments.ts";
import { readBounded } from "../content/bounded-read.ts";
import { textFromUrl } from "../content/web-page.ts";
import { UsageError } from "../errors.ts";
import { estimateInputTokens } from "../models/tokens.ts";
import { describeFileError } from "../state/file-errors.ts";
import { formatTokens } from "../terminal/formats.ts";
import type { ContentPart, Message } from "../types.ts";
import { nameOf, resolvePath } from "./input/spelled-paths.ts";

/** A file that goes out with the next question. */
export interface Attachment {
	/** For people: name and size. */
	readonly label: string;
	readonly part: ContentPart;
}

/** Reads a text file, marked with its name so that a model can tell several apart. */
export async function readTextAttachment(path: string, folder: string): Promise<Attachment> {
	const file = resolvePath(path, folder);
	const text = decode(await readBytes(path, file), path);
	return textAttachment(basename(file), `<file name="${attribute(nameOf(path, file))}">`, text, "</file>");
}

/** Downloads a page and takes its text. */
export async function readUrlText(address: string, options: UrlAttachmentOptions): Promise<Attachment> {
	const text = await textFromUrl(address, options);
	return textAttachment(address, `<page address="${attribute(address)}">`, text, "</page>");
}

/** What a command printed. */
export function outputAttachment(command: string, output: string, exitCode: number): Attachment {
	const start = `<output of="${attribute(command)}" exit_code="${exitCode}">`;
	return textAttachment(command, start, output, "</output>");
}

/** Reads or downloads an image, PDF or sound. */
export async function readAttachment(
	source: string,
	folder: string,
	options: UrlAttachmentOptions,
): Promise<Attachment> {
	if (/^https?:\/\//i.test(source)) return labelled(source, await attachmentFromUrl(source, options));
	const file = resolvePath(source, folder);
	const bytes = await readBytes(source, file);
	try {
		return labelled(basename(file), attachmentPart(file, bytes));
	} catch (error) {
		const hint = "PNG, JPEG, GIF, WebP, PDF, WAV, MP3, FLAC, Ogg and M4A work; /file takes text";
		throw new UsageError((error as Error).message.replace(file, source), { hint, cause: error });
	}
}

/** A picture that came from no file. @throws UsageError when it is none */
export function imageAttachment(name: string, bytes: Uint8Array): Attachment {
	return labelled(name, attachmentPart(name, bytes));
}

/** Reads a file as what it is: an image, PDF or sound, or else text. */
export async function readAnyFile(path: string, folder: string): Promise<Attachment> {
	const file = resolvePath(path, folder);
	const bytes = await readBytes(path, file);
	let part: ContentPart;
	try {
		part = attachmentPart(file, bytes);
	} catch {
		return readTextAttachment(path, folder);
	}
	return labelled(basename(file), part);
}

/** The content of a question; plain text when nothing is attached to it. */
export function contentOf(text: string, attachments: readonly Attachment[]): Message["content"] {
	if (attachments.length === 0) return text;
	return [...attachments.map(({ part }) => part), { type: "text", text }];
}

/** What was attached to a question that was asked already. */
export function attachmentsOf({
	turn,
	attachments: labels,
}: {
	readonly turn: { readonly user: Message };
	readonly attachments: readonly string[];
}): Attachment[] {
	const { content } = turn.user;
	if (typeof content === "string") return [];
	const typed = content.findLastIndex((part) => part.type === "text");
	const parts = content.filter((_, index) => index !== typed);
	return parts.map((part, index) => ({ part, label: labels[index] ?? part.type }));
}

/** The text of a message: all of an answer, and of a question what was typed. */
export function typedText(content: Message["content"]): string {
	if (typeof content === "string") return content;
	const last = content.findLast((part) => part.type === "text");
	return last?.type === "text" ? last.text : "";
}

/** Short names of what a message carries besides its text, for those that were stored without them. */
export function attachmentLabels(content: Message["content"]): string[] {
	if (typeof content === "string") return [];
	const typed = content.findLastIndex((part) => part.type === "text");
	return content.flatMap((part, index) => {
		if (index === typed) return [];
		if (part.type === "text") return [/^<\w+ \w+="([^"]*)"/.exec(part.text)?.[1] ?? "text"];
		return [part.type === "file" ? (part.filename ?? "document") : part.type];
	});
}

function labelled(name: string, part: ContentPart): Attachment {
	const tokens = estimateInputTokens([{ role: "user", content: [part] }]);
	return { label: `${name} ${formatTokens(tokens)} tok`, part };
}

function textAttachment(name: string, start: string, text: string, end: string): Attachment {
	return labelled(name, { type: "text", text: `${start}\n${text.replace(/\n$/, "")}\n${end}\n\n` });
}

const attribute = (value: string) => value.replaceAll('"', "'");

function decode(bytes: Uint8Array, path: string): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch (error) {
		throw new UsageError(`${path} is not UTF-8 text`, {
			hint: "images, PDFs and sounds go in with /attach",
			cause: error,
		});
	}
}

async function readBytes(path: string, file: string): Promise<Uint8Array> {
	try {
		return await readBounded(file, { name: path });
	} catch (error) {
		if (error instanceof UsageError) throw error;
		throw new UsageError(`cannot read ${path}: ${describeFileError(error)}`, { cause: error });
	}
}
