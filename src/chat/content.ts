/** What a question is made of: typed text, text files, and attachments. */

import { homedir } from "node:os";
import { basename, resolve } from "node:path";
import { attachmentFromUrl, attachmentPart, type UrlAttachmentOptions } from "../content/attachments.ts";
import { readBounded } from "../content/bounded-read.ts";
import { UsageError } from "../errors.ts";
import { describeFileError } from "../state/file-errors.ts";
import { formatBytes } from "../terminal/formats.ts";
import type { ContentPart, Message } from "../types.ts";

/** A file that goes out with the next question. */
export interface Attachment {
	/** For people: name and size. */
	readonly label: string;
	readonly part: ContentPart;
}

/** The path a user means: `~` is the home folder, everything else is relative to `folder`. */
export function resolvePath(
	path: string,
	folder: string,
	platform: NodeJS.Platform = process.platform,
): string {
	const unquoted = path.replace(/^(["'])(.*)\1$/, "$2");
	const home = platform === "win32" ? /^~(?=[/\\]|$)/ : /^~(?=\/|$)/;
	return resolve(
		folder,
		unquoted.replace(home, () => homedir()),
	);
}

/** Reads a text file, marked with its name so that a model can tell several apart. */
export async function readTextAttachment(path: string, folder: string): Promise<Attachment> {
	const bytes = await readBytes(path, folder);
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch (error) {
		throw new UsageError(`${path} is not UTF-8 text`, {
			hint: "images, PDFs and sounds go in with /attach",
			cause: error,
		});
	}
	const name = path.replaceAll('"', "'");
	return {
		label: labelOf(path, bytes.length),
		part: { type: "text", text: `<file name="${name}">\n${text.replace(/\n$/, "")}\n</file>\n\n` },
	};
}

/** Reads or downloads an image, PDF or sound. */
export async function readAttachment(
	source: string,
	folder: string,
	options: UrlAttachmentOptions,
): Promise<Attachment> {
	if (/^https?:\/\//i.test(source)) return { label: source, part: await attachmentFromUrl(source, options) };
	const bytes = await readBytes(source, folder);
	const label = labelOf(source, bytes.length);
	try {
		return { label, part: attachmentPart(source, bytes) };
	} catch (error) {
		const hint = "PNG, JPEG, GIF, WebP, PDF, WAV, MP3, FLAC, Ogg and M4A work; /file takes text";
		throw new UsageError((error as Error).message, { hint, cause: error });
	}
}

/** The content of a question; plain text when nothing is attached to it. */
export function contentOf(text: string, attachments: readonly Attachment[]): Message["content"] {
	if (attachments.length === 0) return text;
	return [...attachments.map(({ part }) => part), { type: "text", text }];
}

/** The text of a message: all of an answer, and of a question what was typed. */
export function typedText(content: Message["content"]): string {
	if (typeof content === "string") return content;
	const last = content.findLast((part) => part.type === "text");
	return last?.type === "text" ? last.text : "";
}

/** Short names of what a stored message carries besides its text. */
export function attachmentLabels(content: Message["content"]): string[] {
	if (typeof content === "string") return [];
	const typed = content.findLastIndex((part) => part.type === "text");
	return content.flatMap((part, index) => {
		if (index === typed) return [];
		if (part.type === "text") return [/^<file name="([^"]*)">/.exec(part.text)?.[1] ?? "text"];
		return [part.type === "file" ? (part.filename ?? "document") : part.type];
	});
}

async function readBytes(path: string, folder: string): Promise<Uint8Array> {
	try {
		return await readBounded(resolvePath(path, folder), { name: path });
	} catch (error) {
		if (error instanceof UsageError) throw error;
		throw new UsageError(`cannot read ${path}: ${describeFileError(error)}`, { cause: error });
	}
}

function labelOf(path: string, bytes: number): string {
	return `${basename(path)} ${formatBytes(bytes)}`;
}
