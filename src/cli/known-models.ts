import type { KnownModel } from "../chat/host.ts";
import { allPrices } from "../index.ts";
import type { Settings } from "../models/settings.ts";
import { providerStates } from "./provider-state.ts";

const simulated = ["sim/echo", "sim/markdown", "sim/slow"];

/** The models with a price, as a user would write them; those that can be used now come first. */
export function listKnownModels(settings: Settings): KnownModel[] {
	const states = new Map(providerStates(settings).map((state) => [state.provider.id, state]));
	const today = new Date().toISOString().slice(0, 10);
	const choices = new Map<string, KnownModel>();
	for (const price of allPrices()) {
		const state = states.get(price.provider);
		if (state === undefined || price.aboveInputTokens > 0) continue;
		if ((price.effectiveFrom ?? "") > today || (price.effectiveTo ?? today) < today) continue;
		const { provider, keys, problem } = state;
		const { model, input, output, contextWindow } = price;
		const name = provider.bareNames?.test(model) ? model : `${provider.prefixes[0]}/${model}`;
		const isUsable = problem === null && (keys.length > 0 || !provider.keyRequired);
		choices.set(name, { name, inputPrice: input, outputPrice: output, contextWindow, isUsable });
	}
	const unknown = { inputPrice: null, outputPrice: null, contextWindow: null };
	for (const alias of Object.keys(settings.config.aliases)) {
		const target = choices.get(settings.config.aliases[alias] ?? "");
		choices.set(alias, { ...(target ?? { ...unknown, isUsable: true }), name: alias });
	}
	for (const name of simulated) choices.set(name, { ...unknown, name, isUsable: true });
	const all = [...choices.values()];
	return [...all.filter(({ isUsable }) => isUsable), ...all.filter(({ isUsable }) => !isUsable)];
}
