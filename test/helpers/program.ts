import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built program. */
export const programPath = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));

/** What build.ts has set, for an environment that inherits nothing: in a home of its own every start is the first. */
export const sharedCodeCache = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
/** What was compiled is kept in the home, as it is for users; also where coverage keeps nothing. */
export const ownCodeCache = { NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined };

export interface ProgramOptions {
	readonly env?: Record<string, string | undefined>;
	readonly cwd?: string;
	/** What is piped in; nothing by default. */
	readonly input?: string;
	/** A descriptor in place of a pipe for stdout. */
	readonly stdout?: number;
	/** Instead of the Node that runs the tests. */
	readonly node?: string;
}

export interface ProgramResult {
	/** Null when a signal ended it. */
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
	readonly out: string;
	readonly err: string;
}

export interface RunningProgram {
	readonly child: ChildProcess;
	/** What it has written so far. */
	readonly out: () => string;
	readonly err: () => string;
	readonly ended: Promise<ProgramResult>;
}

/** Starts llmx as a process of its own, as a user does. */
export function startProgram(argv: readonly string[], options: ProgramOptions = {}): RunningProgram {
	const spawnOptions: SpawnOptions = {
		env: { ...process.env, ...options.env },
		stdio: ["pipe", options.stdout ?? "pipe", "pipe"],
		...(options.cwd !== undefined && { cwd: options.cwd }),
	};
	return watch(spawn(options.node ?? process.execPath, [programPath, ...argv], spawnOptions), options.input);
}

export function runProgram(argv: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
	return startProgram(argv, options).ended;
}

/** Runs a line of shell in which `llmx` is the built program. */
export function runShell(
	script: string,
	options: Pick<ProgramOptions, "env" | "cwd"> = {},
): Promise<ProgramResult> {
	const llmx = `llmx() { "${process.execPath}" "${programPath}" "$@"; }; `;
	const child = spawn("bash", ["-c", llmx + script], {
		env: { ...process.env, ...options.env },
		stdio: ["pipe", "pipe", "pipe"],
		...(options.cwd !== undefined && { cwd: options.cwd }),
	});
	return watch(child, "").ended;
}

function watch(child: ChildProcess, input = ""): RunningProgram {
	const out: Buffer[] = [];
	const err: Buffer[] = [];
	child.stdout?.on("data", (chunk: Buffer) => out.push(chunk));
	child.stderr?.on("data", (chunk: Buffer) => err.push(chunk));
	// Whoever does not read its input is not to be blamed for a closed pipe.
	child.stdin?.on("error", () => {});
	child.stdin?.end(input);
	const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString("utf8");
	const ended = new Promise<ProgramResult>((resolve, reject) => {
		child.once("error", reject);
		child.once("close", (code, signal) => resolve({ code, signal, out: text(out), err: text(err) }));
	});
	return { child, out: () => text(out), err: () => text(err), ended };
}
