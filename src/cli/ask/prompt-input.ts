import { resolve } from "node:path";
import { LlmxError, UsageError } from "../../errors.ts";
import { attachmentFromUrl, attachmentPart, type ContentPart, type Message } from "../../index.ts";
import { describeFileError } from "../../state/file-errors.ts";
import type { Io } from "../io.ts";

/** A person who waits at a silent pipe should learn after this long what llmx waits for. */
const stdinHintAfterMs = 1_000;
/** As for a file. */
const stdinLimitBytes = 32 * 1024 * 1024;

export interface PromptSources {
	readonly words: readonly string[];
	/** Text files that go into the prompt. */
	readonly files: readonly string[];
	/** False with `--no-stdin`. */
	readonly stdin: boolean;
}

/**
 * Puts a prompt together: arguments, files, then stdin when it is piped, with blank lines between.
 * @throws UsageError when a file cannot be read, or text is not UTF-8
 */
export async function readPrompt(io: Io, sources: PromptSources): Promise<string> {
	const files = await Promise.all(sources.files.map((path) => readTextFile(io, path)));
	const words = sources.words.join(" ");
	const piped =
		sources.stdin && io.stdin.isTTY !== true ? await readStdin(io, words === "" && files.length === 0) : "";
	return [words, ...files, piped].filter((piece) => piece.trim() !== "").join("\n\n");
}

/** @throws UsageError when there is nothing to ask */
export function requirePrompt(text: string): string {
	if (text !== "") return text;
	throw new UsageError("no prompt given", {
		hint: 'pass it as an argument, with -f FILE or on stdin: llmx ask "why is the sky blue?"',
	});
}

export interface AttachmentOptions {
	/** Leave images at a URL to the provider. */
	readonly passImagesOn: boolean;
	readonly signal: AbortSignal;
	/** Called with a redirect to another host. */
	readonly onNote: (note: string) => void;
}

/**
 * Reads or downloads what is attached (`-a`): images, PDFs and sounds.
 * @throws UsageError for what cannot be attached; what `attachmentFromUrl` throws
 */
export function readAttachments(
	io: Io,
	sources: readonly string[],
	options: AttachmentOptions,
): Promise<ContentPart[]> {
	const read = async (source: string) =>
		/^https?:\/\//i.test(source)
			? attachmentFromUrl(source, options)
			: attachmentPart(source, await readBytes(io, source, options.signal));
	return Promise.all(sources.map(read));
}

/** The message that carries a prompt and what is attached to it. */
export function userMessage(text: string, attachments: readonly ContentPart[]): Message {
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

async function readBytes(io: Io, path: string, signal?: AbortSignal): Promise<Uint8Array> {
	try {
		const { readBounded } = await import("../../content/bounded-read.ts");
		return await readBounded(resolve(io.cwd, path), { name: path, signal });
	} catch (error) {
		if (error instanceof LlmxError || signal?.aborted) throw error;
		throw new UsageError(`cannot read ${path}: ${describeFileError(error)}`, { cause: error });
	}
}

async function readStdin(io: Io, isOnlySource: boolean): Promise<string> {
	const hint = setTimeout(() => {
		const skip = isOnlySource ? "" : "; skip this with --no-stdin";
		io.stderr.write(`llmx: reading the prompt from stdin (Ctrl-D ends it${skip})\n`);
	}, stdinHintAfterMs);
	const chunks: Buffer[] = [];
	let length = 0;
	try {
		for await (const chunk of io.stdin) {
			clearTimeout(hint);
			const bytes = Buffer.from(chunk as Buffer);
			length += bytes.length;
			if (length > stdinLimitBytes) throw new UsageError(`stdin is larger than ${stdinLimitBytes >> 20} MiB`);
			chunks.push(bytes);
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
			hint: "attach images, PDFs and audio with -a",
			cause: error,
		});
	}
}
