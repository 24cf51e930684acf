import { UsageError } from "../errors.ts";

/** What the first bytes of a file say that it is. `text`: nothing else was recognised. */
export type ByteKind = "gzip" | "zstd" | "utf16le" | "utf16be" | "text";

/** How many bytes `recogniseBytes` looks at. */
export const signatureBytes = 4096;

/** A file that no reader here takes: what it is, and the command that makes prompts of it. */
interface ForeignFile {
	readonly isIt: (head: Buffer) => boolean;
	readonly what: string;
	/** `name` is quoted for a shell already, `stem` has no extension. */
	readonly advice: (name: string, stem: string) => string;
}

/** The DuckDB command line: `COPY … (FORMAT json)` writes one object a line. */
function duckdb(source: string, stem: string, before = ""): string {
	return `convert it: duckdb -c "${before}COPY (FROM ${source}) TO '${stem}.jsonl' (FORMAT json)"`;
}

const foreignFiles: readonly ForeignFile[] = [
	{
		isIt: startsWith("PAR1"),
		what: "a Parquet file",
		advice: (name, stem) => duckdb(`read_parquet(${name})`, stem),
	},
	{
		isIt: (head) => startsWith("ARROW1")(head) || startsWith("FEA1")(head),
		what: "an Arrow file",
		// https://duckdb.org/community_extensions/extensions/nanoarrow
		advice: (name, stem) =>
			duckdb(`read_arrow(${name})`, stem, "INSTALL nanoarrow FROM community; LOAD nanoarrow; "),
	},
	{
		isIt: startsWith("PK\x03\x04"),
		what: "a spreadsheet (XLSX) or another ZIP archive",
		advice: (name, stem) => `save it as CSV, or convert it: in2csv -f xlsx ${name} > '${stem}.csv'`,
	},
	{
		isIt: startsWith("\xd0\xcf\x11\xe0"),
		what: "an old spreadsheet (XLS)",
		advice: (name, stem) => `save it as CSV, or convert it: in2csv -f xls ${name} > '${stem}.csv'`,
	},
	{
		isIt: startsWith("SQLite format 3\0"),
		what: "an SQLite database",
		advice: (name, stem) => `export a table: sqlite3 -json ${name} 'SELECT * FROM prompts' > '${stem}.json'`,
	},
	{
		isIt: startsWith("BZh"),
		what: "compressed with bzip2",
		advice: (name) => `pipe it in: bzcat ${name} | llmx batch - --format jsonl`,
	},
	{
		isIt: startsWith("\xfd7zXZ\0"),
		what: "compressed with xz",
		advice: (name) => `pipe it in: xzcat ${name} | llmx batch - --format jsonl`,
	},
	{ isIt: startsWith("%PDF-"), what: "a PDF", advice: () => "prompts are JSONL, JSON, CSV, TSV or text" },
	{
		isIt: (head) => startsWith("\xff\xfe\0\0")(head) || startsWith("\0\0\xfe\xff")(head),
		what: "UTF-32 text",
		advice: (name, stem) => `convert it: iconv -f UTF-32 -t UTF-8 ${name} > '${stem}.utf8'`,
	},
];

/**
 * What a prompts file is by its first bytes (`signatureBytes` of them, or all there are). `name` is as messages and
 * commands call it.
 * @throws UsageError for a file that has to be converted first, with the command that does it
 */
export function recogniseBytes(head: Buffer, name: string): ByteKind {
	if (startsWith("\x1f\x8b")(head)) return "gzip";
	// RFC 8878, and the skippable frames in front of one.
	if (startsWith("\x28\xb5\x2f\xfd")(head) || /^[\x50-\x5f]\x2a\x4d\x18/.test(head.toString("latin1", 0, 4)))
		return "zstd";
	const foreign = foreignFiles.find(({ isIt }) => isIt(head));
	if (foreign !== undefined) {
		const bare = name.replace(/\.[^./\\]+$/, "");
		// What is converted must not be written over.
		const stem = (/\.(?:jsonl?|csv)$/i.test(name) ? `${bare}.converted` : bare).replaceAll("'", "'\\''");
		throw new UsageError(`${name} is ${foreign.what}`, {
			hint: foreign.advice(`'${name.replaceAll("'", "'\\''")}'`, stem),
		});
	}
	if (startsWith("\xff\xfe")(head)) return "utf16le";
	if (startsWith("\xfe\xff")(head)) return "utf16be";
	return guessUtf16(head) ?? "text";
}

function startsWith(signature: string): (head: Buffer) => boolean {
	return (head) => head.toString("latin1", 0, signature.length) === signature;
}

/** UTF-16 without its mark: of text that is mostly ASCII every other byte is 0. */
function guessUtf16(head: Buffer): "utf16le" | "utf16be" | undefined {
	const pairs = head.length >> 1;
	if (pairs < 2) return undefined;
	let even = 0;
	let odd = 0;
	for (let index = 0; index < pairs * 2; index += 2) {
		if (head[index] === 0) even += 1;
		if (head[index + 1] === 0) odd += 1;
	}
	if (odd > pairs * 0.4 && even < pairs * 0.05) return "utf16le";
	if (even > pairs * 0.4 && odd < pairs * 0.05) return "utf16be";
	return undefined;
}
