import { describe, expect, it } from "vitest";
import { Overflow } from "../../src/results/overflow.ts";
import { fileError, MemoryFiles } from "../batch/helpers/memory-files.ts";

describe("records whose file cannot be written", () => {
	it("go on in the next folder when one is full, with no part of a record behind, and each file is named", () => {
		const files = new MemoryFiles();
		let full: string[] = ["a"];
		files.onOperation = (_number, name, path = "") => {
			if (name === "write" && full.some((folder) => path.startsWith(folder))) throw fileError("ENOSPC");
		};
		const overflow = new Overflow(files, "r.jsonl", "results", ["a", "b", "c"]);
		overflow.add('{"id":"1"}');
		full = ["a", "b"];
		overflow.add('{"id":"2"}');
		full = ["a", "b", "c"];
		overflow.add('{"id":"3"}');
		expect(overflow.records).toBe(2);
		expect(overflow.notes).toEqual([
			"1 results that could not be written to r.jsonl are in b/r.overflow.jsonl; add them: cat b/r.overflow.jsonl >> r.jsonl",
			"1 results that could not be written to r.jsonl are in c/r.overflow.jsonl; add them: cat c/r.overflow.jsonl >> r.jsonl",
			"1 results could be written neither to r.jsonl nor anywhere else; only the cache may have them",
		]);
		overflow.close();
		expect(files.openHandles).toBe(0);
		// The blank line ends what a full disk left of a record.
		expect([...files.content].map(([path, { bytes }]) => [path, bytes.toString()])).toEqual([
			["b/r.overflow.jsonl", '\n{"id":"1"}\n'],
			["c/r.overflow.jsonl", '\n{"id":"2"}\n'],
		]);
	});
});
