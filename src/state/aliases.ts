import type { Parameters } from "../parameters/table.ts";
import type { Config } from "./config.ts";

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
