import { describe, expect, it } from "vitest";
import { LineAt, reorderJournal, replaceAtomically } from "../../src/results/rewrite.ts";
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
	return { files, offsets, size: offset, text };
}

describe("reordering", () => {
	it("brings lines into any order and drops the rest", () => {
		const { files, offsets, size } = withLines(["b", "ü", "dropped", "a"]);
		const [b, u, , a] = offsets as [number, number, number, number];
		reorderJournal(files, "out", "out", size, () => [a, b, u]);
		expect(files.text("out")).toBe("a\nb\nü\n");
		expect(files.openHandles).toBe(0);
		expect([...files.content.keys()]).toEqual(["out"]);
	});

	it("leaves a file alone that is in order", () => {
		const { files, offsets, size } = withLines(["a", "b"]);
		files.onOperation = (_number, name) => {
			if (name === "write") throw new Error("nothing should be written");
		};
		reorderJournal(files, "out", "out", size, () => offsets);
		expect(files.text("out")).toBe("a\nb\n");
	});

	it("handles lines longer than any buffer, in any order", () => {
		const lines = Array.from(
			{ length: 40 },
			(_, index) => `${index}${"x".repeat((index * 37_017) % 700_000)}`,
		);
		const { files, offsets, size } = withLines(lines);
		const order = offsets.map((_, index) => (index * 17) % 40);
		reorderJournal(files, "out", "out", size, () => order.map((index) => offsets[index] as number));
		expect(files.text("out")?.split("\n").slice(0, -1)).toEqual(order.map((index) => lines[index]));
	});

	it("keeps the mode of the file", () => {
		const { files, offsets, size } = withLines(["a", "b"]);
		(files.content.get("out") as { mode: number }).mode = 0o600;
		reorderJournal(files, "out", "out", size, () => offsets.toReversed());
		expect(files.content.get("out")?.mode).toBe(0o600);
	});

	it("leaves the old file whole whichever operation fails", () => {
		const order = ({ offsets }: { offsets: number[] }) => offsets.toReversed();
		const rehearsal = withLines(["a", "b", "c"]);
		reorderJournal(rehearsal.files, "out", "out", rehearsal.size, () => order(rehearsal));
		for (let fail = 1; fail <= rehearsal.files.operations; fail++) {
			const { files, offsets, size, text } = withLines(["a", "b", "c"]);
			files.onOperation = (number) => {
				if (number === fail) throw fileError("EIO");
			};
			try {
				reorderJournal(files, "out", "out", size, () => order({ offsets }));
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
		expect(() => replaceAtomically(files, "x", "x.csv", () => {})).toThrow(
			"cannot write x.csv: the file system is read-only",
		);
	});

	it("notices when a record is not where it was", () => {
		const { files } = withLines(["a"]);
		expect(() => new LineAt(files, files.open("out", "r")).bytes(7)).toThrow("no longer where it was");
	});
});
