import { describe, expect, it } from "vitest";
import { Journal, scanJournal } from "../../src/results/journal.ts";
import { recordFormats } from "../../src/results/records.ts";
import { fileError, MemoryFiles } from "../batch/helpers/memory-files.ts";

const path = "out.jsonl";

function record(id: string, text = "answer"): string {
	return JSON.stringify({ id, model: "m", text, hash: "0123456789abcdef0123456789abcdef" });
}

function scan(files: MemoryFiles, overwrite = false) {
	const ids: string[] = [];
	const offsets: number[] = [];
	const state = scanJournal(files, path, {
		name: path,
		overwrite,
		readKey: recordFormats.llmx.readKey,
		onRecord: ({ id }, offset) => {
			ids.push(id);
			offsets.push(offset);
		},
	});
	return { state, ids, offsets };
}

function open(files: MemoryFiles): Journal {
	return new Journal(files, path, path, scan(files).state);
}

describe("a journal", () => {
	it("keeps records at the positions it says, and finds them again", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		const offsets = ["a", "é😀", "c"].map((id) => journal.append(record(id)));
		await journal.close();
		expect(scan(files)).toMatchObject({
			ids: ["a", "é😀", "c"],
			offsets,
			state: { records: 3, tornBytes: 0 },
		});
		expect(files.openHandles).toBe(0);
	});

	it("writes a record in one write, however long", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		let writes = 0;
		files.onOperation = (_number, name) => {
			if (name === "write") writes += 1;
		};
		journal.append(record("a", "😀".repeat(200_000)));
		expect(writes).toBe(1);
		await journal.close();
		expect(scan(files).ids).toEqual(["a"]);
	});

	it("goes on writing where the file system takes a few bytes at a time", async () => {
		const files = new MemoryFiles();
		files.writeLimit = 7;
		const journal = open(files);
		journal.append(record("a"));
		await journal.close();
		expect(files.text(path)).toBe(`${record("a")}\n`);
	});

	it("loses nothing when it is cut at any byte of its last record", async () => {
		const whole = Buffer.from(`${record("a")}\n${record("b", "grün 😀")}\n`);
		const first = Buffer.byteLength(record("a")) + 1;
		for (let length = first; length <= whole.length; length++) {
			const files = new MemoryFiles();
			files.set(path, whole.subarray(0, length));
			const { ids } = scan(files);
			// Without its newline the record is still whole.
			expect(ids).toEqual(length >= whole.length - 1 ? ["a", "b"] : ["a"]);
			const journal = open(files);
			journal.append(record("c"));
			await journal.close();
			expect(scan(files).ids).toEqual([...ids, "c"]);
		}
	});

	it("cuts off the zeros that a crash of the machine leaves", async () => {
		const files = new MemoryFiles();
		files.set(path, Buffer.concat([Buffer.from(`${record("a")}\n`), Buffer.alloc(4096)]));
		const journal = open(files);
		journal.append(record("b"));
		await journal.close();
		expect(files.text(path)).toBe(`${record("a")}\n${record("b")}\n`);
	});

	it("names a bad line in the middle, and changes nothing", () => {
		const files = new MemoryFiles();
		const text = `${record("a")}\n{"id":"b","mod\n${record("c")}\n`;
		files.set(path, text);
		expect(() => scan(files)).toThrow("out.jsonl:2: this line is not a result of llmx");
		expect(files.text(path)).toBe(text);
	});

	it.each([
		"my notes",
		"my notes\n",
		'{"a":1}\n',
		"x",
		"{}",
		"[1]\n",
		'{"prompt":"x"}',
	])("refuses to touch the foreign file %j", (text) => {
		const files = new MemoryFiles();
		files.set(path, text);
		expect(() => scan(files)).toThrow("out.jsonl:1: this line is not a result of llmx");
	});

	it("replaces what is there when told to", async () => {
		const files = new MemoryFiles();
		files.set(path, "my notes\n");
		const { state } = scan(files, true);
		expect(files.text(path)).toBe("my notes\n");
		const journal = new Journal(files, path, path, state);
		journal.append(record("a"));
		await journal.close();
		expect(files.text(path)).toBe(`${record("a")}\n`);
	});

	it("asks for the disk every 64 records, and before it closes", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		for (let row = 0; row < 64; row++) journal.append(record(String(row)));
		await Promise.resolve();
		expect(files.content.get(path)?.durable.length).toBe(journal.size);
		journal.append(record("last"));
		expect(files.content.get(path)?.durable.length).toBeLessThan(journal.size);
		await journal.close();
		expect(files.content.get(path)?.durable.length).toBe(journal.size);
	});

	it("holds whole records only, after a write that failed half-way", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		journal.append(record("a"));
		files.onOperation = (_number, name) => {
			if (name === "write") throw fileError("ENOSPC");
		};
		expect(() => journal.append(record("b"))).toThrow("cannot write out.jsonl: the disk is full");
		files.onOperation = () => {};
		// There is room again, for an answer that was on its way.
		journal.append(record("c"));
		await expect(journal.close()).rejects.toThrow("the disk is full");
		expect(files.text(path)).toBe(`${record("a")}\n${record("c")}\n`);
	});

	it("writes nothing behind a torn record that it cannot cut off", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		journal.append(record("a"));
		files.onOperation = (_number, name) => {
			if (name === "write" || name === "truncate") throw fileError("EIO");
		};
		expect(() => journal.append(record("b"))).toThrow("I/O error");
		files.onOperation = () => {};
		expect(() => journal.append(record("c"))).toThrow("I/O error");
		journal.abandon();
		expect(scan(files)).toMatchObject({ ids: ["a"] });
	});

	it("tells when the disk did not take what was written", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		files.onOperation = (_number, name) => {
			if (name === "datasync") throw fileError("EIO");
		};
		journal.append(record("a"));
		await expect(journal.close()).rejects.toThrow("I/O error");
	});
});
