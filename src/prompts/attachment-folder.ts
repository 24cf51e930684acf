import { readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, sep } from "node:path";
import { maxFileBytes } from "../content/bounded-read.ts";
import { UsageError } from "../errors.ts";
import { describeValue } from "../parameters/values.ts";
import { describeFileError } from "../state/file-system.ts";
import { RowProblem } from "./parameters.ts";

/** The one folder that rows may attach files from. A prompts file may come from somebody else: links are followed first. */
export class AttachmentFolder {
	readonly #root: string;

	/** @throws UsageError when the folder is not there */
	constructor(path: string) {
		try {
			this.#root = realpathSync(path);
		} catch (error) {
			throw new UsageError(`--allow-files ${path}: ${describeFileError(error)}`, { cause: error });
		}
	}

	/** Bytes of a file named relative to the folder, or absolutely within it. Throws RowProblem. */
	read(path: string): Uint8Array {
		try {
			const file = realpathSync(isAbsolute(path) ? path : join(this.#root, path));
			const inside = file.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep);
			if (!inside)
				throw new RowProblem(`the file ${describeValue(path)} is outside the folder of --allow-files`);
			const stats = statSync(file);
			if (!stats.isFile()) throw new RowProblem(`${describeValue(path)} is not a file`);
			if (stats.size > maxFileBytes)
				throw new RowProblem(`the file ${describeValue(path)} is larger than ${maxFileBytes >> 20} MiB`);
			return readFileSync(file);
		} catch (error) {
			if (error instanceof RowProblem) throw error;
			throw new RowProblem(`cannot read the file ${describeValue(path)}: ${describeFileError(error)}`);
		}
	}
}
