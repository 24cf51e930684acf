/** Names of sessions, and the files that they are the names of. */

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, UsageError } from "../../errors.ts";
import { describeFileError, systemFiles } from "../file-system.ts";
import type { Paths } from "../paths.ts";

const extension = ".jsonl";

/** Throws UsageError unless a session may have this name: it becomes the name of a file. */
export function checkSessionName(name: string, platform: string = process.platform): void {
	if (!isSessionName(name))
		throw new UsageError(`"${name}" is not a valid session name`, {
			hint: "use up to 64 letters, digits, dots, dashes and underscores, starting with a letter or digit",
		});
	if (platform === "win32" && isDeviceName(name))
		throw new UsageError(`"${name}" is not a valid session name: Windows reserves it for a device`, {
			hint: "choose another name",
		});
}

function isSessionName(name: string): boolean {
	return /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name);
}

/** A device answers to its name whatever extension follows. */
function isDeviceName(name: string): boolean {
	return /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i.test(name);
}

/**
 * Names of all sessions, the one written to last first. What else lies in their folder, such as a folder or a link
 * that leads nowhere, is none.
 */
export function sessionNames(paths: Paths): string[] {
	let files: string[];
	try {
		files = readdirSync(paths.sessions);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
		throw unreadable(paths.sessions, error);
	}
	return files
		.filter((file) => file.endsWith(extension) && isSessionName(file.slice(0, -extension.length)))
		.flatMap((file) => {
			const stats = statSync(join(paths.sessions, file), { throwIfNoEntry: false });
			return stats?.isFile() ? [{ name: file.slice(0, -extension.length), time: stats.mtimeMs }] : [];
		})
		.sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
		.map(({ name }) => name);
}

/** A file or folder of sessions that cannot be read. */
export function unreadable(path: string, error: unknown): ConfigError {
	return new ConfigError(`cannot read ${path}: ${describeFileError(error)}`, {
		hint: "llmx keeps conversations there; move what is there elsewhere, or make it readable",
		cause: error,
	});
}

export const fileOf = (paths: Paths, name: string) => join(paths.sessions, name + extension);

/** What lies among the sessions under the name of one and is none: paths. */
export function straySessions(paths: Paths): string[] {
	const names = new Set(sessionNames(paths).map((name) => name + extension));
	const files = systemFiles.factsOf(paths.sessions) === undefined ? [] : readdirSync(paths.sessions);
	return files
		.filter((file) => file.endsWith(extension) && !names.has(file))
		.map((file) => join(paths.sessions, file));
}
