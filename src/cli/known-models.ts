import type { KnownModel } from "../chat/host.ts";
import { allPrices } from "../index.ts";
import type { Settings } from "../models/settings.ts";
import { providerStates } from "./provider-state.ts";

const simulated = ["sim/echo", "sim/markdown", "sim/slow"];

/**
 * The models with a price, as a user would write them: aliases first, then those that can be used now, the simulator's
 * behind them, then the rest. The newest of a provider come first, and what is to be retired last.
 */
export function listKnownModels(settings: Settings): KnownModel[] {
	const states = new Map(providerStates(settings).map((state) => [state.provider.id, state]));
	const priced = new Map<string, KnownModel & { readonly provider: string }>();
	for (const price of allPrices()) {
		const state = states.get(price.provider);
		if (state === undefined || price.aboveInputTokens > 0) continue;
		if ((price.effectiveFrom ?? "") > today() || (price.effectiveTo ?? today()) < today()) continue;
		const { provider, keys, problem } = state;
		const { model, input, output, contextWindow, retired } = price;
		const name = provider.bareNames?.test(model) ? model : `${provider.prefixes[0]}/${model}`;
		const isUsable = problem === null && (keys.length > 0 || !provider.keyRequired);
		const facts = { name, inputPrice: input, outputPrice: output, contextWindow, isUsable, retired };
		priced.set(name, { ...facts, provider: provider.id });
	}
	const unknown = { inputPrice: null, outputPrice: null, contextWindow: null, isUsable: true, retired: null };
	const aliases = Object.entries(settings.config.aliases).map(
		([name, model]): KnownModel => ({ ...(priced.get(model) ?? unknown), name }),
	);
	const all = [...priced.values()].map((model) => ({ ...model, stage: stageOf(model) }));
	const wanted = [...Map.groupBy(all, ({ provider }) => provider).values()]
		.flatMap((models) => models.toSorted((a, b) => compareVersions(versionOf(b.name), versionOf(a.name))))
		.toSorted((a, b) => a.stage - b.stage);
	const models = [
		...aliases,
		...wanted.filter(({ isUsable }) => isUsable),
		...simulated.map((name): KnownModel => ({ ...unknown, name })),
		...wanted.filter(({ isUsable }) => !isUsable),
	];
	return [...new Map(models.toReversed().map((model) => [model.name, model])).values()].toReversed();
}

const today = () => new Date().toISOString().slice(0, 10);

/** 0 for a model that stays, 1 for one that will be retired, 2 for one that is. */
function stageOf({ retired }: KnownModel): number {
	if (retired === null) return 0;
	return retired > today() ? 1 : 2;
}

/** A day or month in a name, as `2025-08-28`, `0314` or `09-2025`. */
const date = /\d{4}-\d{2}(?:-\d{2})?|\d{2}-\d{4}|\d{3,}/g;
/** The first number that is neither a size (`70b`, `8x7b`) nor a length (`16k`), with the one behind it. */
const version = /(?<![\dx])(\d{1,2})(?![\dbkx])(?:[.-](\d{1,2})(?![\dbkx]))?/;

/** The version in a model's name, as `[4, 5]`; zeros when there is none. */
function versionOf(name: string): readonly [major: number, minor: number] {
	const own = name.slice(name.lastIndexOf("/") + 1).toLowerCase();
	const [, major = 0, minor = 0] = version.exec(own.replace(date, "")) ?? [];
	return [Number(major), Number(minor)];
}

function compareVersions(a: ReturnType<typeof versionOf>, b: ReturnType<typeof versionOf>): number {
	return a[0] - b[0] || a[1] - b[1];
}
