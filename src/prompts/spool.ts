import { mkdtempSync, openSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LlmxError } from "../errors.ts";
import { describeFileError, systemFiles, writeAll } from "../state/file-system.ts";
import type { InputFormat, PromptsInput } from "./input.ts";

/**
 * Copies a stream into a private file without a name, so that it can be checked whole and then read again. The file
 * goes with the process.
 * @throws LlmxError when there is no room for it
 */
export async function spoolInput(
	stream: AsyncIterable<Uint8Array | string>,
	name: string,
	format: InputFormat,
): Promise<PromptsInput> {
	try {
		const folder = mkdtempSync(join(tmpdir(), "llmx-stdin-"));
		const path = join(folder, "input");
		const file = openSync(path, "wx+", 0o600);
		// Windows does not delete open files; there the folder of the user is cleared by the system.
		if (process.platform !== "win32") {
			unlinkSync(path);
			rmSync(folder, { recursive: true });
		}
		let size = 0;
		for await (const chunk of stream) {
			const bytes = Buffer.from(chunk as string);
			writeAll(systemFiles, file, bytes);
			size += bytes.length;
		}
		return { name, format, file, size };
	} catch (error) {
		throw new LlmxError(`cannot keep a copy of ${name}: ${describeFileError(error)}`, {
			hint: "set TMPDIR to a folder with room",
			cause: error,
		});
	}
}
