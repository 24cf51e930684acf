import { hash } from "node:crypto";
import type { Files } from "../state/file-system.ts";
import { readLines } from "../state/lines.ts";

/** Which lines there are, in little memory for each. */
export class LineSet {
	readonly #hashes = new Set<string>();

	get isEmpty(): boolean {
		return this.#hashes.size === 0;
	}

	add(text: string): void {
		this.#hashes.add(hashOf(text));
	}

	/** Adds the lines of a file, if it is there. */
	addAll(files: Files, path: string): void {
		if (files.factsOf(path) === undefined) return;
		const file = files.open(path, "r");
		try {
			for (const { text } of readLines(files, file)) this.add(text);
		} finally {
			files.close(file);
		}
	}

	has(text: string): boolean {
		return this.#hashes.has(hashOf(text));
	}
}

function hashOf(text: string): string {
	return hash("sha1", text, "base64");
}
