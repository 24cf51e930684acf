import { describe, expect, it } from "vitest";
import { Journal, type JournalOptions } from "../../src/results/journal.ts";
import { recordFormats } from "../../src/results/records.ts";
import { type JournalState, scanJournal } from "../../src/results/scan.ts";
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
		readKey: recordFormats.llmx.readResultKey,
		onRecord: ({ id }, offset) => {
			ids.push(id);
			offsets.push(offset);
		},
	});
	return { state, ids, offsets };
}

function open(
	files: MemoryFiles,
	state: JournalState = scan(files).state,
	options: Partial<JournalOptions> = {},
): Journal {
	return new Journal({
		files,
		path,
		name: path,
		noun: "results",
		state,
		readKey: recordFormats.llmx.readResultKey,
		keepsCopy: true,
		rescueFolders: [],
		onTrouble: () => {},
		...options,
	});
}

async function close(journal: Journal): Promise<void> {
	try {
		await journal.settle();
	} finally {
		journal.dispose();
	}
}

describe("a journal", () => {
	it("keeps records at the positions it says, and finds them again", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		const offsets = ["a", "é😀", "c"].map((id) => journal.append(record(id)));
		await close(journal);
		expect(scan(files)).toMatchObject({
			ids: ["a", "é😀", "c"],
			offsets,
			state: { records: 3, tornBytes: 0 },
		});
		expect(files.openHandles).toBe(0);
	});

	it("writes a record in one write, however long", async () => {
		const files = new MemoryFiles();
		const journal = open(files, undefined, { keepsCopy: false });
		let writes = 0;
		files.onOperation = (_number, name) => {
			if (name === "write") writes += 1;
		};
		journal.append(record("a", "😀".repeat(200_000)));
		expect(writes).toBe(1);
		await close(journal);
		expect(scan(files).ids).toEqual(["a"]);
	});

	it("writes records that come together in one write, at the positions it says", async () => {
		const files = new MemoryFiles();
		const journal = open(files, undefined, { keepsCopy: false });
		let writes = 0;
		files.onOperation = (_number, name) => {
			if (name === "write") writes += 1;
		};
		const offsets = [
			journal.append(record("a")),
			...(journal.appendTogether(["é😀", "c"].map((id) => record(id))) ?? []),
		];
		expect(writes).toBe(2);
		await close(journal);
		expect(scan(files)).toMatchObject({
			ids: ["a", "é😀", "c"],
			offsets,
			state: { records: 3, tornBytes: 0 },
		});
	});

	it("takes back all of what comes together when its write fails, wherever it stops", async () => {
		const together = ["b", "c"].map((id) => record(id));
		const bytes = Buffer.byteLength(together.join("\n")) + 1;
		for (let taken = 0; taken < bytes; taken += 7) {
			const files = new MemoryFiles();
			const journal = open(files);
			journal.append(record("a"));
			files.writeLimit = taken === 0 ? Number.POSITIVE_INFINITY : taken;
			let writes = 0;
			files.onOperation = (_number, name) => {
				if (name === "write" && (writes++ > 0 || taken === 0)) throw fileError("EIO");
			};
			expect(journal.appendTogether(together)).toBeUndefined();
			files.onOperation = () => {};
			expect(files.text(path)).toBe(`${record("a")}\n`);
			for (const one of together) journal.append(one);
			await close(journal);
			expect(scan(files).ids).toEqual(["a", "b", "c"]);
		}
	});

	it("goes on writing where the file system takes a few bytes at a time", async () => {
		const files = new MemoryFiles();
		files.writeLimit = 7;
		const journal = open(files);
		journal.append(record("a"));
		await close(journal);
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
			await close(journal);
			expect(scan(files).ids).toEqual([...ids, "c"]);
		}
	});

	it("cuts off the zeros that a crash of the machine leaves", async () => {
		const files = new MemoryFiles();
		files.set(path, Buffer.concat([Buffer.from(`${record("a")}\n`), Buffer.alloc(4096)]));
		const journal = open(files);
		journal.append(record("b"));
		await close(journal);
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
		const journal = open(files, state);
		journal.append(record("a"));
		await close(journal);
		expect(files.text(path)).toBe(`${record("a")}\n`);
	});

	it("has what it brought onto the disk after a power cut, also in a file that it made", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		journal.append(record("a"));
		await close(journal);
		const again = open(files);
		again.append(record("b"));
		expect(scan(files.afterPowerCut()).ids).toEqual(["a"]);
		await close(again);
		expect(scan(files.afterPowerCut()).ids).toEqual(["a", "b"]);
	});

	it("asks for the disk every 64 records, and before it closes", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		for (let row = 0; row < 64; row++) journal.append(record(String(row)));
		await Promise.resolve();
		expect(files.content.get(path)?.durable.length).toBe(journal.size);
		journal.append(record("last"));
		expect(files.content.get(path)?.durable.length).toBeLessThan(journal.size);
		await close(journal);
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
		await expect(close(journal)).rejects.toThrow("the disk is full");
		expect(files.text(path)).toBe(`${record("a")}\n${record("c")}\n`);
	});

	it.each([
		["ENOSPC", "the disk is full", "free some space and run"],
		["EMFILE", "too many files are open", "raise the limit of open files (ulimit -n 1024) and run"],
		["EACCES", "permission denied", "intact; run"],
	])("says what to do about %s", (code, reason, step) => {
		const files = new MemoryFiles();
		files.onOperation = (_number, name) => {
			if (name === "open") throw fileError(code);
		};
		const state = scan(new MemoryFiles()).state;
		expect(() => open(files, state)).toThrow(
			expect.objectContaining({
				message: `cannot write out.jsonl: ${reason}`,
				hint: expect.stringContaining(step),
			}),
		);
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
		expect(journal.appendTogether([record("d"), record("e")])).toBeUndefined();
		journal.dispose();
		expect(scan(files)).toMatchObject({ ids: ["a"] });
	});

	it("tells when the disk did not take what was written", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		files.onOperation = (_number, name) => {
			if (name === "datasync") throw fileError("EIO");
		};
		journal.append(record("a"));
		await expect(close(journal)).rejects.toThrow("I/O error");
	});
});

