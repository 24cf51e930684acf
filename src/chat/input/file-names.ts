/** The files of a folder, for `@`: those that git knows first, found by any part of their path. */

import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { hasInOrder } from "../picker.ts";
import type { Candidate } from "./candidate.ts";

/** A list is as fresh as this, in ms: it is asked for at every key. */
const freshFor = 5_000;
/** Looking for files must not be felt, in ms. */
const patience = 300;
const mostFiles = 20_000;

let known: { readonly folder: string; readonly at: number; readonly files: readonly string[] } | undefined;

/** Files and folders whose path has the characters of `word` in this order, the nearest first. */
export function mentionable(word: string, folder: string): readonly Candidate[] {
	const wanted = word.toLowerCase();
	return filesIn(folder)
		.flatMap((text) => {
			const path = text.toLowerCase();
			const name = path.slice(path.replace(/\/$/, "").lastIndexOf("/") + 1);
			if (path.startsWith(wanted)) return { text, rank: 0 };
			if (name.startsWith(wanted)) return { text, rank: 1 };
			if (path.includes(wanted)) return { text, rank: 2 };
			return hasInOrder(path, wanted) ? { text, rank: 3 } : [];
		})
		.sort((a, b) => a.rank - b.rank || a.text.length - b.text.length || (a.text < b.text ? -1 : 1))
		.map(({ text }) => ({ text }));
}

function filesIn(folder: string): readonly string[] {
	if (known?.folder === folder && Date.now() - known.at < freshFor) return known.files;
	const tracked = trackedFiles(folder) ?? looseFiles(folder);
	const folders = new Set(
		tracked.flatMap((file) => (file.includes("/") ? [`${file.slice(0, file.indexOf("/"))}/`] : [])),
	);
	known = { folder, at: Date.now(), files: [...folders, ...tracked].slice(0, mostFiles) };
	return known.files;
}

/** What git knows of, or has been told nothing about; undefined outside of a repository. */
function trackedFiles(folder: string): string[] | undefined {
	const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
	const { status, stdout } = spawnSync("git", list, { cwd: folder, timeout: patience, maxBuffer: 8 << 20 });
	return status === 0 ? stdout.toString("utf8").split("\0").filter(Boolean) : undefined;
}

function looseFiles(folder: string): string[] {
	const ignored = /(^|\/)(node_modules|\.[^/]+)$/;
	return globSync("{*,*/*,*/*/*}", { cwd: folder, exclude: (name) => ignored.test(name) })
		.filter((name) => !ignored.test(name))
		.slice(0, mostFiles);
}
