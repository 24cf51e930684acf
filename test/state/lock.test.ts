import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock, type Lock } from "../../src/state/lock.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-lock-"));
	path = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const module = new URL("../../src/state/lock.ts", import.meta.url).href;

/** Starts a process that takes the lock and says so, then sleeps until it is killed. */
async function holder(platform: string) {
	const code = `import { acquireLock } from ${JSON.stringify(module)};
		await acquireLock(process.argv[1], process.argv[2]);
		process.stdout.write("held");
		setInterval(() => {}, 1000);`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", code, path, platform], {
		stdio: ["ignore", "pipe", "inherit"],
	});
	await new Promise((resolve) => child.stdout.once("data", resolve));
	return {
		pid: child.pid,
		kill: () =>
			new Promise((resolve) => {
				child.once("exit", resolve);
				child.kill("SIGKILL");
			}),
	};
}

async function take(platform: NodeJS.Platform): Promise<Lock> {
	const result = await acquireLock(path, platform);
	if (!("lock" in result)) throw new Error(`held by ${result.held.pid}`);
	return result.lock;
}

describe.each(["linux", "darwin"] as const)("acquireLock on %s", (platform) => {
	it("gives the lock to one at a time and names the other's pid", async () => {
		const lock = await take(platform);
		expect(await acquireLock(path, platform)).toEqual({ held: { pid: process.pid } });
		const other = await acquireLock(`${path}.other`, platform);
		expect(other).toHaveProperty("lock");
		if ("lock" in other) await other.lock.release();
		await lock.release();
		await (await take(platform)).release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("is freed when its holder is killed", async () => {
		const other = await holder(platform);
		expect(await acquireLock(path, platform)).toEqual({ held: { pid: other.pid } });
		await other.kill();
		await (await take(platform)).release();
	});
});

describe("a lock file", () => {
	it.each([
		"",
		"{}",
		'{"pid":"x"}',
		JSON.stringify({ pid: process.pid, started: "long ago" }),
	])("does not count when it holds %j", async (text) => {
		writeFileSync(`${path}.lock`, text);
		await (await take("darwin")).release();
		expect(readdirSync(folder)).toEqual([]);
	});
});
