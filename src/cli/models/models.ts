import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../../errors.ts";
import { allPrices, findPrice, listModels } from "../../index.ts";
import { nearestNames } from "../../state/nearest.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { parseNumber } from "../parameter-options.ts";
import { type ProviderState, providerStates } from "../provider-state.ts";
import { isRetired, isUsable, type ModelRow, printTable } from "./table.ts";

interface ModelsFlags {
	readonly provider?: string;
	readonly maxPrice?: number;
	readonly minContext?: number;
	readonly keyed?: boolean;
	readonly live?: boolean;
	readonly long?: boolean;
	readonly json?: boolean;
}

const examples = `
Prices are today's, in USD per million tokens, for prompts of ordinary length.

Examples:
  llmx models llama
  llmx models --provider sambanova
  llmx models gpt --max-price 1 --min-context 200k
  llmx models --live groq                 ask the provider for its current models`;

/** Adds the options and the action of `models`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("List models with their prices and context windows, and whether you have a key.")
		.argument("[query...]", "words to find in the model's name")
		.option("--provider <provider>", "only models of this provider")
		.option("--max-price <usd>", "maximum input price per million tokens", parseNumber)
		.option("--min-context <tokens>", "minimum context window (200k, 1M)", parseSize)
		.option("--keyed", "only models that you can use now")
		.option("--live", "ask the provider instead of the price list")
		.option("--long", "also retired models, and prices of long requests, batch jobs, sound and cache writes")
		.option("--json", "print one JSON array")
		.addHelpText("after", examples)
		.action(async (query: string[], flags: ModelsFlags) => finish(await runModels(query, flags, context)));
}

async function runModels(
	query: readonly string[],
	flags: ModelsFlags,
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	const states = providerStates(context.settings);
	// After --live the first word may name the provider: it has to be named, and there is nothing else to search.
	const [word = "", ...rest] = query;
	const named = flags.provider ?? (flags.live ? word : undefined);
	if (named === "")
		throw new UsageError("--live needs a provider", { hint: "for example: llmx models --live sambanova" });
	const chosen = named === undefined ? states : [findState(named, states)];
	const all = flags.live ? await liveModels(chosen[0] as ProviderState, context) : pricedModels(chosen);
	const words = (named === word ? rest : query).map((text) => text.toLowerCase());
	const rows = all.filter(
		({ model, state, price, contextWindow }) =>
			words.every((word) => model.toLowerCase().includes(word)) &&
			(flags.maxPrice === undefined || (price !== null && price.input <= flags.maxPrice)) &&
			(flags.minContext === undefined || (contextWindow ?? 0) >= flags.minContext) &&
			(!flags.keyed || isUsable(state)) &&
			// What is out of service stays out of sight unless it is asked for.
			(flags.long || flags.json || !isRetired(price)),
	);
	if (flags.json) io.stdout.write(`${escapeJson(JSON.stringify(rows.map(toJson)))}\n`);
	else if (rows.length > 0) printTable(rows, context, flags.long ?? false);
	if (rows.length > 0) return 0;
	const near = nearestNames(query.join(" "), namesOf(all));
	const hint = near.length > 0 ? `\n  did you mean ${near.join(" or ")}?` : "";
	io.stderr.write(`llmx: no model matches${sanitizeLine(hint) && hint}\n`);
	return 1;
}

/** Names with and without their prefix, since people type both. */
function namesOf(rows: readonly ModelRow[]): string[] {
	return rows.flatMap(({ model }) => [model, model.slice(model.indexOf("/") + 1)]);
}

function findState(name: string, states: readonly ProviderState[]): ProviderState {
	const wanted = name.toLowerCase().replace(/\/$/, "");
	const found = states.find(({ provider: { id, prefixes } }) => id === wanted || prefixes.includes(wanted));
	if (found !== undefined) return found;
	const [near] = nearestNames(
		wanted,
		states.flatMap(({ provider: { id, prefixes } }) => [id, ...prefixes]),
	);
	throw new UsageError(`unknown provider "${name.slice(0, 100)}"`, {
		hint: near
			? `did you mean ${near}?`
			: `providers: ${states.map(({ provider }) => provider.id).join(", ")}`,
	});
}

/** The models of the price table whose price holds today. */
function pricedModels(states: readonly ProviderState[]): ModelRow[] {
	const byProvider = new Map(states.map((state) => [state.provider.id, state]));
	const today = new Date().toISOString().slice(0, 10);
	const inForce = allPrices().filter(
		({ effectiveFrom, effectiveTo }) => (effectiveFrom ?? "") <= today && (effectiveTo ?? today) >= today,
	);
	const tiers = Map.groupBy(
		inForce.filter(({ aboveInputTokens }) => aboveInputTokens > 0),
		({ provider, model }) => `${provider}/${model}`,
	);
	return inForce.flatMap((price) => {
		const state = byProvider.get(price.provider);
		if (state === undefined || price.aboveInputTokens > 0) return [];
		const { provider, model, contextWindow } = price;
		return [
			{
				model: nameOf(state, model),
				state,
				price,
				tiers: tiers.get(`${provider}/${model}`) ?? [],
				contextWindow,
			},
		];
	});
}

async function liveModels(state: ProviderState, { io, settings }: CommandContext): Promise<ModelRow[]> {
	const interrupt = createInterrupt(io);
	try {
		const prefix = state.provider.prefixes[0] as string;
		const models = await listModels(prefix, { signal: interrupt.signal }, settings);
		return models.map(({ id, contextWindow }) => {
			const price = findPrice(state.provider.id, id);
			return {
				model: nameOf(state, id),
				state,
				price,
				tiers: [],
				contextWindow: contextWindow ?? price?.contextWindow ?? null,
			};
		});
	} finally {
		interrupt.dispose();
	}
}

/** The model string that asks for a model: bare where the provider takes it so. */
function nameOf({ provider }: ProviderState, modelId: string): string {
	return provider.bareNames?.test(modelId) && !modelId.includes("/")
		? modelId
		: `${provider.prefixes[0]}/${modelId}`;
}

function toJson({ model, state, price, tiers, contextWindow }: ModelRow) {
	return {
		model,
		provider: state.provider.id,
		input: price?.input ?? null,
		output: price?.output ?? null,
		cached_input: price?.cachedInput ?? null,
		cache_write: price?.cacheWrite ?? null,
		batch_input: price?.batchInput ?? null,
		batch_output: price?.batchOutput ?? null,
		context_window: contextWindow,
		max_output: price?.maxOutput ?? null,
		key: isUsable(state),
		source: price?.source ?? null,
		date: price?.date ?? null,
		audio_input: price?.audioInput ?? null,
		audio_output: price?.audioOutput ?? null,
		per_request: price?.perRequest ?? null,
		per_search: price?.perSearch ?? null,
		effective_to: price?.effectiveTo ?? null,
		endpoint: price?.endpoint ?? null,
		retired: price?.retired ?? null,
		tiers: tiers.map(({ aboveInputTokens, input, output, cachedInput }) => ({
			above_input_tokens: aboveInputTokens,
			input,
			output,
			cached_input: cachedInput,
		})),
	};
}

/** `200000`, `200k` or `1M`. */
function parseSize(text: string): number {
	const match = /^(\d+(?:\.\d+)?)\s*([km]?)$/i.exec(text.trim());
	if (match === null) throw new InvalidArgumentError("It must be a number of tokens such as 200k.");
	return Number(match[1]) * ({ k: 1_000, m: 1_000_000 }[(match[2] ?? "").toLowerCase()] ?? 1);
}
