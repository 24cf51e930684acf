import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { CommandOutput } from "../../chat/host.ts";
import { LlmxError } from "../../errors.ts";
import type { Io } from "../io.ts";

/** What a command prints beyond this (bytes) is not taken: no model reads so much. */
const maxOutputBytes = 1 << 20;

/**
 * Runs a command line in the user's shell, without a terminal, and returns what it printed to stdout and stderr.
 * @throws LlmxError when it cannot be run or was stopped
 */
export function runCommand(io: Io, command: string, signal: AbortSignal): Promise<CommandOutput> {
	const isWindows = process.platform === "win32";
	const shell = isWindows ? (io.env.COMSPEC ?? "cmd.exe") : (io.env.SHELL ?? "/bin/sh");
	const args = isWindows ? ["/d", "/s", "/c", command] : ["-c", command];
	return new Promise((resolve, reject) => {
		const child = spawn(shell, args, {
			cwd: io.cwd,
			env: { ...io.env },
			stdio: ["ignore", "pipe", "pipe"],
			// A group of its own, so that what it has started ends with it.
			detached: !isWindows,
		});
		let output = "";
		let size = 0;
		const take = (stream: NodeJS.ReadableStream) => {
			const decoder = new StringDecoder("utf8");
			stream.on("data", (chunk: Buffer) => {
				size += chunk.length;
				if (size <= maxOutputBytes) output += decoder.write(chunk);
			});
		};
		take(child.stdout);
		take(child.stderr);
		const stop = () => {
			try {
				if (child.pid !== undefined) process.kill(isWindows ? child.pid : -child.pid, "SIGTERM");
			} catch {
				// It has ended by itself.
			}
		};
		signal.addEventListener("abort", stop, { once: true });
		child.on("error", (error) => reject(new LlmxError(`cannot run ${shell}: ${error.message}`)));
		child.on("close", (code) => {
			signal.removeEventListener("abort", stop);
			if (signal.aborted) reject(new LlmxError("the command was stopped"));
			else if (size > maxOutputBytes) resolve({ output: `${output}\n… cut at 1 MB`, exitCode: code ?? 1 });
			else resolve({ output, exitCode: code ?? 1 });
		});
	});
}
