/**
 * Reads the second source of prices.csv, LiteLLM's table as scripts/price-snapshots.py keeps it. It says how long answers
 * can get, when models end, and what newer models cost; the first source knows prices over time.
 */
import { readFileSync } from "node:fs";
import { type Price, parsePrices, priceColumns } from "../src/models/price-table.ts";
import { possibleNames } from "../src/models/pricing.ts";
import { isLeftOut, isName, otherKinds, threshold } from "./price-sources.ts";

/**
 * What it lists and nobody sends: everything that anybody ever put on Fireworks, models tuned by a customer, Together's
 * classes of size, and passing names of xAI's trials.
 */
const noNames =
	/^fireworks\/|^openai\/ft:|^together\/together-ai-|^gemini\/gemini-(?:gemma|exp)|^xai\/.*(?:experimental|-gv2|-beta)/;

let kept: ReadonlyMap<string, readonly Price[]> | undefined;

/** The rows by `provider/model` in lower case. */
function byName(): ReadonlyMap<string, readonly Price[]> {
	if (kept !== undefined) return kept;
	const text = readFileSync(new URL("./litellm-prices.csv", import.meta.url), "utf8");
	const [head = "", ...lines] = text.trim().split("\n");
	const columns = head.split(",");
	const rows = lines.map((line) => {
		const cells = line.split(",");
		return priceColumns.map((column) => cells[columns.indexOf(column)] ?? "").join();
	});
	const models = new Map<string, Price[]>();
	// Some models are there with and without their provider before the name.
	for (const row of parsePrices([priceColumns.join(), ...new Set(rows)].join("\n"))) {
		const name = `${row.provider}/${row.model}`.toLowerCase();
		const price = {
			...row,
			// It writes 0 where there is no price of its own.
			cacheWrite: row.cacheWrite || null,
			cachedInput: row.cachedInput || null,
			aboveInputTokens: threshold(row.provider, row.aboveInputTokens),
		};
		models.set(name, [...(models.get(name) ?? []), price]);
	}
	kept = models;
	return models;
}

/** What it says of a model under its name, or one that the model goes by as well. */
function rowsLike({ provider, model, aliases }: Price): readonly Price[] | undefined {
	for (const name of [model, ...aliases].flatMap((spelling) => [...possibleNames(spelling)])) {
		const rows = byName().get(`${provider}/${name}`);
		if (rows !== undefined) return rows;
	}
	return undefined;
}

/** Rows of the models that no row of the first source stands for. */
export function furtherRows(prices: readonly Price[]): Price[] {
	const known = new Set(
		prices.flatMap(({ provider, model, aliases }) =>
			[model, ...aliases].map((name) => `${provider}/${name}`.toLowerCase()),
		),
	);
	const isKnown = ({ provider, model }: Price) =>
		[...possibleNames(model)].some((name) => known.has(`${provider}/${name}`));
	return [...byName().values()]
		.flat()
		.filter(
			(price) =>
				!noNames.test(`${price.provider}/${price.model}`) &&
				isName(price.provider, price.model) &&
				!otherKinds.test(price.model) &&
				!isLeftOut(price.provider, price.model) &&
				price.input > 0 &&
				price.output > 0 &&
				!isKnown(price),
		);
}

/** A row with what the first source does not say. */
export function completed(price: Price): Price {
	const [like] = rowsLike(price) ?? [];
	if (like === undefined) return price;
	return {
		...price,
		contextWindow: price.contextWindow ?? like.contextWindow,
		maxOutput: price.maxOutput ?? like.maxOutput,
		audioInput: price.audioInput ?? like.audioInput,
		audioOutput: price.audioOutput ?? like.audioOutput,
		priority: price.priority ?? like.priority,
		endpoint: price.endpoint ?? like.endpoint,
		retired: price.retired ?? like.retired,
	};
}

/**
 * Rows that cost less than LiteLLM says, as sentences; `noted` holds the `provider/model` of rows whose difference was
 * looked into. Only prices in force on the day are compared.
 */
export function findCheaperRows(prices: readonly Price[], noted: ReadonlySet<string>, day: string): string[] {
	const faults: string[] = [];
	for (const price of prices) {
		const name = `${price.provider}/${price.model}`;
		const isOver = price.effectiveTo !== null && price.effectiveTo < day;
		if (isOver || noted.has(name.toLowerCase()) || price.provider === "openrouter") continue;
		const rows = byName().get(name.toLowerCase());
		const theirs = rows?.findLast(({ aboveInputTokens }) => aboveInputTokens <= price.aboveInputTokens);
		if (theirs === undefined) continue;
		for (const field of ["input", "output", "cachedInput"] as const) {
			const ours = price[field] ?? price.input;
			if ((theirs[field] ?? 0) > ours * 1.001)
				faults.push(
					`${name} above ${price.aboveInputTokens}: ${field} ${ours}, and ${theirs.source} says ${theirs[field]}`,
				);
		}
	}
	return faults;
}
