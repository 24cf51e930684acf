import { NoRouteError } from "../errors.ts";
import { route } from "../index.ts";
import type { Settings } from "../models/settings.ts";
import { resolveAlias } from "../state/aliases.ts";
import { nearestNames } from "../state/nearest.ts";

/**
 * The model that a name stands for: an alias's, or the name itself. A name without its provider is enough where one
 * provider that can be used has such a model.
 * @throws NoRouteError with the names that are near, when nobody serves it
 */
export async function resolveModelName(settings: Settings, name: string): Promise<string> {
	const model = resolveAlias(name, settings.config);
	const failure = routeFailure(settings, model);
	if (failure === undefined) return model;
	const { listKnownModels } = await import("./known-models.ts");
	const choices = listKnownModels(settings);
	const wanted = model.toLowerCase();
	const same = choices.filter((choice) => choice.name.toLowerCase().endsWith(`/${wanted}`));
	const usable = same.filter(({ isUsable }) => isUsable);
	const [only] = usable;
	if (only !== undefined && usable.length === 1) return only.name;
	const known = [...Object.keys(settings.config.aliases), ...choices.map((choice) => choice.name)];
	const near = same.length > 0 ? same.slice(0, 3).map((choice) => choice.name) : nearNames(wanted, known);
	if (near.length === 0) throw failure;
	throw new NoRouteError(failure.message, { hint: `did you mean ${near.join(" or ")}?` });
}

/** Why nobody serves a model; undefined when somebody does, or when that will be said better later. */
function routeFailure({ env, providers }: Settings, model: string): NoRouteError | undefined {
	try {
		route(model, { env, providers });
		return undefined;
	} catch (error) {
		return error instanceof NoRouteError ? error : undefined;
	}
}

/** The names that are near with their provider or without it. */
function nearNames(wanted: string, known: readonly string[]): string[] {
	const direct = nearestNames(wanted, known);
	if (direct.length > 0) return direct;
	const bare = new Map(known.map((name) => [name.slice(name.lastIndexOf("/") + 1), name]));
	return nearestNames(wanted, bare.keys()).map((name) => bare.get(name) ?? name);
}
