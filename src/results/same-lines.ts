import type { Files } from "../state/file-system.ts";
import { ChunkReader } from "../state/lines.ts";

/** Whether a file holds these lines and nothing else. It is read once, in flat memory, up to the first difference. */
export function holdsLines(files: Files, path: string, lines: Iterable<Uint8Array>): boolean {
	const file = files.open(path, "r");
	try {
		const reader = new ChunkReader(files, file);
		let chunk = reader.next();
		let at = 0;
		for (const line of lines) {
			for (let compared = 0; compared < line.length; ) {
				if (chunk === undefined) return false;
				const length = Math.min(line.length - compared, chunk.length - at);
				if (chunk.compare(line, compared, compared + length, at, at + length) !== 0) return false;
				compared += length;
				at += length;
				if (at < chunk.length) continue;
				chunk = reader.next();
				at = 0;
			}
		}
		return chunk === undefined;
	} finally {
		files.close(file);
	}
}
