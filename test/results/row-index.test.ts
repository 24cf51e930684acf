import { describe, expect, it } from "vitest";
import { LaneHash, shardOf } from "../../src/prompts/hash.ts";
import { RowIndex } from "../../src/results/row-index.ts";

const hashOf = (text: string) => text.padEnd(32, "0");

describe("the row index", () => {
	it("knows what is done, failed, missing and edited", () => {
		const index = new RowIndex(1, "m");
		index.noteResult("a", "m", hashOf("a1"), 0);
		index.noteResult("b", "m", hashOf("b1"), 100);
		index.noteFailure("c", "m", hashOf("c1"), 0);
		const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => index.claim(id, "m")) as [
			number,
			number,
			number,
			number,
		];
		expect(index.hasRecord(d)).toBe(false);
		expect(index.settle(a, hashOf("a1"))).toBe("done");
		expect(index.settle(b, hashOf("b2"))).toBe("missing");
		expect(index.settle(c, hashOf("c1"))).toBe("failed");
		expect(index.settle(d, hashOf("d1"))).toBe("missing");
		expect([a, b, c, d].map((position) => index.state(position))).toEqual([
			"done",
			"missing",
			"failed",
			"missing",
		]);
	});

	it("tells the same id of two models apart", () => {
		const index = new RowIndex(1, "m");
		index.noteResult("a", "m", hashOf("1"), 0);
		expect(index.settle(index.claim("a", "other"), hashOf("1"))).toBe("missing");
		expect(index.settle(index.claim("a", "m"), hashOf("1"))).toBe("done");
		// The two texts are hashed apart, not one behind the other.
		expect(index.settle(index.claim("am", ""), hashOf("1"))).toBe("missing");
	});

	it("sees an id that comes twice, whatever its model", () => {
		const index = new RowIndex(1, "m");
		expect(index.claimId("a")).toBe(true);
		index.claim("a", "own");
		expect(index.claimId("b")).toBe(true);
		expect(index.claimId("a")).toBe(false);
	});

	it("gives results in the order of the input, then what answers none of its rows", () => {
		const index = new RowIndex(1, "m");
		index.noteResult("gone", "m", hashOf("1"), 0);
		index.noteResult("edited", "m", hashOf("1"), 10);
		index.noteResult("b", "m", hashOf("1"), 20);
		index.noteResult("sent-again", "m", hashOf("1"), 30);
		index.noteFailure("a", "m", hashOf("1"), 0);
		const positions = ["a", "b", "edited", "sent-again"].map((id) => index.claim(id, "m"));
		for (const position of positions) index.settle(position, hashOf(position < 2 ? "1" : "2"));
		expect([...index.failureOffsets()]).toEqual([0]);
		index.setDone(positions[3] as number, 40);
		index.setDone(positions[0] as number, 50);
		expect([...index.resultOffsets()]).toEqual([50, 20, 40, 0, 10]);
		expect([...index.failureOffsets()]).toEqual([]);
	});

	it("holds a hundred thousand rows and finds each", () => {
		const index = new RowIndex(7, "m");
		const count = 100_000;
		for (let row = 0; row < count; row++) index.noteResult(`row-${row}`, "m", hashOf("aa"), row * 2 ** 17);
		for (let row = count; row > 0; row--) index.claim(`row-${row - 1}`, "m");
		let found = 0;
		let matching = 0;
		for (let position = 0; position < count; position++) {
			if (index.settle(position, hashOf("aa")) === "done") found += 1;
			if (index.matches(position, `row-${count - 1 - position}`, "m")) matching += 1;
		}
		expect([found, matching]).toEqual([count, count]);
		expect(index.matches(0, "row-1", "m")).toBe(false);
		expect(index.resultOffset(0)).toBe((count - 1) * 2 ** 17);
	});
});

describe("hashes of ids", () => {
	it("do not clash for the ids that people number their rows with", () => {
		const hash = new LaneHash(42);
		const seen = new Set<bigint>();
		for (let row = 0; row < 100_000; row++) {
			for (const id of [String(row), `row-${String(row).padStart(8, "0")}`, row.toString(2)]) {
				hash.update(id, "m");
				seen.add((BigInt(hash.high) << 32n) | BigInt(hash.low));
			}
		}
		// "10" and "11" are written alike in base 2 and 10, and so are others.
		const distinct = new Set<string>();
		for (let row = 0; row < 100_000; row++) {
			for (const id of [String(row), `row-${String(row).padStart(8, "0")}`, row.toString(2)])
				distinct.add(id);
		}
		expect(seen.size).toBe(distinct.size);
	});

	it("put a row into the same shard for ever", () => {
		const shards = ["1", "2", "3", "a", "question-17", "日本"].map((id) => shardOf(id, 4));
		expect(shards).toEqual([1, 1, 4, 2, 3, 2]);
	});

	it("make shards of about the same size", () => {
		const sizes = [0, 0, 0];
		for (let row = 0; row < 30_000; row++) {
			const shard = shardOf(String(row), 3) - 1;
			sizes[shard] = (sizes[shard] as number) + 1;
		}
		for (const size of sizes) expect(Math.abs(size - 10_000)).toBeLessThan(400);
	});
});
