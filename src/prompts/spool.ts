import { mkdtempSync, openSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LlmxError } from "../errors.ts";
import { describeFileError, systemFiles, writeAll } from "../state/file-system.ts";

/** An open file without a name that goes with the process. */
export interface SpooledFile {
	readonly file: number;
	readonly size: number;
}

/** A file without a name goes with the process. Where an open file keeps its name, that goes at the process's exit. */
function dropName(folder: string, path: string): void {
	try {
		unlinkSync(path);
		rmSync(folder, { recursive: true });
	} catch {
		process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
	}
}

/**
 * Copies a stream into a private file without a name, so that it can be checked whole and then read again. `name` is
 * what messages call its source.
 * @throws LlmxError when there is no room for it; what the stream throws is passed on
 */
export async function spool(stream: AsyncIterable<Uint8Array | string>, name: string): Promise<SpooledFile> {
	const keep = <T>(action: () => T): T => {
		try {
			return action();
		} catch (error) {
			throw new LlmxError(`cannot keep a copy of ${name}: ${describeFileError(error)}`, {
				hint: "set TMPDIR to a folder with enough space",
				cause: error,
			});
		}
	};
	const file = keep(openNameless);
	let size = 0;
	try {
		for await (const chunk of stream) {
			const bytes = Buffer.from(chunk as string);
			keep(() => writeAll(systemFiles, file, bytes));
			size += bytes.length;
		}
	} catch (error) {
		systemFiles.close(file);
		throw error;
	}
	return { file, size };
}

function openNameless(): number {
	const folder = mkdtempSync(join(tmpdir(), "llmx-prompts-"));
	const path = join(folder, "input");
	const file = openSync(path, "wx+", 0o600);
	dropName(folder, path);
	return file;
}
