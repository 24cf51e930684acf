import {
	closeSync,
	constants,
	createReadStream,
	fsyncSync,
	openSync,
	readSync,
	renameSync,
	rmSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { parseJson } from "../providers/error-body.ts";
import { syncFolder } from "../state/file-system.ts";
import { ensurePrivateFolder } from "../state/files.ts";
import type { JobDialect, JobResult, WriteLines } from "./contract.ts";
import { readIds, resultsPath } from "./part-file.ts";

interface Place {
	readonly offset: number;
	readonly length: number;
	readonly ok: boolean;
	isTaken: boolean;
}

type Span = Pick<Place, "offset" | "length">;

/** Results of one job on the disk, found by the ids of their rows. */
export class ResultsFile {
	readonly path: string;
	/** Results that came a second time with another outcome. */
	conflicting = 0;
	readonly #dialect: JobDialect;
	readonly #places = new Map<string, Place>();
	readonly #foreign: Span[] = [];
	#file: number | undefined;

	private constructor(path: string, dialect: JobDialect) {
		this.path = path;
		this.#dialect = dialect;
	}

	/** Downloads results, unless they are there whole already, and finds each one's place. */
	static async open(options: {
		readonly folder: string;
		readonly tag: string;
		readonly dialect: JobDialect;
		readonly download: (write: WriteLines) => Promise<void>;
	}): Promise<ResultsFile> {
		const { folder, tag, dialect, download } = options;
		const results = new ResultsFile(resultsPath(folder, tag), dialect);
		if (!results.#openExisting()) {
			ensurePrivateFolder(folder);
			await writeWhole(results.path, download);
			results.#openExisting();
		}
		const ours = new Set<string>();
		for await (const id of readIds(folder, tag)) ours.add(id);
		await results.#index(ours);
		return results;
	}

	/** How many rows have a result. */
	get size(): number {
		return this.#places.size;
	}

	/** How many of them are answers. */
	succeeded = 0;
	/** Lines that are no JSON: something else was downloaded, or parts of it. */
	unreadable = 0;
	/** How many of them say only that the job did not come to the row. */
	undone = 0;

	/** How many lines are of rows that are not the job's, as far as its rows are known, or name no row at all. */
	get foreign(): number {
		return this.#foreign.length;
	}

	/** Writes them, and those of `others`, as they came, to a file of their own, which is there whole or not at all. */
	async writeStrangers(path: string, others: readonly string[]): Promise<void> {
		const places = others.map((wireId) => this.#places.get(wireId)).filter((place) => place !== undefined);
		await writeWhole(path, async (write) => {
			for (const place of [...this.#foreign, ...places]) await write(`${this.#read(place)}\n`);
		});
	}

	has(wireId: string): boolean {
		return this.#places.has(wireId);
	}

	/** The ids of all rows that have a result. */
	ids(): IterableIterator<string> {
		return this.#places.keys();
	}

	/** The result of a row: the first that succeeded, or else the first. */
	result(wireId: string): JobResult | undefined {
		const place = this.#places.get(wireId);
		return place === undefined ? undefined : this.#dialect.read(parseJson(this.#read(place)));
	}

	/** The same, which is then known to have been handed out. */
	take(wireId: string): JobResult | undefined {
		const place = this.#places.get(wireId);
		if (place !== undefined) place.isTaken = true;
		return this.result(wireId);
	}

	/** Whether there is a result that nobody took. */
	isLeft(wireId: string): boolean {
		return this.#places.get(wireId)?.isTaken === false;
	}

	#read({ offset, length }: Span): string {
		if (this.#file === undefined) return "";
		const buffer = Buffer.alloc(length);
		readSync(this.#file, buffer, 0, length, offset);
		return buffer.toString("utf8");
	}

	close(): void {
		if (this.#file !== undefined) closeSync(this.#file);
		this.#file = undefined;
	}

	/** Takes the file off the disk, so that it is downloaded again. */
	discard(): void {
		this.close();
		rmSync(this.path, { force: true });
	}

	#openExisting(): boolean {
		try {
			this.#file = openSync(this.path, "r");
			return true;
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
			throw error;
		}
	}

	async #index(ours: ReadonlySet<string>): Promise<void> {
		let offset = 0;
		for await (const line of lines(this.path)) {
			const place = { offset, length: line.length };
			offset += line.length + 1;
			if (line.length === 0) continue;
			const value = parseJson(line.toString("utf8"));
			if (value === undefined) this.unreadable += 1;
			const result = this.#dialect.read(value);
			if (result === undefined || (ours.size > 0 && !ours.has(result.wireId))) this.#foreign.push(place);
			else this.#keep(result, place);
		}
	}

	#keep(result: JobResult, place: Span): void {
		const { wireId, ok } = result;
		const before = this.#places.get(wireId);
		if (before === undefined && !result.ok && result.reason !== "failed") this.undone += 1;
		if (before !== undefined) this.conflicting += 1;
		// An answer was paid for: a failure beside it does not take it away, whichever came first.
		if (before !== undefined && (!ok || before.ok)) return;
		if (ok) this.succeeded += 1;
		this.#places.set(wireId, { ...place, ok, isTaken: false });
	}
}

/** Lines with their lengths in bytes, in flat memory but for the longest. */
async function* lines(path: string): AsyncGenerator<Buffer, void> {
	let held: Buffer[] = [];
	for await (const chunk of createReadStream(path, { highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
		let start = 0;
		for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
			const piece = chunk.subarray(start, end);
			yield held.length === 0 ? piece : Buffer.concat([...held, piece]);
			held = [];
			start = end + 1;
		}
		if (start < chunk.length) held.push(chunk.subarray(start));
	}
	if (held.length > 0) yield Buffer.concat(held);
}

/** Writes a file so that it is there whole or not at all. */
async function writeWhole(path: string, write: (write: WriteLines) => Promise<void>): Promise<void> {
	const temporary = `${path}.${process.pid}.${Math.floor(Math.random() * 2 ** 40).toString(36)}.tmp`;
	const file = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
	try {
		await write(async (piece) => {
			await file.writeFile(piece);
		});
		fsyncSync(file.fd);
	} catch (error) {
		rmSync(temporary, { force: true });
		throw error;
	} finally {
		await file.close();
	}
	renameSync(temporary, path);
	syncFolder(dirname(path));
}