describe("what other programs do to a journal", () => {
	/** Two records of before, two written now, and something done by others in between. */
	function meddle(act: (files: MemoryFiles) => void) {
		const files = new MemoryFiles();
		files.set(path, `${record("a")}\n${record("b")}\n`);
		const troubles: string[] = [];
		const journal = open(files, undefined, { onTrouble: ({ message }) => troubles.push(message) });
		journal.append(record("c"));
		act(files);
		journal.check();
		journal.append(record("d"));
		return { files, journal, troubles };
	}
	const all = ["a", "b", "c", "d"].map((id) => `${record(id)}\n`).join("");
	const bytes = (files: MemoryFiles) => files.content.get(path)?.bytes as Buffer;

	it.each([
		["removed", (files: MemoryFiles) => files.content.delete(path), "out.jsonl was removed or renamed"],
		["renamed", (files: MemoryFiles) => files.rename(path, "elsewhere"), "out.jsonl was removed or renamed"],
		["replaced", (files: MemoryFiles) => files.set(path, "mine\n"), "out.jsonl was replaced by another file"],
		["cut", (files: MemoryFiles) => files.truncate(files.open(path, "r+"), 40), "out.jsonl was cut off"],
	] as const)("when it is %s, all records go on in a file beside it", async (_, act, message) => {
		const { files, journal, troubles } = meddle(act);
		expect(troubles).toEqual([`${message} while the run was writing to it`]);
		expect(files.text("out.recovered.jsonl")).toBe(all);
		await expect(journal.settle()).rejects.toThrow(message);
		expect(journal.rescueNote).toBe(
			"all 4 results are in out.recovered.jsonl; move it to out.jsonl before you run the command again",
		);
		journal.dispose();
	});

	it("goes from one file to the next as often as need be", () => {
		const { files, journal } = meddle((world) => world.content.delete(path));
		files.content.delete("out.recovered.jsonl");
		journal.check();
		expect(files.text("out.recovered.jsonl")).toBe(all);
		files.set("out.recovered.jsonl", "mine");
		journal.check();
		expect(files.text("out.recovered-2.jsonl")).toBe(all);
		expect(files.text("out.recovered.jsonl")).toBe("mine");
		journal.dispose();
	});

	it("knows what was written although there is another line in between", () => {
		const { files, journal, troubles } = meddle((world) => {
			const handle = world.open(path, "a+");
			world.write(handle, Buffer.from("note\n"), 0, 5);
			world.close(handle);
		});
		expect(troubles).toEqual([]);
		const { file } = journal.source();
		const copy = Buffer.alloc(journal.size);
		files.read(file, copy, 0, 0);
		expect(copy.toString()).toBe(all);
		journal.dispose();
	});

	it("sees a changed byte that leaves the length as it was", () => {
		const { files, journal } = meddle(() => {});
		expect(journal.isInPlace()).toBe(true);
		bytes(files)[3] = 0x58;
		expect(journal.isInPlace()).toBe(false);
		const copy = Buffer.alloc(journal.size);
		files.read(journal.source().file, copy, 0, 0);
		expect(copy.toString()).toBe(all);
		journal.dispose();
	});

	it("tells the records of another run from a line of anybody's", () => {
		const { troubles, journal } = meddle((files) => {
			const handle = files.open(path, "a+");
			const line = Buffer.from(`${record("x")}\n`);
			files.write(handle, line, 0, line.length);
			files.close(handle);
		});
		expect(troubles).toEqual(["another run writes to out.jsonl too"]);
		journal.dispose();
	});

	it("never takes off what others wrote behind a record that failed", () => {
		const files = new MemoryFiles();
		const journal = open(files);
		journal.append(record("a"));
		files.onOperation = (_number, name) => {
			if (name !== "write") return;
			files.onOperation = () => {};
			const handle = files.open(path, "a+");
			files.write(handle, Buffer.from("note\n"), 0, 5);
			throw fileError("ENOSPC");
		};
		expect(() => journal.append(record("b"))).toThrow("the disk is full");
		expect(files.text(path)).toContain("note\n");
		journal.dispose();
	});

	it("gives up its copy for room in the file itself", async () => {
		const files = new MemoryFiles();
		const journal = open(files);
		let full = true;
		files.onOperation = (_number, name) => {
			if (name === "write" && full) {
				full = false;
				throw fileError("ENOSPC");
			}
		};
		journal.append(record("a"));
		await close(journal);
		expect(files.text(path)).toBe(`${record("a")}\n`);
		expect(files.openHandles).toBe(0);
	});

	it("does not begin on a file that was changed since it was scanned", () => {
		const files = new MemoryFiles();
		files.set(path, `${record("a")}\n`);
		const { state } = scan(files);
		files.set(path, `${record("b")}\n`);
		expect(() => open(files, state)).toThrow("out.jsonl was changed by another program");
		expect(files.openHandles).toBe(0);
	});
});
