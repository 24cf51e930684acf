import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../errors.ts";

/** Where shards meet. */
export interface ShareAddress {
	/** With user and password: for the connection alone. */
	readonly url: string;
	/** For messages: host, port and database. */
	readonly shown: string;
	/** It stood on the command line, where other users of the machine can read its password. */
	readonly isPublic: boolean;
}

/** A file that holds a URL is no longer. */
const longestUrl = 4096;

/**
 * Reads `--share`, or LLMX_SHARE_URL without it: a URL, or the path of a file that holds one.
 * @param text what was given: a URL (`redis://`, `rediss://`) or a path
 * @throws UsageError, in which the URL is not repeated, for it may hold a password
 */
export function readShareAddress(
	text: string,
	{ name, cwd }: { readonly name: string; readonly cwd: string },
): ShareAddress {
	const isUrl = /^rediss?:/i.test(text);
	const url = isUrl ? text : readUrlFile(text, name, cwd);
	return parseRedisUrl(url, isUrl ? name : text, isUrl && name === "--share");
}

/** @throws UsageError naming `where` the URL stood */
export function parseRedisUrl(text: string, where: string, isPublic = false): ShareAddress {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (url === undefined || !/^rediss?:$/.test(url.protocol) || url.hostname === "")
		throw new UsageError(`${where} holds no URL of a Redis`, {
			hint: "write redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS",
		});
	if (!/^\/?\d*$/.test(url.pathname))
		throw new UsageError(`${where} names no database of a Redis: "${url.pathname.slice(1, 20)}"`, {
			hint: "databases are numbers, as in redis://HOST:6379/1",
		});
	// Whatever stands behind it would set options of the client.
	url.search = "";
	url.hash = "";
	const database = url.pathname.length > 1 ? url.pathname : "";
	const shown = `${url.hostname}:${url.port || "6379"}${database}`;
	return { url: url.href, shown, isPublic: isPublic && url.password !== "" };
}

function readUrlFile(path: string, name: string, cwd: string): string {
	let text: string;
	try {
		text = readFileSync(resolve(cwd, path), "utf8").trim();
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		// A password that was given without its URL would be repeated here.
		const what = code === "ENOENT" ? "is neither a Redis URL nor a file" : `cannot be read (${code})`;
		throw new UsageError(`what ${name} names ${what}`, {
			hint: "give redis://HOST:PORT, or the path of a file that holds the URL",
		});
	}
	if (text.length > longestUrl || /\s/.test(text))
		throw new UsageError(`${path} holds more than the URL of a Redis`, {
			hint: "the file holds one line: redis://USER:PASSWORD@HOST:PORT/DATABASE",
		});
	return text;
}
