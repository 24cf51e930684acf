import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readPrompt } from "../../src/cli/ask/prompt-input.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

afterEach(() => {
	vi.useRealTimers();
});

describe("a prompt", () => {
	it("on a silent stdin is asked for after a second, and only then", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const stdin = new PassThrough();
		const io = createTestIo({ stdin });
		const prompt = readPrompt(io, { words: [], files: [], stdin: true });
		await vi.advanceTimersByTimeAsync(999);
		expect(io.err()).toBe("");
		await vi.advanceTimersByTimeAsync(1);
		expect(io.err()).toBe("llmx: reading the prompt from stdin (Ctrl-D ends it)\n");
		stdin.end("at last\n");
		expect(await prompt).toBe("at last");
		expect(io.err()).toContain("Ctrl-D ends it");
	});

	it("that has words already says how to go on without stdin", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const stdin = new PassThrough();
		const io = createTestIo({ stdin });
		const prompt = readPrompt(io, { words: ["hello"], files: [], stdin: true });
		await vi.advanceTimersByTimeAsync(1_000);
		expect(io.err()).toBe(
			"llmx: reading the prompt from stdin (Ctrl-D ends it; skip this with --no-stdin)\n",
		);
		stdin.end();
		expect(await prompt).toBe("hello");
	});

	it("is not waited for on a stdin that speaks in time, nor on a terminal", async () => {
		vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
		const stdin = new PassThrough();
		const io = createTestIo({ stdin });
		const prompt = readPrompt(io, { words: [], files: [], stdin: true });
		stdin.write("one ");
		await vi.advanceTimersByTimeAsync(5_000);
		stdin.end("two");
		expect([await prompt, io.err()]).toEqual(["one two", ""]);
		expect(await readPrompt(createTestIo(), { words: ["three"], files: [], stdin: true })).toBe("three");
	});

	it("keeps text exactly, whatever it holds, and characters that pieces cut in two", async () => {
		const text = "\ufeffone\r\n\u0000\u001b[31m “数据” 👩‍👩‍👧 \n\n";
		const bytes = Buffer.from(text);
		const stdin = new PassThrough();
		const io = createTestIo({ stdin });
		const prompt = readPrompt(io, { words: [], files: [], stdin: true });
		for (const byte of bytes) stdin.write(Buffer.of(byte));
		stdin.end();
		// Only the newline that ends the last line is not a part of it, nor the mark that says it is UTF-8.
		expect(await prompt).toBe(text.slice(1, -1));
	});

	it("of several files names each", async () => {
		const folder = temporaryFolder();
		writeFileSync(join(folder, "a.txt"), "first\n");
		writeFileSync(join(folder, 'b "2".txt'), "second");
		const io = createTestIo({ cwd: folder });
		expect(await readPrompt(io, { words: ["compare"], files: ["a.txt", 'b "2".txt'], stdin: true })).toBe(
			'compare\n\n<file name="a.txt">\nfirst\n</file>\n\n<file name="b \'2\'.txt">\nsecond\n</file>',
		);
	});
});
