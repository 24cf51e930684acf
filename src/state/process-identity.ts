import { readFileSync, readlinkSync } from "node:fs";

/** Tells one process from all others, also those of other machines and containers that write to the same folder. */
export interface ProcessIdentity {
	readonly host: string;
	/** Of the kernel that runs it: the boot id of Linux, elsewhere when the machine was started, in s since 1970. */
	readonly boot: string;
	/** The pid namespace, in which its pid means something; empty where there is none. */
	readonly space: string;
	readonly pid: number;
	/** When it began, in a form that only serves to be compared; null where the system does not tell. */
	readonly started: string | null;
}

/** What this module asks of the operating system, so that tests can stand in for others. */
export interface ProcessTable {
	readonly platform: NodeJS.Platform;
	readonly host: string;
	readonly boot: string;
	readonly space: string;
	/** False only when there is surely no process of this number. */
	isRunning(pid: number): boolean;
	startOf(pid: number): Promise<string | null>;
}

/** The clock of a machine may be set while it runs, in s. */
const bootTolerance = 60;
/** For so long a process is not asked for again, in ms: on macOS each question is a process of its own. */
const rememberedMs = 5_000;

/** The processes of this machine. `platform` is another one's in tests. */
export function processTable(platform: NodeJS.Platform = process.platform): ProcessTable {
	const starts = new Map<number, { readonly start: Promise<string | null>; readonly at: number }>();
	const isLinux = platform === "linux";
	const { hostname, uptime } = process.getBuiltinModule("node:os");
	return {
		platform,
		host: hostname(),
		boot: isLinux
			? readLinux("/proc/sys/kernel/random/boot_id")
			: String(Math.round(Date.now() / 1000 - uptime())),
		space: isLinux ? readNamespace() : "",
		isRunning(pid) {
			try {
				process.kill(pid, 0);
				return true;
			} catch (error) {
				return (error as NodeJS.ErrnoException).code !== "ESRCH";
			}
		},
		startOf(pid) {
			if (platform === "win32") return Promise.resolve(null);
			if (isLinux) return Promise.resolve(startOnLinux(pid));
			const known = starts.get(pid);
			const now = performance.now();
			if (known !== undefined && now - known.at < rememberedMs) return known.start;
			const start = askPs(pid);
			starts.set(pid, { start, at: now });
			return start;
		},
	};
}

/** This process, as others will know it. */
export async function identifyProcess(table: ProcessTable): Promise<ProcessIdentity> {
	const { host, boot, space } = table;
	return { host, boot, space, pid: process.pid, started: await table.startOf(process.pid) };
}

/**
 * Whether a process is still there: surely so or not when it runs under the same kernel, `unknown` when it is, or was,
 * elsewhere, or when the system does not tell a process from a later one of the same number.
 */
export async function findProcess(
	table: ProcessTable,
	identity: ProcessIdentity,
): Promise<"alive" | "dead" | "unknown"> {
	if (!isSameKernel(table, identity)) return "unknown";
	if (!table.isRunning(identity.pid)) return "dead";
	const started = await table.startOf(identity.pid);
	if (started === null || identity.started === null) return "unknown";
	return started === identity.started ? "alive" : "dead";
}

/** Reads what `JSON.stringify` made of an identity; undefined for anything else. */
export function readIdentity(value: unknown): ProcessIdentity | undefined {
	if (typeof value !== "object" || value === null) return undefined;
	const { host, boot, space, pid, started } = value as Record<string, unknown>;
	if (typeof host !== "string" || typeof boot !== "string" || typeof space !== "string") return undefined;
	if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
	if (typeof started !== "string" && started !== null) return undefined;
	return { host, boot, space, pid: pid as number, started };
}

function isSameKernel(table: ProcessTable, { host, boot, space }: ProcessIdentity): boolean {
	if (table.platform === "linux") return boot !== "" && boot === table.boot && space === table.space;
	return host === table.host && Math.abs(Number(boot) - Number(table.boot)) <= bootTolerance;
}

function readLinux(path: string): string {
	try {
		return readFileSync(path, "utf8").trim();
	} catch {
		return "";
	}
}

function readNamespace(): string {
	try {
		return readlinkSync("/proc/self/ns/pid");
	} catch {
		return "";
	}
}

/** Field 22 of proc_pid_stat(5): clock ticks since the boot. The name in field 2 may hold spaces and brackets. */
function startOnLinux(pid: number): string | null {
	const stat = readLinux(`/proc/${pid}/stat`);
	return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] || null;
}

/** ps tells the time in the zone and language of whoever asks, so both are given. */
function askPs(pid: number): Promise<string | null> {
	const env = { PATH: process.env.PATH, TZ: "UTC", LC_ALL: "C" };
	// Loading it takes 2 ms, and Linux needs none of it.
	const { execFile } = process.getBuiltinModule("node:child_process");
	return new Promise((resolve) => {
		execFile("ps", ["-o", "lstart=", "-p", String(pid)], { env }, (error, stdout) => {
			resolve(error === null ? stdout.trim() || null : null);
		});
	});
}
