import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The diff under a heading of CONTRIBUTING.md. */
export function diffOf(heading: string): string {
	const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
	const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
	const diff = /```diff\n(.*?)```/s.exec(section ?? "")?.[1];
	if (diff === undefined) throw new Error(`CONTRIBUTING.md has no diff under "${heading}"`);
	return diff;
}

/**
 * Applies a diff whose hunks have no line numbers to the files in a folder: what stands before must be there exactly
 * once. Returns the paths that were changed; throws Error when a hunk fits nowhere, or in two places.
 */
export function applyDiff(diff: string, folder: string): string[] {
	const changed: string[] = [];
	for (const part of diff.split(/^--- a\//m).slice(1)) {
		const [, path = "", hunks = ""] = /^(\S+)\n\+\+\+ b\/\1\n(.*)$/s.exec(part) ?? [];
		const file = join(folder, path);
		let text = readFileSync(file, "utf8");
		for (const hunk of hunks.split(/^@@.*\n/m).slice(1)) {
			const lines = hunk.split("\n").slice(0, -1);
			const side = (other: string) =>
				lines
					.filter((line) => !line.startsWith(other))
					.map((line) => `${line.slice(1)}\n`)
					.join("");
			const parts = `\n${text}`.split(`\n${side("+")}`);
			if (parts.length !== 2) {
				throw new Error(`a hunk fits ${parts.length - 1} places of ${path}, not one:\n${hunk}`);
			}
			text = parts.join(`\n${side("-")}`).slice(1);
		}
		writeFileSync(file, text);
		changed.push(path);
	}
	return changed;
}

/** Copies the named files and folders of the project into a folder in which they can run. */
export function copyProject(folder: string, names: readonly string[]): void {
	for (const name of names) {
		mkdirSync(dirname(join(folder, name)), { recursive: true });
		cpSync(join(root, name), join(folder, name), { recursive: true });
	}
	symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}
