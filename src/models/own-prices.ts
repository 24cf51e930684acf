import { UsageError } from "../errors.ts";
import type { ProviderRow } from "../providers/provider-row.ts";
import type { OwnPrice, OwnPrices } from "../types.ts";
import type { Price } from "./price-table.ts";

/** A model as its route has it. */
interface Named {
	/** The model string as the user gave it. */
	readonly model: string;
	readonly provider: Pick<ProviderRow, "id" | "prefixes" | "bareNames">;
	readonly modelId: string;
}

/**
 * The user's own rows for a model, the newest last: those under its model string or another way to write that, or else
 * those for all models of its provider (`corp/*`). Later sources win over earlier ones.
 * @throws UsageError for a figure that no price can be; the config's are checked when it is read
 */
export function ownPrices(named: Named, ...sources: readonly (OwnPrices | undefined)[]): readonly Price[] {
	for (const names of [namesOf(named), everyModelOf(named)]) {
		for (const source of sources.toReversed()) {
			const name = names.find((candidate) => source !== undefined && Object.hasOwn(source, candidate));
			const found = name === undefined ? undefined : source?.[name];
			if (name !== undefined && found !== undefined)
				return [found].flat().map((price) => rowOf(name, price as OwnPrice, named));
		}
	}
	return [];
}

function namesOf({ model, provider, modelId }: Named): string[] {
	const prefixes = [...provider.prefixes, provider.id];
	const bare = provider.bareNames?.test(modelId) ? [modelId] : [];
	return [model, ...prefixes.map((prefix) => `${prefix}/${modelId}`), ...bare];
}

function everyModelOf({ provider }: Named): string[] {
	return [...provider.prefixes, provider.id].map((prefix) => `${prefix}/*`);
}

function rowOf(name: string, own: OwnPrice, { provider, modelId }: Named): Price {
	const { input, output, cached, write, audio, context, maxOutput } = own;
	for (const [field, value] of Object.entries({ input, output, cached, write, audio, context, maxOutput })) {
		const isNeeded = field === "input" || field === "output";
		if (value === undefined ? isNeeded : !(value >= 0 && value < Infinity))
			throw new UsageError(`prices: "${name}" needs ${field} as a number of at least 0`);
	}
	return priceOf(own, { provider: provider.id, modelId });
}

/** The row of a price that is not in the table. */
export function priceOf(
	{ input, output, cached, write, audio, batch, from, context, maxOutput }: OwnPrice,
	{ provider, modelId }: { readonly provider: string; readonly modelId: string },
): Price {
	const jobs = typeof batch === "number" ? { input: input * batch, output: output * batch } : batch;
	return {
		provider,
		model: modelId,
		aliases: [],
		input,
		output,
		cachedInput: cached ?? null,
		// Whoever writes a price down knows of no surcharge where none is written.
		cacheWrite: write ?? input,
		cacheWriteHour: null,
		batchInput: jobs?.input ?? null,
		batchOutput: jobs?.output ?? null,
		audioInput: audio ?? null,
		audioOutput: null,
		imageOutput: null,
		priority: null,
		fast: null,
		perRequest: null,
		perSearch: null,
		contextWindow: context ?? null,
		maxOutput: maxOutput ?? null,
		aboveInputTokens: 0,
		effectiveFrom: from ?? null,
		effectiveTo: null,
		endpoint: null,
		retired: null,
		source: "your own",
		date: from ?? "",
	};
}
