import { LlmxError } from "../../errors.ts";
import { describeFileError, systemFiles } from "../../state/file-system.ts";
import { replaceAtomically } from "../../state/replace.ts";
import { escapeJson } from "../../terminal/sanitize.ts";
import type { NamedPath } from "./target.ts";

/** Writes a value as JSON for another program to read, if a file is given. Throws LlmxError when that is not possible. */
export function writeJsonFile(file: NamedPath | undefined, value: unknown): void {
	if (file === undefined) return;
	const bytes = jsonBytes(value);
	try {
		replaceAtomically(systemFiles, file.path, (write) => write(bytes));
	} catch (error) {
		throw new LlmxError(`cannot write ${file.name}: ${describeFileError(error)}`, { cause: error });
	}
}

/** What `writeJsonFile` puts into a file. */
export function jsonBytes(value: unknown): Buffer {
	return Buffer.from(`${escapeJson(JSON.stringify(value, null, "\t"))}\n`);
}
