/** Programs and signals that take the terminal for a while. */

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { editorCommand, editorOf } from "../terminal/editor.ts";

/**
 * Lets the user change a text in $VISUAL or $EDITOR and returns it, without the newline that editors add. Throws when
 * the editor cannot be run or fails. The terminal must have been given back.
 */
export async function editExternally(
	text: string,
	env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
	const editor = editorOf(env);
	const folder = await mkdtemp(join(tmpdir(), "llmx-"));
	const file = join(folder, "message.md");
	try {
		await writeFile(file, text, { mode: 0o600 });
		await run(editor, file);
		return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

function run(editor: string, file: string): Promise<void> {
	return new Promise((resolve, reject) => {
		const { command, args, shell } = editorCommand(editor, file);
		const child = spawn(command, args, { stdio: "inherit", shell });
		child.on("error", reject);
		child.on("close", (code, signal) => {
			if (code === 0) resolve();
			else reject(new Error(`${editor} ended with ${signal ?? `exit code ${code}`}`));
		});
	});
}

/** Stops this process and its group, as Ctrl-Z does; resolves once it goes on. */
export async function stopProcess(): Promise<void> {
	process.kill(0, "SIGTSTP");
	// Without a shell that could bring it back, the kernel ignores the signal and this goes on at once.
	await new Promise((resolve) => setTimeout(resolve, 50));
}
