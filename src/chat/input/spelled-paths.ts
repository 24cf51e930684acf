/** Paths as people type them and as terminals insert them when files are dropped: quoted, escaped, or as a file: URL. */

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The path a user means: `~` is the home folder, everything else is relative to `folder`. */
export function resolvePath(
	path: string,
	folder: string,
	platform: NodeJS.Platform = process.platform,
): string {
	const home = platform === "win32" ? /^~(?=[/\\]|$)/ : /^~(?=\/|$)/;
	const full = (name: string) =>
		resolve(
			folder,
			name.replace(home, () => homedir()),
		);
	const spellings = spellingsOf(path, platform).map(full);
	return spellings.find((spelling) => existsSync(spelling)) ?? spellings[0] ?? full(path);
}

/** The files that a text names, one or, as when several were dropped, more; the text itself when they are not there. */
export function pathsIn(text: string, folder: string): readonly string[] {
	if (existsSync(resolvePath(text, folder))) return [text];
	const words = shellWords(text, process.platform).map(({ source }) => source);
	return words.length > 1 && words.every((each) => existsSync(resolvePath(each, folder))) ? words : [text];
}

/** A file's name as the user gave it, without the marks that a terminal put around it. */
export function nameOf(path: string, file: string): string {
	const ownName = (spelling: string) => spelling.replace(/^~|^(\.\/)+/, "");
	return spellingsOf(path, process.platform).find((spelling) => file.endsWith(ownName(spelling))) ?? path;
}

/** What a spelling may stand for, the likeliest first. */
function spellingsOf(path: string, platform: NodeJS.Platform): string[] {
	const trimmed = path.trim();
	const words = shellWords(trimmed, platform);
	const single = words.length === 1 ? words[0]?.value : undefined;
	const address = addressed(single ?? trimmed, platform);
	const isQuoted = /^(["']).*\1$/s.test(trimmed);
	const literal = isQuoted && single !== undefined ? [single, trimmed] : [trimmed, single];
	return [address, ...literal].filter((spelling) => spelling !== undefined);
}

/** The path of a file: URL; undefined for what is none. Desktops name the computer in it, which is this one. */
function addressed(text: string, platform: NodeJS.Platform): string | undefined {
	if (!/^file:\//i.test(text)) return undefined;
	try {
		const url = new URL(text);
		if (platform !== "win32") url.host = "";
		return fileURLToPath(url);
	} catch {
		// It is a name, however odd.
		return undefined;
	}
}

interface Word {
	readonly source: string;
	readonly value: string;
}

/** The pieces of a word in a POSIX shell. On Windows a backslash only separates. */
const shellPiece = /'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)|([^\s'"\\]+)/gsy;
const windowsPiece = /'([^']*)'|"([^"]*)"|(?!)()|([^\s'"]+)/gsy;

/** Splits a text as a shell does; none when it has a quote that is not closed. */
function shellWords(text: string, platform: NodeJS.Platform): Word[] {
	const isWindows = platform === "win32";
	const piece = new RegExp(isWindows ? windowsPiece : shellPiece);
	const words: Word[] = [];
	let at = 0;
	while (at < text.length) {
		const start = at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
		let value = "";
		at = start;
		for (;;) {
			piece.lastIndex = at;
			const found = piece.exec(text);
			if (found === null) break;
			const [, single, double, escaped, plain] = found;
			const quoted = isWindows ? double : double?.replace(/\\(["\\$`])/g, "$1");
			value += single ?? quoted ?? escaped ?? plain ?? "";
			at = piece.lastIndex;
		}
		if (at < text.length && !/\s/.test(text.charAt(at))) return [];
		if (at > start) words.push({ source: text.slice(start, at), value });
	}
	return words;
}
