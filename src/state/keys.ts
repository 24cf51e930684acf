import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { ConfigError, UsageError } from "../errors.ts";
import { describeFileError } from "./file-errors.ts";
import { replaceFile } from "./files.ts";

/** Provider id to its stored keys. */
export type StoredKeys = Readonly<Record<string, readonly string[]>>;

/**
 * Reads the stored keys; a file that does not exist holds none. Throws ConfigError for a file that others can read
 * or that is damaged. No message quotes what is in it.
 */
export function readStoredKeys(path: string): StoredKeys {
	let descriptor: number;
	try {
		descriptor = openSync(path, "r");
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		if (code === "ENOENT" || code === "ENOTDIR") return {};
		throw new ConfigError(`cannot read the stored keys in ${path}: ${describeFileError(error)}`, {
			hint: "move what is there elsewhere, or make it readable",
			cause: error,
		});
	}
	let content: string;
	try {
		const stats = fstatSync(descriptor);
		const mode = stats.mode & 0o777;
		if (stats.isFile() && process.platform !== "win32" && (mode & 0o077) !== 0)
			throw new ConfigError(`the stored keys in ${path} can be read by others (mode ${mode.toString(8)})`, {
				hint: `run: chmod 600 ${path}, and replace the keys if others may have seen them`,
			});
		content = readFileSync(descriptor, "utf8");
	} catch (error) {
		if (error instanceof ConfigError) throw error;
		throw new ConfigError(`cannot read the stored keys in ${path}: ${describeFileError(error)}`, {
			hint: "move what is there elsewhere, or make it readable",
			cause: error,
		});
	} finally {
		closeSync(descriptor);
	}
	let value: unknown;
	try {
		value = JSON.parse(content);
	} catch {
		value = undefined;
	}
	if (!isStoredKeys(value))
		throw new ConfigError(`the stored keys in ${path} are damaged`, {
			hint: "delete the file and store the keys again with: llmx keys set PROVIDER",
		});
	return value;
}

function isStoredKeys(value: unknown): value is StoredKeys {
	if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
	return Object.values(value).every(
		(keys) => Array.isArray(keys) && keys.length > 0 && keys.every((key) => typeof key === "string"),
	);
}

/**
 * Stores a provider's key, or several separated by commas or line breaks, in place of what was stored. Throws
 * UsageError for something that cannot be a key.
 */
export function storeKey(path: string, provider: string, key: string): void {
	const parts = key.split(/[,\n]/).map((part) => part.trim());
	const keys = [...new Set(parts.filter((part) => part !== ""))];
	if (keys.length === 0) throw new UsageError("the key is empty");
	for (const one of keys) {
		if (!/^[\x21-\x7e]+$/.test(one))
			throw new UsageError("the key contains spaces or characters that a key cannot have", {
				hint: "copy it again, without quotes and line breaks",
			});
	}
	writeKeys(path, { ...readStoredKeys(path), [provider]: keys });
}

/** Removes a provider's stored key; returns false when there was none. */
export function removeKey(path: string, provider: string): boolean {
	const { [provider]: removed, ...rest } = readStoredKeys(path);
	if (removed === undefined) return false;
	writeKeys(path, rest);
	return true;
}

/** What may be shown of a key: its last four characters, or nothing of a short one. */
export function maskKey(key: string): string {
	return key.length >= 12 ? `…${key.slice(-4)}` : "…";
}

function writeKeys(path: string, keys: StoredKeys): void {
	replaceFile(path, `${JSON.stringify(keys, null, "\t")}\n`);
}
