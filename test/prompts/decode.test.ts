import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync, zstdCompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeInput } from "../../src/prompts/decode.ts";
import { type InputFormat, openInput } from "../../src/prompts/input.ts";
import { createReader } from "../../src/prompts/reader.ts";
import { systemFiles } from "../../src/state/file-system.ts";

/** As the zstd command does, and Node does not unless it is told to. */
const withChecksum = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

describe("a prompts file", () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "llmx-decode-"));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	const read = async (name: string, bytes: string | Uint8Array, format?: InputFormat) => {
		const path = join(folder, name);
		writeFileSync(path, bytes);
		const input = await decodeInput(systemFiles, openInput(systemFiles, path, name, { format }));
		try {
			const rows = await createReader(systemFiles, input);
			return [...rows()];
		} finally {
			systemFiles.close(input.file);
		}
	};
	const values = async (...args: Parameters<typeof read>) => (await read(...args)).map(({ value }) => value);

	it.each([
		["gzip", "a.jsonl.gz", gzipSync],
		["zstd", "a.jsonl.zst", zstdCompressSync],
	])("may be compressed with %s, in several pieces, whatever its name", async (_, name, compress) => {
		const pieces = ['"one"\n', '"two"\n'].map((piece) => compress(piece));
		expect(await values(name, Buffer.concat(pieces))).toEqual(["one", "two"]);
		expect(await values("plain.jsonl", compress('"one"\n'))).toEqual(["one"]);
		expect(
			await values("twice.jsonl", compress(compress(Buffer.from("\ufeffa,b\n1,ö\n", "utf16le"))), "csv"),
		).toEqual([{ a: "1", b: "ö" }]);
	});

	it("that is cut off or damaged is refused, whatever could be read of it", async () => {
		const text = Array.from({ length: 5000 }, (_, at) => `"row ${at}"\n`).join("");
		for (const bytes of [gzipSync(text), zstdCompressSync(text, withChecksum)]) {
			const damaged = Buffer.from(bytes);
			damaged.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 20);
			for (const wrong of [bytes.subarray(0, -5), damaged])
				await expect(read("bad.jsonl", wrong)).rejects.toThrow(/bad\.jsonl is damaged: its (gzip|zstd) data/);
		}
		await expect(read("odd.txt", Buffer.from("\ufeffa\ud800b", "utf16le"))).rejects.toThrow(
			"its UTF-16 text",
		);
	});

	it("that unpacks again and again is refused", async () => {
		let bytes = Buffer.from('"x"\n');
		for (let layer = 0; layer < 5; layer++) bytes = gzipSync(bytes);
		await expect(read("deep.jsonl", bytes)).rejects.toThrow("compressed more than 3 times");
	});

	it("of another kind is named, also where its name says nothing", async () => {
		await expect(read("data", "PAR1....")).rejects.toThrow("data is a Parquet file");
		await expect(read("it's.jsonl", "PAR1....")).rejects.toMatchObject({
			hint: expect.stringContaining(`read_parquet('it'\\''s.jsonl')`),
		});
		await expect(read("x.jsonl", "SQLite format 3\0")).rejects.toThrow("an SQLite database");
		// Brotli has no signature: its bytes are just not text.
		expect((await read("x.jsonl", brotliCompressSync("x".repeat(99))))[0]?.problem).toMatch(
			/not valid UTF-8/,
		);
	});

	it("may have the line ends of old Macs", async () => {
		expect(await values("mac.txt", "one\rtwo\r")).toEqual(["one", "two"]);
		expect(await values("unix.txt", "progress 1\rprogress 2\n")).toEqual(["progress 1\rprogress 2"]);
	});

	it("is no folder and no address", async () => {
		expect(() => openInput(systemFiles, folder, "folder", {})).toThrow("folder is a folder");
		expect(() => openInput(systemFiles, "x", "https://a.b/c.csv", {})).toThrow("is a URL");
	});
});
