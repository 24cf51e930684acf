import { basename, join } from "node:path";
import { type Files, writeAll } from "../state/file-system.ts";
import { createBeside } from "./rescue.ts";

/**
 * Records that came when their file could not be written, such as on a full disk: they go into a file in the first
 * other folder that takes one.
 */
export class Overflow {
	readonly #files: Files;
	readonly #name: string;
	readonly #noun: string;
	readonly #folders: readonly string[];
	#file: number | undefined;
	#fileName = "";
	#records = 0;

	/** `name` is the file that the records belong into; `noun` what they are, in the plural. */
	constructor(files: Files, name: string, noun: string, folders: readonly string[]) {
		this.#files = files;
		this.#name = name;
		this.#noun = noun;
		this.#folders = folders;
	}

	/** Keeps a record, given without its newline, if any folder takes it. */
	add(record: string): void {
		const bytes = Buffer.from(`${record}\n`);
		for (const folder of this.#folders) {
			try {
				this.#file ??= this.#begin(folder);
				writeAll(this.#files, this.#file, bytes);
				this.#records += 1;
				return;
			} catch {
				// The next folder may take it, unless this one has some already.
				if (this.#records > 0) return;
				this.close();
			}
		}
	}

	/** Where they are, for people; undefined when there are none. */
	get note(): string | undefined {
		if (this.#records === 0) return undefined;
		const count = `${this.#records} ${this.#noun} that could not be written to ${this.#name}`;
		return `${count} are in ${this.#fileName}; add them: cat ${this.#fileName} >> ${this.#name}`;
	}

	close(): void {
		if (this.#file !== undefined) this.#files.close(this.#file);
		this.#file = undefined;
	}

	#begin(folder: string): number {
		const { file, name } = createBeside(
			this.#files,
			join(folder, basename(this.#name)),
			"overflow",
			(candidate) => candidate,
		);
		this.#fileName = name;
		return file;
	}
}
