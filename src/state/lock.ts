import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { basename, dirname, join } from "node:path";
import { ensurePrivateFolder } from "./files.ts";

/** A lock that this process holds until it is released or the process ends, in whatever way. */
export interface Lock {
	release(): Promise<void>;
}

/** Somebody else holds the lock; `pid` is null when it does not say which process it is. */
export interface Held {
	readonly pid: number | null;
}

/** A holder that is busy may be slow to say its pid, which is only wanted for a message. */
const ANSWER_TIMEOUT_MS = 300;

/**
 * Takes the lock that stands for a file, without waiting. The file itself is neither opened nor needed. On Linux the
 * lock is an abstract socket, which the kernel frees with its process; elsewhere it is `FILE.lock`, which holds a
 * pid and the start time of that process, so that a later process of the same number does not count as its holder.
 */
export async function acquireLock(
	path: string,
	platform: NodeJS.Platform = process.platform,
): Promise<{ readonly lock: Lock } | { readonly held: Held }> {
	ensurePrivateFolder(dirname(path));
	const target = join(realpathSync(dirname(path)), basename(path));
	return platform === "linux" ? lockSocket(target) : lockFile(`${target}.lock`, platform);
}

async function lockSocket(target: string) {
	const identity = createHash("sha256").update(`${process.geteuid?.()} ${target}`).digest("hex");
	const address = `\0llmx-lock-${identity}`;
	const server = createServer((socket) => {
		socket.on("error", () => {});
		socket.end(String(process.pid));
	});
	const taken = await new Promise<boolean>((resolve, reject) => {
		server.once("error", (error: NodeJS.ErrnoException) => {
			if (error.code === "EADDRINUSE") resolve(false);
			else reject(error);
		});
		server.listen(address, () => resolve(true));
	});
	if (!taken) return { held: { pid: await askHolder(address) } };
	server.unref();
	const release = () => new Promise<void>((resolve) => server.close(() => resolve()));
	return { lock: { release } };
}

function askHolder(address: string): Promise<number | null> {
	return new Promise((resolve) => {
		let answer = "";
		const socket = connect(address);
		socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy());
		socket.setEncoding("utf8");
		socket.on("data", (data: string) => {
			answer += data;
		});
		socket.on("error", () => {});
		socket.on("close", () => resolve(Number(answer) || null));
	});
}

function lockFile(path: string, platform: NodeJS.Platform): { lock: Lock } | { held: Held } {
	const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid, platform) });
	for (;;) {
		try {
			writeFileSync(path, mine, { flag: "wx", mode: 0o600 });
			const release = async () => {
				if (read(path) === mine) rmSync(path, { force: true });
			};
			return { lock: { release } };
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
		}
		const text = read(path);
		const holder = text === undefined ? undefined : liveHolder(text, platform);
		if (holder !== undefined) return { held: { pid: holder } };
		// Moved aside before it is removed: the file may be a new holder's by now, and then it goes back.
		const aside = `${path}.${process.pid}`;
		try {
			renameSync(path, aside);
			if (read(aside) !== text) linkSync(aside, path);
		} catch (error) {
			const { code } = error as NodeJS.ErrnoException;
			if (code !== "ENOENT" && code !== "EEXIST") throw error;
		} finally {
			rmSync(aside, { force: true });
		}
	}
}

function read(path: string): string | undefined {
	try {
		return readFileSync(path, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
		throw error;
	}
}

/** The pid in a lock file, if that very process still runs. */
function liveHolder(text: string, platform: NodeJS.Platform): number | undefined {
	let holder: { pid?: unknown; started?: unknown };
	try {
		holder = JSON.parse(text) as typeof holder;
	} catch {
		return undefined;
	}
	if (typeof holder.pid !== "number") return undefined;
	try {
		process.kill(holder.pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ESRCH") return undefined;
	}
	const started = startOf(holder.pid, platform);
	return started !== null && started !== holder.started ? undefined : holder.pid;
}

/** When a process began, in a form that only serves to be compared; null where the system does not tell. */
function startOf(pid: number, platform: NodeJS.Platform): string | null {
	if (platform === "win32") return null;
	try {
		return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null;
	} catch {
		return null;
	}
}
