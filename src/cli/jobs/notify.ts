import { spawn } from "node:child_process";

/**
 * Runs the user's own shell command when jobs have ended; it sees the exit code of llmx as LLMX_EXIT_CODE. Returns once
 * it has ended; `log` hears of one that failed.
 */
export async function notify(command: string, exitCode: number, log: (text: string) => void): Promise<void> {
	await new Promise<void>((done) => {
		const env = { ...process.env, LLMX_EXIT_CODE: String(exitCode) };
		const child = spawn(command, { shell: true, stdio: "ignore", env });
		child.once("error", (error) => {
			log(`--notify failed: ${error.message}`);
			done();
		});
		child.once("exit", (code, signal) => {
			if (code !== 0) log(`--notify ended with ${code === null ? signal : `exit code ${code}`}`);
			done();
		});
	});
}
