import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemFiles } from "../../src/batch/files.ts";
import { takeLock } from "../../src/batch/lock.ts";

let folder: string;
let path: string;
const options = { name: "out.jsonl", pid: process.pid, host: "here" };

beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-lock-"));
	path = join(folder, "out.jsonl.lock");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The pid of a process that has ended. */
function goneProcess(): number {
	return spawnSync(process.execPath, ["-e", "0"]).pid;
}

describe("the lock of an output", () => {
	it("refuses a second run, naming the process, until it is given back", () => {
		const release = takeLock(systemFiles, path, options);
		expect(() => takeLock(systemFiles, path, { ...options, pid: process.ppid })).toThrow(
			`out.jsonl is in use by process ${process.pid}`,
		);
		release();
		expect(readdirSync(folder)).toEqual([]);
		takeLock(systemFiles, path, { ...options, pid: process.ppid })();
	});

	it("is taken over from a process that is gone", () => {
		writeFileSync(path, JSON.stringify({ pid: goneProcess(), started: "1", host: "here" }));
		const release = takeLock(systemFiles, path, options);
		expect(JSON.parse(readFileSync(path, "utf8")).pid).toBe(process.pid);
		release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it.skipIf(!existsSync("/proc/self/stat"))(
		"is taken over from a process whose number another one has now",
		() => {
			writeFileSync(path, JSON.stringify({ pid: process.pid, started: "1", host: "here" }));
			takeLock(systemFiles, path, options)();
		},
	);

	it.each(["", "{", "garbage", '{"pid":-5}'])("is taken over when its file says nothing: %j", (content) => {
		writeFileSync(path, content);
		takeLock(systemFiles, path, options)();
	});

	it("of another machine is not judged by this one's processes", () => {
		writeFileSync(path, JSON.stringify({ pid: goneProcess(), started: "1", host: "there" }));
		expect(() => takeLock(systemFiles, path, options)).toThrow(/in use by process \d+ on there/);
	});

	it("is not taken over by two at once", () => {
		writeFileSync(path, JSON.stringify({ pid: goneProcess(), started: "1", host: "here" }));
		writeFileSync(`${path}.takeover`, "");
		expect(() => takeLock(systemFiles, path, options)).toThrow("is being taken over");
		rmSync(`${path}.takeover`);
		takeLock(systemFiles, path, options)();
	});

	it("given back late does not remove the lock of a later run", () => {
		const release = takeLock(systemFiles, path, options);
		writeFileSync(path, JSON.stringify({ pid: process.ppid, started: null, host: "here" }));
		release();
		expect(existsSync(path)).toBe(true);
	});
});
