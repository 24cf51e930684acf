import { describe, expect, it } from "vitest";
import { readLines } from "../../src/state/lines.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";

function linesOf(content: string | Uint8Array) {
	const files = new MemoryFiles();
	files.set("in", content);
	return [...readLines(files, files.open("in", "r"))];
}

describe("lines of a file", () => {
	it("come with their number and byte position, whatever ends them", () => {
		expect(linesOf("a\r\né\n\nlast")).toEqual([
			{ number: 1, offset: 0, length: 2, text: "a", ended: true },
			{ number: 2, offset: 3, length: 2, text: "é", ended: true },
			{ number: 3, offset: 6, length: 0, text: "", ended: true },
			{ number: 4, offset: 7, length: 4, text: "last", ended: false },
		]);
	});

	it("do not begin with a byte order mark", () => {
		expect(linesOf("\ufeff{}\n\ufeffx\n").map(({ text }) => text)).toEqual(["{}", "\ufeffx"]);
	});

	it("are whole at every boundary of the chunks they are read in", () => {
		// Lines of growing length put newlines and characters of four bytes on every side of a chunk's end.
		const texts = Array.from({ length: 1200 }, (_, index) => "😀é".repeat(index % 257) + index);
		expect(linesOf(`${texts.join("\n")}\n`).map(({ text }) => text)).toEqual(texts);
		const long = "x".repeat(3_000_000);
		expect(linesOf(`a\n${long}\nb`).map(({ text }) => text)).toEqual(["a", long, "b"]);
	});

	it("say when they are not UTF-8, and reading goes on", () => {
		const latin = Buffer.concat([
			Buffer.from("good\n"),
			Buffer.from([0x63, 0xe9, 0x0a]),
			Buffer.from("good\n"),
		]);
		const [first, second, third] = linesOf(latin);
		expect([first?.problem, third?.problem]).toEqual([undefined, undefined]);
		expect(second?.problem).toMatch(/not valid UTF-8.*iconv -f WINDOWS-1252/);
		expect(linesOf(Buffer.from("\ufeffhello\n", "utf16le"))[0]?.problem).toMatch(/UTF-16/);
	});

	it("are refused beyond 64 MiB without being kept", () => {
		const content = Buffer.concat([Buffer.alloc(65 * 1024 * 1024, "x"), Buffer.from("\nb\n")]);
		const [first, second] = linesOf(content);
		expect(first?.problem).toBe("a line of 68 MB; the limit is 64 MiB");
		expect(first?.text).toBe("");
		expect(second).toMatchObject({ text: "b", number: 2, offset: 65 * 1024 * 1024 + 1 });
	});
});
