import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { attachmentPart, type ContentPart, type Message } from "../index.ts";
import type { Io } from "./io.ts";

/** A person who waits at a silent pipe should learn after this long what llmx waits for. */
const STDIN_HINT_AFTER_MS = 1_000;

export interface PromptSources {
	readonly words: readonly string[];
	/** Text files that go into the prompt. */
	readonly files: readonly string[];
	/** Images, PDFs and sounds: paths or URLs. */
	readonly attachments: readonly string[];
	/** False with `--no-stdin`. */
	readonly stdin: boolean;
}

/** What the user asks: the text, and what is attached to it. */
export interface PromptInput {
	readonly text: string;
	readonly attachments: readonly ContentPart[];
}

/**
 * Puts a prompt together: arguments, files, then stdin when it is piped, with blank lines between.
 * @throws UsageError when a file cannot be read, or text is not UTF-8
 */
export async function readPrompt(io: Io, sources: PromptSources): Promise<PromptInput> {
	const files = await Promise.all(sources.files.map((path) => readTextFile(io, path)));
	const words = sources.words.join(" ");
	const piped =
		sources.stdin && io.stdin.isTTY !== true ? await readStdin(io, words === "" && files.length === 0) : "";
	return {
		text: [words, ...files, piped].filter((piece) => piece.trim() !== "").join("\n\n"),
		attachments: await Promise.all(sources.attachments.map((source) => readAttachment(io, source))),
	};
}

/**
 * The message that carries a prompt.
 * @throws UsageError when there is no text
 */
export function userMessage(text: string, attachments: readonly ContentPart[]): Message {
	if (text === "") {
		throw new UsageError("there is no prompt", {
			hint: 'give it as arguments, with -f FILE, or on stdin: llmx ask "why is the sky blue?"',
		});
	}
	return {
		role: "user",
		content: attachments.length === 0 ? text : [...attachments, { type: "text", text }],
	};
}

/** Files are marked with their names, so that a model can tell several apart and speak of them. */
async function readTextFile(io: Io, path: string): Promise<string> {
	const text = decode(await readBytes(io, path), path);
	return `<file name="${path.replaceAll('"', "'")}">\n${text.replace(/\n$/, "")}\n</file>`;
}

async function readAttachment(io: Io, source: string): Promise<ContentPart> {
	if (/^https?:\/\//i.test(source)) return { type: "image", url: source };
	return attachmentPart(source, await readBytes(io, source));
}

async function readBytes(io: Io, path: string): Promise<Uint8Array> {
	try {
		return await readFile(resolve(io.cwd, path));
	} catch (error) {
		throw new UsageError(`cannot read ${path}: ${reasonOf(error)}`, { cause: error });
	}
}

const reasons: Record<string, string> = {
	ENOENT: "there is no such file",
	EISDIR: "it is a folder",
	EACCES: "permission denied",
};

function reasonOf(error: unknown): string {
	const { code, message } = error as NodeJS.ErrnoException;
	return reasons[code ?? ""] ?? message;
}

async function readStdin(io: Io, isOnlySource: boolean): Promise<string> {
	const hint = setTimeout(() => {
		const skip = isOnlySource ? "" : "; --no-stdin skips it";
		io.stderr.write(`llmx: reading the prompt from stdin (Ctrl-D ends it${skip})\n`);
	}, STDIN_HINT_AFTER_MS);
	const chunks: Buffer[] = [];
	try {
		for await (const chunk of io.stdin) {
			clearTimeout(hint);
			chunks.push(Buffer.from(chunk as Buffer));
		}
	} finally {
		clearTimeout(hint);
	}
	return decode(Buffer.concat(chunks), "stdin").replace(/\n$/, "");
}

function decode(bytes: Uint8Array, source: string): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch (error) {
		throw new UsageError(`${source} is not UTF-8 text`, {
			hint: "images, PDFs and sounds go in with -a",
			cause: error,
		});
	}
}
