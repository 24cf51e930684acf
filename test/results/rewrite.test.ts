import { crc32 } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Journal } from "../../src/results/journal.ts";
import { LineAt, putInOrder, replaceOutput } from "../../src/results/rewrite.ts";
import { fileError, MemoryFiles } from "../batch/helpers/memory-files.ts";

function withLines(lines: readonly string[]) {
	const files = new MemoryFiles();
	const text = lines.map((line) => `${line}\n`).join("");
	files.set("out", text);
	const offsets: number[] = [];
	let offset = 0;
	for (const line of lines) {
		offsets.push(offset);
		offset += Buffer.byteLength(line) + 1;
	}
	return { files, offsets, text };
}

function openJournal(files: MemoryFiles): Journal {
	const bytes = files.content.get("out")?.bytes as Buffer;
	const size = bytes.length;
	const checksum = crc32(bytes);
	const state = { size, checksum, unended: false, tornBytes: 0, records: 0, exists: true };
	return new Journal({
		files,
		path: "out",
		name: "out",
		noun: "results",
		state,
		readKey: () => undefined,
		keepsCopy: true,
		rescueFolders: [],
		onTrouble: () => {},
	});
}

/** Puts the lines of "out" in an order, after `meddle` has had its way with the file. */
function reorder(files: MemoryFiles, offsets: () => Iterable<number>, meddle = () => {}): string | undefined {
	const journal = openJournal(files);
	try {
		meddle();
		return putInOrder(files, journal, offsets);
	} finally {
		journal.dispose();
	}
}

describe("reordering", () => {
	it("brings lines into any order and drops the rest", () => {
		const { files, offsets } = withLines(["b", "ü", "dropped", "a"]);
		const [b, u, , a] = offsets as [number, number, number, number];
		reorder(files, () => [a, b, u]);
		expect(files.text("out")).toBe("a\nb\nü\n");
		expect(files.openHandles).toBe(0);
		expect([...files.content.keys()]).toEqual(["out"]);
	});

	it("gives up the private copy when there is no room for two", () => {
		const { files, offsets } = withLines(["b", "a"]);
		// The journal, its copy and the new file.
		files.onOperation = (_number, name) => {
			if (name === "write" && files.openHandles > 2) throw fileError("ENOSPC");
		};
		reorder(
			files,
			() => offsets.toReversed(),
			() => expect(files.openHandles).toBe(2),
		);
		expect(files.text("out")).toBe("a\nb\n");
		files.onOperation = (_number, name) => {
			if (name === "write") throw fileError("ENOSPC");
		};
		expect(() => reorder(files, () => [2, 0])).toThrow("ENOSPC");
		expect(files.text("out")).toBe("a\nb\n");
	});

	it("is sure of what it has open without another descriptor", () => {
		const { files } = withLines(["a"]);
		const journal = openJournal(files);
		files.onOperation = (_number, name) => {
			if (name === "open") throw fileError("EMFILE");
		};
		expect(journal.isInPlace()).toBe(true);
		files.edit("out", "b\n");
		expect(journal.isInPlace()).toBe(false);
		journal.dispose();
	});

	it("leaves a file alone that is in order", () => {
		const { files, offsets } = withLines(["a", "b"]);
		const { identity } = files.factsOf("out") as { identity: string };
		reorder(files, () => offsets);
		expect(files.factsOf("out")?.identity).toBe(identity);
		expect(files.text("out")).toBe("a\nb\n");
	});

	it("handles lines longer than any buffer, in any order", () => {
		const lines = Array.from(
			{ length: 40 },
			(_, index) => `${index}${"x".repeat((index * 37_017) % 700_000)}`,
		);
		const { files, offsets } = withLines(lines);
		const order = offsets.map((_, index) => (index * 17) % 40);
		reorder(files, () => order.map((index) => offsets[index] as number));
		expect(files.text("out")?.split("\n").slice(0, -1)).toEqual(order.map((index) => lines[index]));
	});

	it("keeps the mode of the file", () => {
		const { files, offsets } = withLines(["a", "b"]);
		(files.content.get("out") as { mode: number }).mode = 0o600;
		reorder(files, () => offsets.toReversed());
		expect(files.content.get("out")?.mode).toBe(0o600);
	});

	it("is on the disk once it is done, and is whole whenever the power is cut", () => {
		const rehearsal = withLines(["a", "b", "c"]);
		reorder(rehearsal.files, () => rehearsal.offsets.toReversed());
		expect(rehearsal.files.afterPowerCut().text("out")).toBe("c\nb\na\n");
		for (let cut = 1; cut <= rehearsal.files.operations; cut++) {
			const { files, offsets, text } = withLines(["a", "b", "c"]);
			let left: string | undefined;
			files.onOperation = (number) => {
				if (number === cut) left = files.afterPowerCut().text("out");
			};
			reorder(files, () => offsets.toReversed());
			expect([text, "c\nb\na\n"]).toContain(left);
		}
	});

	it("leaves the old file whole whichever operation fails", () => {
		const order = ({ offsets }: { offsets: number[] }) => offsets.toReversed();
		const rehearsal = withLines(["a", "b", "c"]);
		reorder(rehearsal.files, () => order(rehearsal));
		for (let fail = 1; fail <= rehearsal.files.operations; fail++) {
			const { files, offsets, text } = withLines(["a", "b", "c"]);
			files.onOperation = (number) => {
				if (number === fail) throw fileError("EIO");
			};
			try {
				reorder(files, () => order({ offsets }));
			} catch (error) {
				expect((error as Error).message).toMatch(/EIO|I\/O error/);
			}
			expect([text, "c\nb\na\n"]).toContain(files.text("out"));
			expect(files.openHandles).toBe(0);
		}
	});

	it("says in words why a file cannot be written", () => {
		const files = new MemoryFiles();
		files.onOperation = () => {
			throw fileError("EROFS");
		};
		expect(() => replaceOutput(files, "x", "x.csv", () => {})).toThrow(
			"cannot write x.csv: the file system is read-only",
		);
	});

	it("notices when a record is not where it was", () => {
		const { files } = withLines(["a"]);
		expect(() => new LineAt(files, files.open("out", "r")).bytes(7)).toThrow("no longer where it was");
	});

	it("puts what others wrote into a file of its own", () => {
		const { files, offsets } = withLines(["b", "a"]);
		const found = reorder(
			files,
			() => offsets.toReversed(),
			() => files.edit("out", "b\nnote\na\n\nmore"),
		);
		expect(found).toBe("another program wrote 2 lines into out: moved to out.foreign.jsonl");
		expect(files.text("out")).toBe("a\nb\n");
		expect(files.text("out.foreign.jsonl")).toBe("note\nmore\n");
	});

	it("leaves a file alone that others go on writing to", () => {
		const { files, offsets } = withLines(["b", "a"]);
		files.onOperation = (_number, name) => {
			if (name !== "sync") return;
			const handle = files.open("out", "a+");
			files.write(handle, Buffer.from("x"), 0, 1);
			files.close(handle);
		};
		expect(() => reorder(files, () => offsets.toReversed())).toThrow(
			"out is being written to by another program",
		);
		expect(files.text("out")).toMatch(/^b\na\nx+$/);
	});
});
