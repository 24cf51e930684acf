import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const leastFreeBytes = 2 ** 31;

/**
 * Tests make thousands of homes, each with a database that waits for the disk. Where a part of memory can be used as a
 * folder, temporary folders are there, for this run alone.
 */
export default function keepInMemory(): (() => void) | undefined {
	if (process.env.TMPDIR !== undefined || !hasRoom("/dev/shm")) return undefined;
	for (const left of globSync("/dev/shm/llmx-*-*")) if (!isRunning(Number(left.split("-")[1]))) remove(left);
	// Paths of sockets are short.
	const folder = mkdtempSync(`/dev/shm/llmx-${process.pid}-`);
	// Some containers allow no programs there.
	const script = join(folder, "script");
	writeFileSync(script, "#!/bin/sh\n", { mode: 0o700 });
	if (spawnSync(script).status !== 0) {
		remove(folder);
		return undefined;
	}
	process.env.TMPDIR = folder;
	return () => remove(folder);
}

const remove = (folder: string) => rmSync(folder, { recursive: true, force: true });

function isRunning(pid: number): boolean {
	try {
		return process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "EPERM";
	}
}

function hasRoom(folder: string): boolean {
	try {
		const { bavail, bsize } = statfsSync(folder);
		return bavail * bsize >= leastFreeBytes;
	} catch {
		return false;
	}
}
