import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { programPath, sharedCodeCache } from "../../helpers/program.ts";

export interface Running {
	readonly child: ChildProcess;
	/** What it wrote to stderr so far. */
	readonly err: () => string;
	readonly out: () => string;
	/** The exit code, or the signal it died of. */
	readonly ended: Promise<number | NodeJS.Signals>;
	isOver(): boolean;
}

/** Runs the built llmx in a folder, with its home there; `wrapper` is a command that starts it. */
export function startLlmx(
	args: readonly string[],
	folder: string,
	env: Record<string, string> = {},
	stdout: "pipe" | number = "pipe",
	wrapper: readonly string[] = [],
): Running {
	const [command, ...rest] = [...wrapper, process.execPath, programPath, ...args] as [string, ...string[]];
	const child = spawn(command, rest, {
		cwd: folder,
		env: { PATH: process.env.PATH, LLMX_HOME: `${folder}/home`, ...sharedCodeCache, ...env },
		stdio: ["ignore", stdout, "pipe"],
	});
	let err = "";
	let out = "";
	let over = false;
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		err += text;
	});
	child.stdout?.setEncoding("utf8").on("data", (text: string) => {
		out += text;
	});
	const ended = new Promise<number | NodeJS.Signals>((resolve) => {
		child.on("close", (code, signal) => {
			over = true;
			resolve(code ?? (signal as NodeJS.Signals));
		});
	});
	return { child, err: () => err, out: () => out, ended, isOver: () => over };
}

/** Waits until something is so, or the process has ended. */
export async function until(running: Running, condition: () => boolean): Promise<void> {
	while (!condition() && !running.isOver()) await sleep(2);
}

/** The records of a results file; throws for a line that is none. */
export function readRecords(path: string): { id: string; text: string }[] {
	const text = readFileSync(path, "utf8");
	return text
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line) as { id: string; text: string });
}
