import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputHistory, openHistory } from "../../../src/chat/input/history.ts";

let folder: string;
let warnings: string[];
const open = () => openHistory(join(folder, "state", "history"), (message) => warnings.push(message));

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-history-"));
	warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("walking the history", () => {
	it("goes back and forth and gives the draft back", () => {
		const history = new InputHistory(["one", "two"]);
		expect(history.previous("draft")).toBe("two");
		expect(history.previous("two, edited")).toBe("one");
		expect(history.previous("one")).toBeUndefined();
		expect(history.next()).toBe("two");
		expect(history.next()).toBe("draft");
		expect(history.next()).toBeUndefined();
	});

	it("keeps the newest of equal entries and no empty ones", () => {
		const history = new InputHistory(["one", "two", "one"]);
		history.add("two");
		history.add("two");
		history.add("  ");
		expect(history.entries).toEqual(["one", "two"]);
	});

	it("searches backwards, with case only when asked for", () => {
		const history = new InputHistory(["Why?", "what", "why not"]);
		const first = history.search("why");
		expect(first?.text).toBe("why not");
		expect(history.search("why", first?.index)?.text).toBe("Why?");
		expect(history.search("Wh")?.text).toBe("Why?");
		expect(history.search("nothing")).toBeUndefined();
	});
});

describe("the history file", () => {
	it("outlives the process, with lines, and is private", () => {
		const history = open();
		history.add("one\nof two lines");
		history.add("世界 \u2028");
		expect(open().entries).toEqual(["one\nof two lines", "世界 \u2028"]);
		expect(statSync(join(folder, "state", "history")).mode & 0o777).toBe(0o600);
		expect(warnings).toEqual([]);
	});

	it("reads around torn and foreign lines", () => {
		open().add("good");
		const path = join(folder, "state", "history");
		writeFileSync(path, `${readFileSync(path, "utf8")}{"not":"text"}\n"torn`);
		const history = open();
		history.add("after");
		expect(open().entries).toEqual(["good", "after"]);
	});

	it("does not keep what would slow every start", () => {
		open().add("x".repeat(200_000));
		expect(open().entries).toEqual([]);
	});

	it("is begun anew when most of it is repeats", () => {
		const path = join(folder, "state", "history");
		open().add("first");
		writeFileSync(path, '"a"\n"b"\n'.repeat(2000));
		expect(open().entries).toEqual(["a", "b"]);
		expect(readFileSync(path, "utf8")).toBe('"a"\n"b"\n');
	});

	it("that cannot be used is one warning, not a failure", () => {
		writeFileSync(join(folder, "state"), "a file where the folder should be");
		const history = open();
		history.add("one");
		history.add("two");
		expect(history.entries).toEqual(["one", "two"]);
		expect(warnings).toHaveLength(1);
	});
});
