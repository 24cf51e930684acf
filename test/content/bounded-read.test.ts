import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readBounded, readBoundedSync } from "../../src/content/bounded-read.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-read-"));
	path = join(folder, "file");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A clock that is a second later each time. */
const hurried = () => {
	let now = 0;
	return () => (now += 1000);
};

const ways = {
	readBounded,
	readBoundedSync: async (...args: Parameters<typeof readBoundedSync>) => readBoundedSync(...args),
};

describe.each(Object.entries(ways))("%s", (_, read) => {
	it("reads what there is, up to the limit", async () => {
		writeFileSync(path, "x".repeat(600_000));
		expect(await read(path, { name: "file" })).toHaveLength(600_000);
		await expect(read(path, { name: "file", limitBytes: 599_999 })).rejects.toThrow("file is larger than");
		await expect(read(folder, { name: "folder" })).rejects.toThrow("EISDIR");
		await expect(read(`${path}.not`, { name: "no file" })).rejects.toThrow("ENOENT");
	});

	if (process.platform !== "win32") {
		it("refuses a device", async () => {
			await expect(read("/dev/zero", { name: "/dev/zero" })).rejects.toThrow(
				"/dev/zero is a device, not a file",
			);
			await expect(read("/dev/null", { name: "/dev/null" })).rejects.toThrow("is a device");
		});

		it("gives up a pipe that nobody writes to", async () => {
			execFileSync("mkfifo", [path]);
			await expect(read(path, { name: "pipe", now: hurried() })).rejects.toThrow(
				"pipe is a pipe, and nothing was written to it for 30 s",
			);
		});

		it("waits for whoever writes to a pipe, and reads to the end", async () => {
			execFileSync("mkfifo", [path]);
			const writer = spawn("sh", ["-c", `sleep 0.1; head -c 300000 /dev/zero > ${path}`], {
				stdio: "ignore",
			});
			expect(await read(path, { name: "pipe" })).toHaveLength(300_000);
			writer.kill();
		});

		it("bounds a pipe without end", async () => {
			execFileSync("mkfifo", [path]);
			const writer = spawn("sh", ["-c", `cat /dev/zero > ${path}`], { stdio: "ignore" });
			await expect(read(path, { name: "pipe", limitBytes: 2 ** 20 })).rejects.toThrow("larger than 1 MiB");
			writer.kill();
		});
	}
});

describe("readBounded", () => {
	it("stops waiting when it is told to", async () => {
		if (!existsSync("/usr/bin/mkfifo") && !existsSync("/bin/mkfifo")) return;
		execFileSync("mkfifo", [path]);
		const stop = new AbortController();
		const reading = readBounded(path, { name: "pipe", signal: stop.signal });
		stop.abort(new Error("stopped"));
		await expect(reading).rejects.toThrow("stopped");
	});
});
