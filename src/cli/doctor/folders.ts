import { accessSync, constants, existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Paths } from "../../state/paths.ts";
import type { Finding } from "./finding.ts";

/** Whether the folders of a home can be written by their owner, and by nobody else. */
export function* examineFolders(
	{ configFolder, stateFolder, cacheFolder }: Paths,
	platform: NodeJS.Platform,
): Iterable<Finding> {
	// File modes mean nothing there.
	const isWindows = platform === "win32";

	for (const folder of new Set([configFolder, stateFolder, cacheFolder])) {
		let existing = folder;
		while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
		try {
			accessSync(existing, constants.W_OK);
		} catch {
			yield {
				about: "folder",
				state: "problem",
				text: `${folder} cannot be written`,
				hint: "LLMX_HOME=FOLDER puts everything elsewhere",
			};
			continue;
		}
		const mode = existing === folder ? statSync(folder).mode & 0o777 : 0o700;
		const open = !isWindows && (mode & 0o022) !== 0;
		yield open
			? {
					about: "folder",
					state: "problem",
					text: `${folder} can be written by others (mode ${mode.toString(8)})`,
					hint: `run: chmod 700 ${folder}`,
				}
			: {
					about: "folder",
					state: "ok",
					text: isWindows ? `${folder}: as private as your Windows profile is` : folder,
				};
	}
}
