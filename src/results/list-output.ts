import { gzipSync } from "node:zlib";
import type { Files } from "../state/file-system.ts";
import type { EditLines } from "./revision.ts";
import { LineAt, replaceOutput } from "./rewrite.ts";
import type { RowIndex } from "./row-index.ts";

export interface RecordListOptions {
	readonly files: Files;
	readonly path: string;
	readonly name: string;
	/** One JSON list of the records, or their lines compressed. */
	readonly kind: "json" | "gzip";
	readonly index: RowIndex;
	/** The open file that the index points into. */
	readonly results: number;
	readonly edit: EditLines | undefined;
}

/** Members of one gzip file: each is compressed in memory. */
const memberBytes = 1 << 20;

/** Writes the answers of a run in the order of its input, as one file that other programs take. */
export function writeList({ files, path, name, kind, index, results, edit }: RecordListOptions): void {
	const lines = new LineAt(files, results);
	replaceOutput(files, path, name, (write) => {
		const records = (function* () {
			const edited = edit?.();
			for (const offset of index.answeredOffsets()) {
				const line = lines.bytes(offset);
				yield edited === undefined ? line : Buffer.from(edited(line));
			}
		})();
		if (kind === "json") writeJson(records, write);
		else writeGzip(records, write);
	});
}

type Write = (bytes: Uint8Array) => void;

function writeJson(records: Iterable<Buffer>, write: Write): void {
	let before = "[\n";
	for (const record of records) {
		write(Buffer.from(before));
		write(record.subarray(0, record.length - 1));
		before = ",\n";
	}
	write(Buffer.from(before === "[\n" ? "[]\n" : "\n]\n"));
}

/** RFC 1952: a file may be several compressed members, one behind the other. */
function writeGzip(records: Iterable<Buffer>, write: Write): void {
	let pending: Buffer[] = [];
	let size = 0;
	let isEmpty = true;
	const flush = () => {
		write(gzipSync(Buffer.concat(pending)));
		isEmpty = false;
		pending = [];
		size = 0;
	};
	for (const record of records) {
		// Copied: the line is valid only until the next one is read.
		pending.push(Buffer.from(record));
		size += record.length;
		if (size >= memberBytes) flush();
	}
	if (size > 0 || isEmpty) flush();
}
