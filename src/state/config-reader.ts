/** The small checks that config.ts is made of. */
import { refusal } from "../parameters/values.ts";
import type { JsonPath } from "./json-lines.ts";
import { didYouMean } from "./nearest.ts";

/** A value of the config is wrong; `path` says which. */
export class ConfigProblem extends Error {
	readonly path: JsonPath;
	readonly hint: string | undefined;

	constructor(path: JsonPath, message: string, hint?: string) {
		super(message);
		this.path = path;
		this.hint = hint;
	}
}

/** Checks a value of the config and gives it its type; throws ConfigProblem. */
export type Reader<T> = (value: unknown, path: JsonPath) => T;

export const optional =
	<T>(read: Reader<T>): Reader<T | undefined> =>
	(value, path) =>
		value === undefined ? undefined : read(value, path);

export const text: Reader<string> = (value, path) => {
	if (typeof value !== "string" || value === "") throw wrong(path, "a non-empty string", value);
	return value;
};

export const flag: Reader<boolean> = (value, path) => {
	if (typeof value !== "boolean") throw wrong(path, "true or false", value);
	return value;
};

export const number =
	(lowest: number, whole = false): Reader<number> =>
	(value, path) => {
		const kind = `${whole ? "a whole number" : "a number"}${lowest > -Infinity ? ` of at least ${lowest}` : ""}`;
		if (typeof value !== "number" || value < lowest || (whole && !Number.isInteger(value)))
			throw wrong(path, kind, value);
		return value;
	};

export const oneOf =
	<T extends string>(known: readonly T[]): Reader<T> =>
	(value, path) => {
		const found = known.find((candidate) => candidate === value);
		if (found === undefined) throw wrong(path, `one of ${known.join(", ")}`, value);
		return found;
	};

export const listOf =
	<T>(read: Reader<T>): Reader<readonly T[]> =>
	(value, path) => {
		if (!Array.isArray(value)) throw wrong(path, "a list", value);
		return value.map((item, index) => read(item, [...path, index]));
	};

/** A list that is not empty. */
export const someOf =
	<T>(read: Reader<T>): Reader<readonly T[]> =>
	(value, path) => {
		const list = listOf(read)(value, path);
		if (list.length === 0) throw wrong(path, "a list with one item at least", value);
		return list;
	};

export const webAddress: Reader<string> = (value, path) => {
	const address = text(value, path);
	if (!/^https?:\/\/[^\s/]+/.test(address) || !URL.canParse(address))
		throw wrong(path, "an http(s) URL", value);
	return address.replace(/\/+$/, "");
};

/** It may hold a password, and is not repeated. */
export const redisAddress: Reader<string> = (value, path) => {
	const address = text(value, path);
	if (!/^rediss?:\/\/\S+$/i.test(address) || !URL.canParse(address))
		throw new ConfigProblem(path, "must be a redis:// or rediss:// URL");
	return address;
};

export function plainObject(value: unknown, path: JsonPath): Record<string, unknown> {
	if (typeof value !== "object" || value === null || Array.isArray(value))
		throw wrong(path, "an object", value);
	return value as Record<string, unknown>;
}

/** An object with these fields and no others. */
export function fieldsOf<Names extends string>(value: unknown, path: JsonPath, names: readonly Names[]) {
	const object = plainObject(value, path);
	for (const name of Object.keys(object)) {
		if ((names as readonly string[]).includes(name)) continue;
		throw unknownField(path, name, names);
	}
	return object as Partial<Record<Names, unknown>>;
}

export function recordOf<T>(value: unknown, path: JsonPath, read: Reader<T>): Readonly<Record<string, T>> {
	if (value === undefined) return {};
	const entries = Object.entries(plainObject(value, path));
	return Object.fromEntries(entries.map(([name, item]) => [name, read(item, [...path, name])]));
}

/** An object has a field that it cannot have; `meant` is the one that was probably meant, where that is known. */
export function unknownField(
	path: JsonPath,
	name: string,
	names: readonly string[],
	meant?: string,
): ConfigProblem {
	const where = path.length === 0 ? "the config" : `"${path.join(".")}"`;
	const hint = meant === undefined ? didYouMean(name, names) : `did you mean "${meant}"?`;
	return new ConfigProblem(
		[...path, name],
		`${where} has no field "${name}"`,
		hint ?? `it may have: ${names.join(", ")}`,
	);
}

/** The fields that were given. */
export function withoutUndefined(fields: object): object {
	return Object.fromEntries(Object.entries(fields).filter(([, given]) => given !== undefined));
}

export function wrong(path: JsonPath, wanted: string, value: unknown): ConfigProblem {
	const name = path.length === 0 ? "the config" : `"${path.join(".")}"`;
	return new ConfigProblem(path, refusal(name, { wanted }, value));
}
