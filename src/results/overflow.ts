import { basename, join } from "node:path";
import { type Files, writeAll } from "../state/file-system.ts";
import { createBeside } from "./rescue.ts";

/** A file that takes records. */
interface Refuge {
	readonly file: number;
	/** As messages name it. */
	readonly name: string;
	/** Of whole records. */
	bytes: number;
	records: number;
}

/**
 * Records that came when their file could not be written, such as on a full disk: they go into a file in the first
 * other folder that takes one, and into the next one when that is full, too.
 */
export class Overflow {
	readonly #files: Files;
	readonly #name: string;
	readonly #noun: string;
	/** Not tried yet. */
	readonly #folders: string[];
	readonly #refuges: Refuge[] = [];
	#lost = 0;

	/** `name` is the file that the records belong into; `noun` what they are, in the plural. */
	constructor(files: Files, name: string, noun: string, folders: readonly string[]) {
		this.#files = files;
		this.#name = name;
		this.#noun = noun;
		this.#folders = [...folders];
	}

	/** Records that are in other files. */
	get records(): number {
		return this.#refuges.reduce((sum, { records }) => sum + records, 0);
	}

	/** Keeps a record, given without its newline, if any folder takes it. */
	add(record: string): void {
		for (const refuge of this.#refuges) if (this.#write(refuge, record)) return;
		for (let folder = this.#folders.shift(); folder !== undefined; folder = this.#folders.shift()) {
			const refuge = this.#open(folder);
			if (refuge === undefined) continue;
			if (this.#write(refuge, record)) {
				this.#refuges.push(refuge);
				return;
			}
			this.#discard(refuge, folder);
		}
		this.#lost += 1;
	}

	/** Where they are, for people. */
	get notes(): string[] {
		const noun = this.#noun;
		const belongsTo = this.#name;
		const notes = this.#refuges.map(
			({ name, records }) =>
				`${records} ${noun} that could not be written to ${belongsTo} are in ${name}; add them: cat ${name} >> ${belongsTo}`,
		);
		if (this.#lost > 0)
			notes.push(
				`${this.#lost} ${noun} could be written neither to ${belongsTo} nor anywhere else; only the cache may have them`,
			);
		return notes;
	}

	close(): void {
		for (const { file } of this.#refuges.splice(0)) this.#files.close(file);
	}

	/** False when it takes no whole record; it then holds what it held before, as far as it can be helped. */
	#write(refuge: Refuge, record: string): boolean {
		// The file that they are added to may end with a part of a record.
		const bytes = Buffer.from(`${refuge.bytes === 0 ? "\n" : ""}${record}\n`);
		try {
			writeAll(this.#files, refuge.file, bytes);
		} catch {
			try {
				this.#files.truncate(refuge.file, refuge.bytes);
			} catch {
				// A torn record at its end is seen by whoever reads it.
			}
			return false;
		}
		refuge.bytes += bytes.length;
		refuge.records += 1;
		return true;
	}

	#open(folder: string): Refuge | undefined {
		try {
			const path = join(folder, basename(this.#name));
			return { ...createBeside(this.#files, path, "overflow", (name) => name), bytes: 0, records: 0 };
		} catch {
			return undefined;
		}
	}

	#discard({ file, name }: Refuge, folder: string): void {
		this.#files.close(file);
		try {
			this.#files.remove(join(folder, basename(name)));
		} catch {
			// An empty file that stays.
		}
	}
}
