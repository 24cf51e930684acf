import { type Command, InvalidArgumentError } from "commander";
import { UsageError } from "../../errors.ts";
import { allPrices, findPrice, listModels, type Price } from "../../index.ts";
import { nearestNames } from "../../state/nearest.ts";
import { formatTokens, formatUsd } from "../../terminal/formats.ts";
import { escapeJson, sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { parseNumber } from "../parameter-options.ts";
import { type ProviderState, providerStates } from "../provider-state.ts";
import { renderTextTable } from "../text-table.ts";

interface ModelsFlags {
	readonly provider?: string;
	readonly maxPrice?: number;
	readonly minContext?: number;
	readonly keyed?: boolean;
	readonly live?: boolean;
	readonly json?: boolean;
}

/** A model as it is shown: prices in USD per million tokens, null where unknown. */
interface ModelRow {
	readonly model: string;
	readonly state: ProviderState;
	readonly price: Price | null;
	readonly contextWindow: number | null;
}

const examples = `
Prices are in USD per million tokens, as of today, for requests of ordinary length.

Examples:
  llmx models llama
  llmx models --provider sambanova
  llmx models gpt --max-price 1 --min-context 200k
  llmx models --live groq                 ask the provider what it serves now`;

/** Adds the options and the action of `models`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Models with their prices and context windows, and whether a key is there.")
		.argument("[query...]", "words that the model's name contains")
		.option("--provider <provider>", "only this provider's")
		.option("--max-price <usd>", "input costs at the most this per million tokens", parseNumber)
		.option("--min-context <tokens>", "takes at least this many tokens (200k, 1M)", parseSize)
		.option("--keyed", "only of providers that can be used now")
		.option("--live", "ask the provider instead of the price table")
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
	const states = providerStates(io);
	// After --live the first word may name the provider: it has to be named, and there is nothing else to search.
	const [word = "", ...rest] = query;
	const named = flags.provider ?? (flags.live ? word : undefined);
	if (named === "") {
		throw new UsageError("--live asks one provider", { hint: "say which: llmx models --live sambanova" });
	}
	const chosen = named === undefined ? states : [findState(named, states)];
	const all = flags.live ? await liveModels(chosen[0] as ProviderState, context) : pricedModels(chosen);
	const words = (named === word ? rest : query).map((text) => text.toLowerCase());
	const rows = all.filter(
		({ model, state, price, contextWindow }) =>
			words.every((word) => model.toLowerCase().includes(word)) &&
			(flags.maxPrice === undefined || (price !== null && price.input <= flags.maxPrice)) &&
			(flags.minContext === undefined || (contextWindow ?? 0) >= flags.minContext) &&
			(!flags.keyed || isUsable(state)),
	);
	if (flags.json) io.stdout.write(`${escapeJson(JSON.stringify(rows.map(toJson)))}\n`);
	else if (rows.length > 0) printTable(rows, context);
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
	throw new UsageError(`there is no provider "${name.slice(0, 100)}"`, {
		hint: near
			? `did you mean ${near}?`
			: `providers: ${states.map(({ provider }) => provider.id).join(", ")}`,
	});
}

const isUsable = ({ provider, keys, problem }: ProviderState) =>
	problem === null && (keys.length > 0 || !provider.keyRequired);

/** The models of the price table whose price holds today. */
function pricedModels(states: readonly ProviderState[]): ModelRow[] {
	const byProvider = new Map(states.map((state) => [state.provider.id, state]));
	const today = new Date().toISOString().slice(0, 10);
	const rows: ModelRow[] = [];
	for (const price of allPrices()) {
		const state = byProvider.get(price.provider);
		if (state === undefined || price.aboveInputTokens > 0) continue;
		if ((price.effectiveFrom ?? "") > today || (price.effectiveTo ?? today) < today) continue;
		rows.push({ model: nameOf(state, price.model), state, price, contextWindow: price.contextWindow });
	}
	return rows;
}

async function liveModels(state: ProviderState, { io }: CommandContext): Promise<ModelRow[]> {
	const interrupt = createInterrupt(io);
	try {
		const models = await listModels(state.provider.prefixes[0] as string, {
			env: io.env,
			signal: interrupt.signal,
		});
		return models.map(({ id, contextWindow }) => {
			const price = findPrice(state.provider.id, id);
			return {
				model: nameOf(state, id),
				state,
				price,
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

function toJson({ model, state, price, contextWindow }: ModelRow) {
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
	};
}

function printTable(rows: readonly ModelRow[], { io }: CommandContext): void {
	// A server of the user's own charges nothing, and that is known without a table.
	const usd = (state: ProviderState, value: number | undefined) =>
		formatUsd(state.provider.local ? 0 : (value ?? null));
	const cells = rows.map(({ model, state, price, contextWindow }) => [
		sanitizeLine(model),
		usd(state, price?.input),
		usd(state, price?.output),
		price === null || price.cachedInput === null ? "" : formatUsd(price.cachedInput),
		contextWindow === null ? "" : formatTokens(contextWindow),
		isUsable(state) ? "yes" : "",
	]);
	const columns = [
		{ title: "model", flexible: true },
		{ title: "in", align: "right" },
		{ title: "out", align: "right" },
		{ title: "cached", align: "right" },
		{ title: "context", align: "right" },
		{ title: "key" },
	] as const;
	const width = io.stdout.isTTY ? io.stdout.columns : undefined;
	io.stdout.write(renderTextTable(columns, cells, { width, colors: colorsFor(io, "stdout") }));
}

/** `200000`, `200k` or `1M`. */
function parseSize(text: string): number {
	const match = /^(\d+(?:\.\d+)?)\s*([km]?)$/i.exec(text.trim());
	if (match === null) throw new InvalidArgumentError("It must be a number of tokens such as 200k.");
	return Number(match[1]) * ({ k: 1_000, m: 1_000_000 }[(match[2] ?? "").toLowerCase()] ?? 1);
}
