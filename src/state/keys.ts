import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { ConfigError, UsageError } from "../errors.ts";
import { replaceFile } from "./files.ts";
import type { Environment } from "./paths.ts";

/** Provider id to its stored key, or several keys parted by commas. */
export type StoredKeys = Readonly<Record<string, string>>;

export type KeySource =
	| { readonly kind: "environment"; readonly variable: string }
	| { readonly kind: "stored" };

export interface FoundKeys {
	readonly keys: readonly string[];
	readonly source: KeySource;
}

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
		throw new ConfigError(`cannot read the stored keys in ${path}: ${(error as Error).message}`, {
			cause: error,
		});
	}
	let content: string;
	try {
		const mode = fstatSync(descriptor).mode & 0o777;
		if (process.platform !== "win32" && (mode & 0o077) !== 0) {
			throw new ConfigError(`the stored keys in ${path} can be read by others (mode ${mode.toString(8)})`, {
				hint: `Run: chmod 600 ${path}, and replace the keys if others may have seen them.`,
			});
		}
		content = readFileSync(descriptor, "utf8");
	} finally {
		closeSync(descriptor);
	}
	let value: unknown;
	try {
		value = JSON.parse(content);
	} catch {
		value = undefined;
	}
	const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
	if (!isRecord || !Object.values(value as object).every((key) => typeof key === "string")) {
		throw new ConfigError(`the stored keys in ${path} are damaged`, {
			hint: "Delete the file and store the keys again with: llmx keys set PROVIDER",
		});
	}
	return value as StoredKeys;
}

/**
 * Stores a provider's key, or several parted by commas or line breaks, in place of what was stored. Throws
 * UsageError for something that cannot be a key.
 */
export function storeKey(path: string, provider: string, key: string): void {
	const keys = splitKeys(key.replaceAll("\n", ","));
	if (keys.length === 0) throw new UsageError("the key is empty");
	for (const one of keys) {
		if (!/^[\x21-\x7e]+$/.test(one)) {
			throw new UsageError("the key holds spaces or characters that no key has", {
				hint: "Copy it again, without quotes and line breaks.",
			});
		}
	}
	writeKeys(path, { ...readStoredKeys(path), [provider]: keys.join(",") });
}

/** Removes a provider's stored key; returns false when there was none. */
export function removeKey(path: string, provider: string): boolean {
	const { [provider]: removed, ...rest } = readStoredKeys(path);
	if (removed === undefined) return false;
	writeKeys(path, rest);
	return true;
}

/**
 * A provider's keys and where they come from: the first variable of `variables` that is set wins (a name ending in
 * `_KEYS` holds a comma list and goes before the others), then the stored key.
 */
export function findKeys(
	provider: string,
	variables: readonly string[],
	env: Environment,
	stored: () => StoredKeys,
): FoundKeys | undefined {
	const isList = (name: string) => name.endsWith("_KEYS");
	const ordered = [...variables.filter(isList), ...variables.filter((name) => !isList(name))];
	for (const variable of ordered) {
		const value = env[variable]?.trim();
		if (!value) continue;
		const keys = isList(variable) ? splitKeys(value) : [value];
		if (keys.length > 0) return { keys, source: { kind: "environment", variable } };
	}
	const all = stored();
	const value = Object.hasOwn(all, provider) ? all[provider] : undefined;
	return value === undefined ? undefined : { keys: splitKeys(value), source: { kind: "stored" } };
}

/** What may be shown of a key: its last four characters, or nothing of a short one. */
export function maskKey(key: string): string {
	return key.length >= 12 ? `…${key.slice(-4)}` : "…";
}

function splitKeys(value: string): string[] {
	const keys = value.split(",").map((key) => key.trim());
	return [...new Set(keys.filter((key) => key !== ""))];
}

function writeKeys(path: string, keys: StoredKeys): void {
	replaceFile(path, `${JSON.stringify(keys, null, "\t")}\n`);
}
