/** `/set key value`: names and values of parameters as a person types them. */

import { UsageError } from "../errors.ts";
import { findLookalike, findParameter } from "../parameters/names.ts";
import { type Parameters, parameterKeys, parameterNames, rowOf } from "../parameters/table.ts";
import { refusal } from "../parameters/values.ts";
import { didYouMean } from "../state/nearest.ts";

/** What `/set` completes. */
export const settingNames: readonly string[] = parameterNames;

/**
 * The parameters with one of them changed, or removed when `value` is empty; `extra.NAME` sets a raw field of the
 * provider.
 * @throws UsageError for an unknown name, and for a value that the parameter cannot have
 */
export function changeSetting(parameters: Parameters, name: string, value: string): Parameters {
	const raw = /^extra\.(.+)$/.exec(name)?.[1];
	if (raw !== undefined) {
		const { [raw]: _, ...rest } = parameters.extra ?? {};
		return { ...parameters, extra: value === "" ? rest : { ...rest, [raw]: parseJson(value) } };
	}
	const key = findParameter(name)?.key;
	if (key === undefined) {
		const similar = findLookalike(name);
		const hint = similar ? `did you mean "${rowOf(similar).name}"?` : didYouMean(name, settingNames);
		throw new UsageError(`there is no parameter "${name}"`, {
			hint: hint ?? `there are: ${settingNames.join(", ")}, and extra.NAME`,
		});
	}
	const { [key]: _, ...rest } = parameters;
	if (value === "") return rest;
	const { name: known, accepts } = rowOf(key);
	const read = accepts.read(value);
	if (read === null) throw new UsageError(refusal(known, accepts, value));
	return read === undefined ? rest : { ...rest, [key]: read };
}

/** The parameters that are set, one a line; empty when there are none. */
export function describeSettings(parameters: Parameters): string {
	const lines = parameterKeys.flatMap((key) => {
		const value = parameters[key];
		return value === undefined ? [] : [`${rowOf(key).name} = ${describeSetting(value)}`];
	});
	for (const [name, value] of Object.entries(parameters.extra ?? {}))
		lines.push(`extra.${name} = ${JSON.stringify(value)}`);
	return lines.join("\n");
}

function describeSetting(value: NonNullable<Parameters[keyof Parameters]>): string {
	if (Array.isArray(value)) return value.join(", ");
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function parseJson(value: string): unknown {
	try {
		return JSON.parse(value);
	} catch {
		return value;
	}
}
