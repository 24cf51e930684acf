import { type ParameterKey, parameterKeys, rowOf } from "./table.ts";

/** A parameter that a name stands for. */
export interface NamedParameter {
	readonly key: ParameterKey;
	/**
	 * It can mean nothing else: the name itself, or one of several words written in another way (`maxTokens`, `top-p`).
	 * Not `effort` or `Seed`, which a data set may well use for something of its own.
	 */
	readonly isCertain: boolean;
}

/** Case, dashes, underscores and spaces do not matter: `max-tokens`, `maxTokens` and `Max Tokens` are one name. */
export function plainName(name: string): string {
	return name.toLowerCase().replace(/[\s_-]+/g, "");
}

const exact = new Map<string, NamedParameter>();
const plain = new Map<string, NamedParameter>();
const lookalikes = new Map<string, ParameterKey>();
for (const key of parameterKeys) {
	const { name, alsoCalled, lookalikes: similar } = rowOf(key);
	exact.set(name, { key, isCertain: true });
	plain.set(plainName(name), { key, isCertain: name.includes("_") });
	for (const other of alsoCalled) plain.set(plainName(other), { key, isCertain: false });
	for (const other of similar) lookalikes.set(plainName(other), key);
}

/** Whether a name is exactly the one that files use for a parameter. */
export function isOwnName(name: string): boolean {
	return exact.has(name);
}

/** The parameter that a name stands for, however it is written; undefined for any other name. */
export function findParameter(name: string): NamedParameter | undefined {
	const found = exact.get(name);
	if (found !== undefined) return found;
	// No name is nearly as long, and a field's may be anything.
	return name.length > 40 ? undefined : plain.get(plainName(name));
}

/** The parameter that a name may have been meant for; undefined for any other name. */
export function findLookalike(name: string): ParameterKey | undefined {
	return name.length > 40 ? undefined : lookalikes.get(plainName(name));
}

/** The parameter that a name is one typing error away from. Short names are near too many words to be meant. */
export function findMisspelt(name: string): ParameterKey | undefined {
	if (name.length > 40) return undefined;
	const wanted = plainName(name);
	for (const [spelling, { key }] of plain)
		if (spelling.length >= 6 && isOneErrorApart(wanted, spelling)) return key;
	return undefined;
}

/** One letter too many, too few or wrong, or two neighbours swapped. */
function isOneErrorApart(one: string, other: string): boolean {
	if (Math.abs(one.length - other.length) > 1) return false;
	let start = 0;
	while (start < one.length && one[start] === other[start]) start += 1;
	let [end, otherEnd] = [one.length, other.length];
	while (end > start && otherEnd > start && one[end - 1] === other[otherEnd - 1]) {
		end -= 1;
		otherEnd -= 1;
	}
	const [left, right] = [one.slice(start, end), other.slice(start, otherEnd)];
	if (left.length <= 1 && right.length <= 1) return left !== right;
	return left.length === 2 && right.length === 2 && left[0] === right[1] && left[1] === right[0];
}
