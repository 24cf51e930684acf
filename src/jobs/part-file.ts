import { closeSync, constants, createReadStream, fsyncSync, openSync, rmSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { parseJson } from "../providers/error-body.ts";
import { ensurePrivateFolder } from "../state/files.ts";

/** The rows of one job, as they lie on the disk: one line each, ready for the wire. */
export interface PartFile {
	readonly path: string;
	readonly rows: number;
	/** With every line's break. */
	readonly bytes: number;
}

/** What a row is called at home, where its answer is known again even if the input has changed meanwhile. */
export interface RowName {
	readonly id: string;
	/** Of the request as the user gave it. */
	readonly hash: string;
	/** How many answers it asks for. */
	readonly n: number;
}

/** Writes the lines of a part, and beside them its ids, which outlive it: they say which rows are on their way. */
export class PartWriter {
	readonly tag: string;
	readonly #path: string;
	readonly #idsPath: string;
	readonly #lines: number;
	readonly #ids: number;
	#rows = 0;
	#bytes = 0;

	/** `folder` is private to the user; files are made with mode 0600 and must not exist. */
	constructor(folder: string, tag: string) {
		this.tag = tag;
		this.#path = partPath(folder, tag);
		this.#idsPath = idsPath(folder, tag);
		ensurePrivateFolder(dirname(this.#path));
		this.#lines = openNew(this.#path);
		this.#ids = openNew(this.#idsPath);
	}

	get rows(): number {
		return this.#rows;
	}

	get bytes(): number {
		return this.#bytes;
	}

	add(wireId: string, line: string, name?: RowName): void {
		const bytes = Buffer.from(`${line}\n`, "utf8");
		writeAllSync(this.#lines, bytes);
		const own = name === undefined ? "" : `\t${JSON.stringify([name.id, name.hash, name.n])}`;
		writeAllSync(this.#ids, Buffer.from(`${wireId}${own}\n`));
		this.#rows += 1;
		this.#bytes += bytes.length;
	}

	/** Brings both files onto the disk: an intent may only name what is there. */
	close(): PartFile {
		fsyncSync(this.#lines);
		fsyncSync(this.#ids);
		closeSync(this.#lines);
		closeSync(this.#ids);
		return { path: this.#path, rows: this.#rows, bytes: this.#bytes };
	}

	/** Gives the part up; nothing names it. */
	discard(): void {
		closeSync(this.#lines);
		closeSync(this.#ids);
		rmSync(this.#path, { force: true });
		rmSync(this.#idsPath, { force: true });
	}
}

export function partPath(folder: string, tag: string): string {
	return `${folder}/${tag}.jsonl`;
}

export function resultsPath(folder: string, tag: string): string {
	return `${folder}/${tag}.results.jsonl`;
}

export function idsPath(folder: string, tag: string): string {
	return `${folder}/${tag}.ids`;
}

/** Takes off the disk whatever lies there for a job. */
export function removeJobFiles(folder: string, tag: string): void {
	for (const path of [partPath(folder, tag), idsPath(folder, tag), resultsPath(folder, tag)])
		rmSync(path, { force: true });
}

function openNew(path: string): number {
	return openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
}

function writeAllSync(descriptor: number, bytes: Uint8Array): void {
	for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

/** A body with a length that is known before it is sent. */
export interface StreamedBody {
	readonly length: number;
	readonly chunks: AsyncIterable<Uint8Array>;
}

/** The part's file as it is. */
export function fileBody(part: PartFile): StreamedBody {
	return { length: part.bytes, chunks: createReadStream(part.path) as AsyncIterable<Uint8Array> };
}

/** The lines of a part as the items of a JSON list between two texts. */
export function listBody(part: PartFile, before: string, after: string): StreamedBody {
	const [head, tail] = [Buffer.from(before), Buffer.from(after)];
	return {
		// Each line break but the last becomes a comma.
		length: head.length + Math.max(0, part.bytes - 1) + tail.length,
		chunks: (async function* () {
			yield head;
			let left = part.bytes;
			for await (const chunk of createReadStream(part.path) as AsyncIterable<Buffer>) {
				// JSON holds no raw line break, so every one of them ends a line.
				for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, at + 1)) chunk[at] = 0x2c;
				left -= chunk.length;
				yield left === 0 ? chunk.subarray(0, chunk.length - 1) : chunk;
			}
			yield tail;
		})(),
	};
}

/** A multipart form: text fields, then one file. */
export function formBody(
	fields: Readonly<Record<string, string>>,
	file: { readonly name: string; readonly type: string; readonly part: PartFile } | undefined,
): StreamedBody & { readonly contentType: string } {
	const boundary = `llmx-${crypto.randomUUID()}`;
	let opening = "";
	for (const [name, value] of Object.entries(fields))
		opening += `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
	if (file !== undefined)
		opening += `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: ${file.type}\r\n\r\n`;
	const head = Buffer.from(opening);
	const tail = Buffer.from(`${file === undefined ? "" : "\r\n"}--${boundary}--\r\n`);
	return {
		contentType: `multipart/form-data; boundary=${boundary}`,
		length: head.length + (file?.part.bytes ?? 0) + tail.length,
		chunks: (async function* () {
			yield head;
			if (file !== undefined) yield* createReadStream(file.part.path) as AsyncIterable<Buffer>;
			yield tail;
		})(),
	};
}

/** The ids of a part, for rows that are on their way. Missing: none. */
export async function* readIds(folder: string, tag: string): AsyncGenerator<string, void> {
	// A copy: a piece of a line keeps the whole line in memory, and there may be a hundred thousand of them.
	for await (const [id] of readIdLines(folder, tag)) yield Buffer.from(id).toString("latin1");
}

/** The same with what rows are called at home, as far as that was written down. */
export async function* readRowNames(
	folder: string,
	tag: string,
): AsyncGenerator<{ readonly wireId: string; readonly name: RowName | undefined }, void> {
	for await (const [wireId, own] of readIdLines(folder, tag)) {
		const fields: unknown = own === undefined ? undefined : parseJson(own);
		const [id, hash, n] = Array.isArray(fields) ? fields : [];
		const isWhole = typeof id === "string" && typeof hash === "string" && typeof n === "number";
		yield { wireId, name: isWhole ? { id, hash, n } : undefined };
	}
}

async function* readIdLines(folder: string, tag: string): AsyncGenerator<[id: string, own?: string], void> {
	let file: Awaited<ReturnType<typeof open>>;
	try {
		file = await open(idsPath(folder, tag), "r");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
		throw error;
	}
	for await (const line of file.readLines()) if (line !== "") yield line.split("\t", 2) as [string, string?];
}

/** The ids that problems name by the lines of a part's file, each with what is wrong. */
export async function idsAtLines(
	folder: string,
	tag: string,
	problems: readonly { readonly line: number | null; readonly message: string }[],
): Promise<ReadonlyMap<string, string>> {
	const messages = new Map(problems.map(({ line, message }) => [line, message]));
	const found = new Map<string, string>();
	let line = 0;
	for await (const id of readIds(folder, tag)) {
		line += 1;
		const message = messages.get(line);
		if (message !== undefined) found.set(id, message);
	}
	return found;
}
