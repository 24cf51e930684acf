import type { Io, OutputStream, StartupCache } from "./io.ts";
import { isTerminal, processOutput } from "./process-output.ts";

/**
 * Without a terminal there is none that could hang up on its user: after nohup, or when an ssh connection is dropped,
 * the run goes on.
 */
function hangUpCounts(): boolean {
	return [0, 1, 2].some(isTerminal);
}

/** The real process as an Io. Streams are opened on first use, which matters for start-up. */
export function processIo(startupCache?: StartupCache): Io {
	let stdout: OutputStream | undefined;
	let stderr: OutputStream | undefined;
	return {
		get stdin() {
			return process.stdin;
		},
		get stdout() {
			stdout ??= processOutput(1, () => process.stdout);
			return stdout;
		},
		get stderr() {
			stderr ??= processOutput(2, () => process.stderr);
			return stderr;
		},
		env: process.env,
		startupCache,
		get cwd() {
			return process.cwd();
		},
		terminal: {
			get stdin() {
				return process.stdin;
			},
			get stdout() {
				return process.stdout;
			},
		},
		onSignal(listener) {
			const onHangUp = hangUpCounts() ? listener : () => {};
			for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, listener);
			process.on("SIGHUP", onHangUp);
			return () => {
				for (const signal of ["SIGINT", "SIGTERM"] as const) process.off(signal, listener);
				process.off("SIGHUP", onHangUp);
			};
		},
		exit(exitCode) {
			process.exit(exitCode);
		},
	};
}
