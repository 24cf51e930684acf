import type { Environment } from "../types.ts";

/** The program that a user edits texts with; it may be given with options, as in `code --wait`. */
export function editorOf(env: Environment, platform: NodeJS.Platform = process.platform): string {
	return env.VISUAL || env.EDITOR || (platform === "win32" ? "notepad" : "vi");
}

/** How a process is started: what `spawn` takes. */
export interface EditorCommand {
	readonly command: string;
	readonly args: readonly string[];
	readonly shell: boolean;
}

/**
 * The command that opens a file in an editor. A shell reads the editor's options, and nothing of the file's name. With
 * `shell: true`, as Windows needs it, Node warns of arguments (DEP0190), so that the name is part of the command there.
 */
export function editorCommand(
	editor: string,
	file: string,
	platform: NodeJS.Platform = process.platform,
): EditorCommand {
	return platform === "win32"
		? { command: `${editor} "${file}"`, args: [], shell: true }
		: { command: "/bin/sh", args: ["-c", `${editor} "$1"`, "sh", file], shell: false };
}
