import { spawn } from "node:child_process";
import { linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Files, systemFiles } from "../../src/state/file-system.ts";
import { takeHolderFile } from "../../src/state/holder-file.ts";
import { acquireLock, type Lock } from "../../src/state/lock.ts";
import { type ProcessTable, processTable } from "../../src/state/process-identity.ts";
import { fileError } from "../batch/helpers/memory-files.ts";

let folder: string;
let path: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "llmx-lock-"));
	path = join(folder, "results.jsonl");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const source = new URL("../../src/state/", import.meta.url).href;

/** Runs code in a process of its own that has `acquireLock`, a `table` of the platform and a `path`. */
function start(code: string, platform: string, env: Record<string, string> = {}) {
	const prelude = `import { acquireLock } from "${source}lock.ts";
		import { processTable } from "${source}process-identity.ts";
		const table = processTable(${JSON.stringify(platform)});
		const path = ${JSON.stringify(path)};
		${code}`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", prelude], {
		stdio: ["ignore", "pipe", "inherit"],
		env: { ...process.env, ...env },
	});
	let out = "";
	child.stdout.setEncoding("utf8").on("data", (text: string) => {
		out += text;
	});
	const ended = new Promise<string>((resolve) => child.once("close", () => resolve(out)));
	return { child, ended };
}

/** Starts a process that takes the lock and says so, then sleeps until it is killed. */
async function holder(platform: string, env: Record<string, string> = {}) {
	const { child, ended } = start(
		`await acquireLock(path, { table }); process.stdout.write("held"); setInterval(() => {}, 1000);`,
		platform,
		env,
	);
	await new Promise((resolve) => child.stdout.once("data", resolve));
	const kill = () => {
		child.kill("SIGKILL");
		return ended;
	};
	return { pid: child.pid, kill };
}

async function take(platform: NodeJS.Platform, table: ProcessTable = processTable(platform)): Promise<Lock> {
	const result = await acquireLock(path, { table, observe: async () => {} });
	if (!("lock" in result)) throw new Error(`held by ${result.held.pid}`);
	return result.lock;
}

