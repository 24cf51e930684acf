import { describe, expect, it } from "vitest";
import { FlightLog, flightLogPath, LostFlight } from "../../src/results/flight-log.ts";
import { fileError, MemoryFiles } from "../batch/helpers/memory-files.ts";

const path = flightLogPath("out.jsonl");

const turn = () => new Promise((resolve) => setImmediate(resolve));

function lost(files: MemoryFiles, ...ids: string[]): string[] {
	const flight = new LostFlight(files, path);
	return ids.filter((id) => flight.has(id, "m"));
}

describe("the log of what is on its way", () => {
	it("knows after a kill what had started and not ended", async () => {
		const files = new MemoryFiles();
		const log = new FlightLog(files, path);
		for (const id of ["a", "b", "c\n", 'd"']) log.started(id, "m");
		log.note();
		log.ended("a", "m");
		await turn();
		log.started("e", "m");
		log.note();
		expect(lost(files, "a", "b", "c\n", 'd"', "e", "f")).toEqual(["b", "c\n", 'd"', "e"]);
		expect(new LostFlight(files, path).size).toBe(4);
	});

	it("forgets nothing before the ledger has written what came of it", async () => {
		const files = new MemoryFiles();
		const log = new FlightLog(files, path);
		log.started("a", "m");
		log.note();
		log.ended("a", "m");
		log.started("b", "m");
		log.note();
		// The ledger writes at the end of the turn.
		expect(lost(files, "a", "b")).toEqual(["a", "b"]);
		log.ended("b", "m");
		log.started("b", "m");
		await turn();
		log.started("c", "m");
		log.note();
		expect(lost(files, "a", "b", "c")).toEqual(["b", "c"]);
	});

	it("notes what starts together in one write, before any of it leaves", () => {
		const files = new MemoryFiles();
		const log = new FlightLog(files, path);
		let writes = 0;
		files.onOperation = (_number, name) => {
			if (name === "write") writes += 1;
		};
		for (const id of ["a", "b", "c"]) log.started(id, "m");
		expect(lost(files, "a", "b", "c")).toEqual([]);
		for (let request = 0; request < 3; request += 1) log.note();
		expect(lost(files, "a", "b", "c")).toEqual(["a", "b", "c"]);
		expect(writes).toBe(1);
	});

	it("is gone after an orderly end", () => {
		const files = new MemoryFiles();
		const log = new FlightLog(files, path);
		log.started("a", "m");
		log.note();
		log.remove();
		expect([...files.content.keys()]).toEqual([]);
		expect(files.openHandles).toBe(0);
	});

	it("stays short however long the run is", async () => {
		const files = new MemoryFiles();
		const log = new FlightLog(files, path);
		log.started("first", "m");
		for (let row = 0; row < 100_000; row += 1) {
			log.started(`row ${row}`, "m");
			log.note();
			log.ended(`row ${row}`, "m");
			if (row % 100 === 99) await turn();
		}
		expect(files.factsOf(path)?.size).toBeLessThan(1_100_000);
		expect(new LostFlight(files, path).size).toBeLessThanOrEqual(101);
		expect(lost(files, "first")).toEqual(["first"]);
		log.remove();
	});

	it("disturbs no run when it cannot be written or read", () => {
		const files = new MemoryFiles();
		files.onOperation = () => {
			throw fileError("ENOSPC");
		};
		const log = new FlightLog(files, path);
		log.started("a", "m");
		log.note();
		log.ended("a", "m");
		log.remove();
		expect(new LostFlight(files, path).size).toBe(0);
		expect(files.openHandles).toBe(0);
	});
});
