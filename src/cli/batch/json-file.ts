import { writeFileSync } from "node:fs";
import { LlmxError } from "../../errors.ts";
import { escapeJson } from "../../terminal/sanitize.ts";

/** Writes a value as JSON for another program to read. Throws LlmxError when that is not possible. */
export function writeJsonFile(path: string, value: unknown): void {
	try {
		writeFileSync(path, `${escapeJson(JSON.stringify(value, null, "\t"))}\n`);
	} catch (error) {
		throw new LlmxError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
	}
}
