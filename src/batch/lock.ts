import { readFileSync } from "node:fs";
import { LlmxError, UsageError } from "../errors.ts";
import { describeFileError, type Files, writeAll } from "./files.ts";

/** Who holds a lock, as its file says. */
interface Owner {
	readonly pid: number;
	/** When the process began, so that another one with the same number is not taken for it. */
	readonly started: string | null;
	readonly host: string;
}

export interface LockOptions {
	/** The file that is locked, as errors name it. */
	readonly name: string;
	readonly pid: number;
	readonly host: string;
}

/**
 * Takes the lock file of an output and returns how to give it back. A lock whose process is gone is taken over.
 * @throws UsageError naming the process that has it, LlmxError when the lock cannot be written
 */
export function takeLock(files: Files, path: string, options: LockOptions): () => void {
	const own = `${path}.${options.pid}`;
	const owner: Owner = { pid: options.pid, started: startOf(options.pid), host: options.host };
	try {
		writeOwner(files, own, owner);
		try {
			if (!tryClaim(files, own, path)) takeOver(files, own, path, options);
		} finally {
			files.remove(own);
		}
		return () => release(files, path, owner);
	} catch (error) {
		if (error instanceof LlmxError) throw error;
		throw new LlmxError(`cannot lock ${options.name}: ${describeFileError(error)}`, { cause: error });
	}
}

/** Replaces a stale lock. A second lock makes sure that no other run does the same and removes a fresh one. */
function takeOver(files: Files, own: string, path: string, options: LockOptions): void {
	const guard = `${path}.takeover`;
	refuseIfHeld(files, path, options);
	if (!tryClaim(files, own, guard)) {
		throw new UsageError(`${options.name} is being taken over from a run that was killed`, {
			hint: `try again; if no other run is there, delete ${guard}`,
		});
	}
	try {
		refuseIfHeld(files, path, options);
		files.remove(path);
		// A run that came just now may be faster; then it has the lock.
		if (!tryClaim(files, own, path)) {
			refuseIfHeld(files, path, options);
			throw new UsageError(`${options.name} is being taken by another run`, { hint: "try again" });
		}
	} finally {
		files.remove(guard);
	}
}

function refuseIfHeld(files: Files, path: string, { name, host }: LockOptions): void {
	const holder = readOwner(files, path);
	if (holder === undefined || isGone(holder, host)) return;
	const where = holder.host === host ? "" : ` on ${holder.host}`;
	throw new UsageError(`${name} is in use by process ${holder.pid}${where}`, {
		hint: where
			? `choose another output with -o; if that run is over, delete ${path}`
			: "wait for it, or choose another output with -o",
	});
}

function tryClaim(files: Files, own: string, path: string): boolean {
	try {
		files.claim(own, path);
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
		throw error;
	}
}

function release(files: Files, path: string, owner: Owner): void {
	const holder = readOwner(files, path);
	if (holder !== undefined && isSame(holder, owner)) files.remove(path);
}

function writeOwner(files: Files, path: string, owner: Owner): void {
	const file = files.open(path, "w");
	try {
		writeAll(files, file, Buffer.from(`${JSON.stringify(owner)}\n`));
	} finally {
		files.close(file);
	}
}

/** Undefined when the lock has just been given back. A file that is none of ours counts as a lock of nobody. */
function readOwner(files: Files, path: string): Owner | undefined {
	const buffer = Buffer.alloc(1024);
	let length: number;
	try {
		const file = files.open(path, "r");
		try {
			length = files.read(file, buffer, 0, 0);
		} finally {
			files.close(file);
		}
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
	try {
		const { pid, started, host } = JSON.parse(buffer.toString("utf8", 0, length)) as Owner;
		if (Number.isSafeInteger(pid) && pid > 0 && typeof host === "string") return { pid, started, host };
	} catch {
		// Not ours, or torn by a crash.
	}
	return { pid: 0, started: null, host: "" };
}

function isSame(one: Owner, other: Owner): boolean {
	return one.pid === other.pid && one.started === other.started && one.host === other.host;
}

/** True when the process that took the lock certainly no longer runs. */
function isGone({ pid, started, host }: Owner, ownHost: string): boolean {
	if (pid === 0) return true;
	if (host !== ownHost) return false;
	try {
		process.kill(pid, 0);
	} catch (error) {
		return (error as NodeJS.ErrnoException).code === "ESRCH";
	}
	const now = startOf(pid);
	return started !== null && now !== null && started !== now;
}

/** Clock ticks after boot at which a process began, on Linux; null elsewhere. */
function startOf(pid: number): string | null {
	try {
		const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
		// The name in parentheses may hold blanks and parentheses; the start is the 20th field behind it.
		return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
	} catch {
		return null;
	}
}
