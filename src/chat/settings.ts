/** `/set key value`: names and values of parameters as a person types them. */

import { UsageError } from "../errors.ts";
import { didYouMean } from "../state/nearest.ts";
import { type Parameters, reasoningEfforts } from "../types.ts";

type Key = Exclude<keyof Parameters, "extra" | "responseFormat">;

interface Setting {
	readonly key: Key;
	read(value: string): number | string | readonly string[] | undefined;
}

const number = (value: string) =>
	value.trim() !== "" && Number.isFinite(Number(value)) ? Number(value) : undefined;
const count = (value: string) => (/^\d+$/.test(value) ? Number(value) : undefined);

const settings: Readonly<Record<string, Setting>> = {
	temperature: { key: "temperature", read: number },
	max_tokens: { key: "maxTokens", read: count },
	top_p: { key: "topP", read: number },
	top_k: { key: "topK", read: count },
	stop: { key: "stop", read: (value) => [value] },
	seed: { key: "seed", read: (value) => (/^-?\d+$/.test(value) ? Number(value) : undefined) },
	presence_penalty: { key: "presencePenalty", read: number },
	frequency_penalty: { key: "frequencyPenalty", read: number },
	effort: {
		key: "reasoningEffort",
		read: (value) => reasoningEfforts.find((effort) => effort === value),
	},
	thinking_budget: { key: "thinkingBudget", read: count },
};

export const settingNames: readonly string[] = Object.keys(settings);

/**
 * The parameters with one of them changed, or removed when `value` is empty. A key with a dot or a value in JSON
 * braces is no name of ours and is refused, like any unknown key: `extra.NAME` sets a raw field of the provider.
 */
export function changeSetting(parameters: Parameters, name: string, value: string): Parameters {
	const raw = /^extra\.(.+)$/.exec(name)?.[1];
	if (raw !== undefined) {
		const { [raw]: _, ...rest } = parameters.extra ?? {};
		return { ...parameters, extra: value === "" ? rest : { ...rest, [raw]: parseJson(value) } };
	}
	const setting = Object.hasOwn(settings, name) ? settings[name] : undefined;
	if (setting === undefined) {
		throw new UsageError(`there is no parameter "${name}"`, {
			hint: didYouMean(name, settingNames) ?? `there are: ${settingNames.join(", ")}, and extra.NAME`,
		});
	}
	const { [setting.key]: _, ...rest } = parameters;
	if (value === "") return rest;
	const read = setting.read(value);
	if (read === undefined) {
		throw new UsageError(`"${value}" is no value for ${name}`, {
			hint: name === "effort" ? `one of: ${reasoningEfforts.join(", ")}` : "it takes a number",
		});
	}
	return { ...rest, [setting.key]: read };
}

/** The parameters that are set, one a line; empty when there are none. */
export function describeSettings(parameters: Parameters): string {
	const lines = Object.entries(settings).flatMap(([name, { key }]) => {
		const value = parameters[key];
		return value === undefined
			? []
			: [`${name} = ${Array.isArray(value) ? value.join(", ") : String(value)}`];
	});
	for (const [name, value] of Object.entries(parameters.extra ?? {})) {
		lines.push(`extra.${name} = ${JSON.stringify(value)}`);
	}
	if (parameters.responseFormat) lines.push(`answers are ${parameters.responseFormat.type}`);
	return lines.join("\n");
}

function parseJson(value: string): unknown {
	try {
		return JSON.parse(value);
	} catch {
		return value;
	}
}
