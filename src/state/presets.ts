import { UsageError } from "../errors.ts";
import type { Parameters } from "../types.ts";
import type { Config } from "./config.ts";
import { didYouMean } from "./nearest.ts";

/** The model string that a name of the config stands for; any other string is its own. */
export function resolveAlias(model: string, config: Pick<Config, "aliases">): string {
	let name = model;
	// loadConfig refuses aliases that lead in a circle.
	while (Object.hasOwn(config.aliases, name)) name = config.aliases[name] as string;
	return name;
}

/** The config's parameters for a model: those of the model itself, and over them those of the alias it was named by. */
export function parametersFor(model: string, config: Pick<Config, "aliases" | "models">): Parameters {
	const of = (name: string) => (Object.hasOwn(config.models, name) ? config.models[name] : {});
	return { ...of(resolveAlias(model, config)), ...of(model) };
}

/** A preset filled in with an input. */
export interface FilledPreset {
	readonly system: string | undefined;
	readonly prompt: string;
	/** The model or alias that the preset names. */
	readonly model: string | undefined;
	readonly parameters: Parameters;
}

/**
 * Fills a preset: `{{input}}` is what the user asks, `{{name}}` a variable, given here or in the preset. A preset
 * without a prompt of its own sends the input as it is; one whose prompt does not say where the input goes gets it at
 * its end. Without an input (null: a chat, whose questions come later) only the rest is filled in. Throws UsageError for
 * an unknown preset, a variable without a value, or an empty input where the preset needs one.
 */
export function fillPreset(
	config: Pick<Config, "presets">,
	name: string,
	input: string | null,
	variables: Readonly<Record<string, string>> = {},
): FilledPreset {
	const preset = Object.hasOwn(config.presets, name) ? config.presets[name] : undefined;
	if (preset === undefined) {
		const known = Object.keys(config.presets);
		const list =
			known.length === 0
				? "the config has no presets: see llmx config --help"
				: `presets: ${known.join(", ")}`;
		throw new UsageError(`there is no preset "${name}"`, { hint: didYouMean(name, known) ?? list });
	}
	const values = { ...preset.variables, ...variables, ...(input !== null && { input }) };
	const fill = (text: string) => fillTemplate(text, values, `preset "${name}"`);
	let prompt = input ?? "";
	if (preset.prompt !== undefined && input !== null) {
		const takesInput = variablesOf(preset.prompt).includes("input");
		if (takesInput && input === "") throw new UsageError(`the preset "${name}" needs an input`);
		prompt = fill(preset.prompt);
		if (!takesInput && input !== "") prompt += `\n\n${input}`;
	}
	return {
		system: preset.system === undefined ? undefined : fill(preset.system),
		prompt,
		model: preset.model,
		parameters: preset.parameters,
	};
}

const PLACEHOLDER = /\{\{\s*([A-Za-z_][\w.-]*)\s*\}\}/g;

/** The names in a text's `{{name}}`s, each once. */
function variablesOf(text: string): string[] {
	return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name]) => name as string))];
}

/** Replaces `{{name}}`s by their values, which are taken as they are. Throws UsageError for one without a value. */
function fillTemplate(text: string, values: Readonly<Record<string, string>>, where: string): string {
	return text.replace(PLACEHOLDER, (_, name: string) => {
		if (Object.hasOwn(values, name)) return values[name] as string;
		throw new UsageError(`the ${where} needs a value for {{${name}}}`, {
			hint: `give one with: --var ${name}=VALUE`,
		});
	});
}
