import { UsageError } from "../errors.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Config } from "../state/config.ts";
import { didYouMean } from "../state/nearest.ts";
import { compileTemplate, MissingVariableError, type Template, type TemplateValues } from "./template.ts";

/** A preset filled in with an input. */
export interface FilledPreset {
	readonly system: string | undefined;
	readonly prompt: string;
}

/** A preset of the config, ready to be filled in many times. */
export interface CompiledPreset {
	/** The model or alias that the preset names. */
	readonly model: string | undefined;
	readonly parameters: Parameters;
	/** The variables of its texts, each once. */
	readonly names: readonly string[];
	/**
	 * Fills it in: `{{input}}` is what the user asks, `{{name}}` a variable, given here or in the preset. A preset
	 * without a prompt of its own sends the input as it is; one whose prompt does not say where the input goes gets it at
	 * its end. Without an input (null: a chat, whose questions come later) only the system prompt is filled in.
	 * @throws UsageError for a variable without a value, or an empty input where the preset needs one
	 */
	fill(input: string | null, variables?: TemplateValues): FilledPreset;
}

/** @throws UsageError for an unknown preset, or one whose text is not a template */
export function compilePreset(config: Pick<Config, "presets">, name: string): CompiledPreset {
	const preset = Object.hasOwn(config.presets, name) ? config.presets[name] : undefined;
	if (preset === undefined) {
		const known = Object.keys(config.presets);
		const list =
			known.length === 0
				? "the config has no presets: see llmx config --help"
				: `presets: ${known.join(", ")}`;
		throw new UsageError(`no preset named "${name}"`, { hint: didYouMean(name, known) ?? list });
	}
	const what = `the preset "${name}"`;
	const system = preset.system === undefined ? undefined : compileTemplate(preset.system, what);
	const prompt = preset.prompt === undefined ? undefined : compileTemplate(preset.prompt, what);
	const takesInput = prompt?.names.includes("input") ?? false;
	const textOf = (input: string, values: TemplateValues) => {
		if (prompt === undefined) return input;
		if (takesInput && input === "") throw new UsageError(`${what} needs an input`);
		const text = fillIn(prompt, values);
		return takesInput || input === "" ? text : `${text}\n\n${input}`;
	};
	return {
		model: preset.model,
		parameters: preset.parameters,
		names: [...new Set([...(system?.names ?? []), ...(prompt?.names ?? [])])],
		fill(input, variables = {}) {
			const values = { ...preset.variables, ...givenOf(variables), ...(input !== null && { input }) };
			return {
				system: system && fillIn(system, values),
				prompt: input === null ? "" : textOf(input, values),
			};
		},
	};
}

function fillIn(template: Template, values: TemplateValues): string {
	try {
		return template.fill(values);
	} catch (error) {
		if (!(error instanceof MissingVariableError)) throw error;
		throw new UsageError(error.message, { hint: `give one with: --var ${error.variable}=VALUE` });
	}
}

/** A field that a row leaves empty does not hide the preset's own value. */
function givenOf(variables: TemplateValues): TemplateValues {
	return Object.fromEntries(
		Object.entries(variables).filter(([, value]) => value !== null && value !== undefined),
	);
}