describe.each(["linux", "darwin", "win32"] as const)("acquireLock on %s", (platform) => {
	const table = processTable(platform);

	it("gives the lock to one at a time and names the other's pid", async () => {
		const lock = await take(platform);
		expect(readdirSync(folder)).toEqual(["results.jsonl.lock"]);
		expect(await acquireLock(path, { table })).toMatchObject({ held: { pid: process.pid } });
		const other = await acquireLock(`${path}.other`, { table });
		expect(other).toHaveProperty("lock");
		if ("lock" in other) await other.lock.release();
		await lock.release();
		await (await take(platform)).release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("takes all of several files or none", async () => {
		const lock = await take(platform);
		const several = ["a", "b"].map((name) => join(folder, name));
		expect(await acquireLock([...several, path], { table })).toHaveProperty("held");
		expect(readdirSync(folder)).toEqual(["results.jsonl.lock"]);
		await lock.release();
	});

	it("is one for all names of a file", async () => {
		writeFileSync(path, "");
		linkSync(path, join(folder, "also.jsonl"));
		const lock = await take(platform);
		expect(await acquireLock(join(folder, "also.jsonl"), { table })).toHaveProperty("held");
		await lock.release();
		expect(readdirSync(folder).toSorted()).toEqual(["also.jsonl", "results.jsonl"]);
	});
});

describe.each(["linux", "darwin"] as const)("the lock of a process that ends, on %s", (platform) => {
	const table = processTable(platform);

	it("is freed when its holder is killed", async () => {
		const other = await holder(platform);
		expect(await acquireLock(path, { table })).toMatchObject({ held: { pid: other.pid } });
		await other.kill();
		await (await take(platform)).release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("goes with a process that ends without releasing it", async () => {
		await start(`await acquireLock(path, { table }); process.exit(3);`, platform).ended;
		expect(readdirSync(folder)).toEqual([]);
	});
});

describe("a lock file", () => {
	it("knows its holder whatever the time zone and language of both", async () => {
		const other = await holder("darwin", { TZ: "Asia/Tokyo", LC_ALL: "de_DE.UTF-8" });
		const taken = await start(
			`console.log(JSON.stringify(await acquireLock(path, { table })));process.exit()`,
			"darwin",
			{ TZ: "America/Lima" },
		).ended;
		expect(JSON.parse(taken)).toMatchObject({ held: { pid: other.pid } });
		await other.kill();
	});

	it("holds against a process of another kernel until it has been silent for a minute", async () => {
		const lock = await take("linux");
		const elsewhere = { ...processTable("darwin"), host: "another" };
		const result = await acquireLock(path, { table: elsewhere });
		expect(result).toMatchObject({ held: { pid: process.pid, file: `${path}.lock` } });
		const old = Date.now() / 1000 - 61;
		utimesSync(`${path}.lock`, old, old);
		const heir = await take("darwin", elsewhere);
		// The first holder sees that the file is no longer its own, and leaves it alone.
		await lock.release();
		expect(JSON.parse(readFileSync(`${path}.lock`, "utf8"))).toMatchObject({ host: "another" });
		await heir.release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it.each([
		"forward by a day",
		"back by an hour",
	])("stands when the clock is set %s while its holder lives", async (how) => {
		const lock = await take("linux");
		const elsewhere = { ...processTable("darwin"), host: "another" };
		const then = Date.now() / 1000 + (how.startsWith("back") ? 3_600 : -86_400);
		utimesSync(`${path}.lock`, then, then);
		// It is touched when its time comes, which is before anybody believes in its death.
		const observe = async () => utimesSync(`${path}.lock`, new Date(), new Date());
		expect(await acquireLock(path, { table: elsewhere, observe })).toMatchObject({
			held: { pid: process.pid },
		});
		utimesSync(`${path}.lock`, then, then);
		const heir = await take("darwin", elsewhere);
		await heir.release();
		await lock.release();
	});

	it("of a process that began at another time does not count", async () => {
		const { host, boot, space } = processTable("darwin");
		const found = { id: "0a", host, boot, space, pid: process.pid, started: "long ago" };
		writeFileSync(`${path}.lock`, JSON.stringify(found));
		await (await take("darwin")).release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it.each(["", "{}", '{"pid":"x"}', "not ours"])("with %j in it counts for a minute", async (text) => {
		writeFileSync(`${path}.lock`, text);
		expect(await acquireLock(path, { table: processTable("win32") })).toMatchObject({ held: { pid: null } });
		const old = Date.now() / 1000 - 61;
		utimesSync(`${path}.lock`, old, old);
		await (await take("win32")).release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("works on a file system without links", async () => {
		const files: Files = {
			...systemFiles,
			link: () => {
				throw fileError("ENOTSUP");
			},
		};
		const options = { table: processTable("darwin"), files, silentAfterMs: 60_000 };
		const first = await takeHolderFile(path, options);
		expect(await takeHolderFile(path, options)).toMatchObject({ by: { pid: process.pid } });
		if ("own" in first) first.own.release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("stays when somebody deletes its file, unless another has taken it meanwhile", async () => {
		const options = { table: processTable("darwin"), silentAfterMs: 60_000 };
		const held = await takeHolderFile(path, options);
		if (!("own" in held)) throw new Error("not taken");
		rmSync(path);
		expect(held.own.beat()).toBe(true);
		expect(await takeHolderFile(path, options)).toMatchObject({ by: { pid: process.pid } });
		rmSync(path);
		const other = await takeHolderFile(path, options);
		expect(held.own.beat()).toBe(false);
		held.own.release();
		if ("own" in other) other.own.release();
		expect(readdirSync(folder)).toEqual([]);
	});

	it("has one holder at a time, however many try, and whoever dies", async () => {
		const inside = join(folder, "inside");
		const code = `
			import { closeSync, openSync, rmSync } from "node:fs";
			const until = Date.now() + 700;
			let count = 0;
			while (Date.now() < until) {
				const result = await acquireLock(path, { table });
				if (!("lock" in result)) continue;
				closeSync(openSync(${JSON.stringify(inside)}, "wx"));
				await new Promise(setImmediate);
				rmSync(${JSON.stringify(inside)});
				count += 1;
				await result.lock.release();
			}
			console.log(count);`;
		writeFileSync(
			`${path}.lock`,
			JSON.stringify({ ...processTable("win32"), id: "0a", pid: 999_999, started: null }),
		);
		const counts = await Promise.all([1, 2, 3].map(() => start(code, "win32").ended));
		expect(counts.every((count) => Number(count) > 0)).toBe(true);
		expect(readdirSync(folder)).toEqual([]);
	});
});
