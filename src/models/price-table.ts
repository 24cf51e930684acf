import { readFileSync } from "node:fs";

/** One row of prices.csv. Prices are in USD per million tokens unless they say otherwise. */
export interface Price {
	/** The provider's id in the registry. */
	readonly provider: string;
	/** The model as the provider's API names it. */
	readonly model: string;
	/** Other spellings of the name, for looking up only. */
	readonly aliases: readonly string[];
	readonly input: number;
	readonly output: number;
	/** null where the provider publishes none, like the other prices below. */
	readonly cachedInput: number | null;
	readonly cacheWrite: number | null;
	/** Tokens written to a cache that keeps them for an hour. */
	readonly cacheWriteHour: number | null;
	readonly batchInput: number | null;
	readonly batchOutput: number | null;
	readonly audioInput: number | null;
	readonly audioOutput: number | null;
	readonly imageOutput: number | null;
	/** How many times the ordinary price the service tier `priority` costs. */
	readonly priority: number | null;
	/** How many times the ordinary price the speed `fast` costs. */
	readonly fast: number | null;
	/** USD for each request, besides its tokens. */
	readonly perRequest: number | null;
	/** USD for each web search that the provider runs. */
	readonly perSearch: number | null;
	/** In tokens; null when unknown. */
	readonly contextWindow: number | null;
	/** In tokens; null when unknown. */
	readonly maxOutput: number | null;
	/** The row is for requests with more input tokens than this; 0 for the ordinary rate. */
	readonly aboveInputTokens: number;
	/** First day of the price, as 2026-11-22 in UTC; null: since ever. */
	readonly effectiveFrom: string | null;
	/** Last day of the price; null: until further notice. */
	readonly effectiveTo: string | null;
	/** The only endpoint that serves the model when chat completions do not: `responses`; else null. */
	readonly endpoint: string | null;
	/** The day on which the provider took it, or takes it, out of service; null for one that goes on. */
	readonly retired: string | null;
	/** Where the figures come from. */
	readonly source: string;
	/** The day on which the source was read, or was true. */
	readonly date: string;
}

/** The columns of prices.csv, in their order. */
export const priceColumns = [
	"provider",
	"model",
	"aliases",
	"input",
	"output",
	"cached_input",
	"cache_write",
	"cache_write_hour",
	"batch_input",
	"batch_output",
	"audio_input",
	"audio_output",
	"image_output",
	"priority",
	"fast",
	"per_request",
	"per_search",
	"context_window",
	"max_output",
	"above_input_tokens",
	"effective_from",
	"effective_to",
	"endpoint",
	"retired",
	"source",
	"date",
] as const;

// Beside dist/ in the package and beside src/ in the repository. Chunks of the bundle lie one folder deeper.
const locations = ["../prices.csv", "../../prices.csv"];
let table: string | undefined;
const byProvider = new Map<string, ProviderPrices>();

function readTable(): string {
	if (table !== undefined) return table;
	for (const location of locations) {
		try {
			const text = readFileSync(new URL(location, import.meta.url), "utf8");
			if (text.startsWith("provider,")) {
				table = text;
				return table;
			}
		} catch (error) {
			if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
		}
	}
	// Without its table llmx works on, and calls every price unknown.
	table = "";
	return table;
}

/**
 * Parses rows of prices.csv; with a provider only its rows, which lie together. No field holds a comma, a quote or a
 * line break: scripts/prices.ts refuses to write one.
 */
export function parsePrices(text: string, provider?: string): Price[] {
	return parseLines(provider === undefined ? text.slice(text.indexOf("\n") + 1) : linesOf(provider, text));
}

/** The lines of a provider, which lie together. */
function linesOf(provider: string, table: string): string {
	const start = table.indexOf(`\n${provider},`) + 1;
	if (start === 0) return "";
	let end = start;
	while (table.startsWith(`${provider},`, end)) end = table.indexOf("\n", end) + 1 || table.length;
	return table.slice(start, end);
}

function parseLines(text: string): Price[] {
	return text
		.split("\n")
		.map((line) => line.trimEnd())
		.filter((line) => line !== "")
		.map(parseLine);
}

function parseLine(line: string): Price {
	const fields = line.split(",");
	let index = 0;
	// The fields are read in the order of the columns.
	const text = () => fields[index++] ?? "";
	const number = () => {
		const field = text();
		return field === "" ? null : Number(field);
	};
	return {
		provider: text(),
		model: text(),
		aliases: text().split(" ").filter(Boolean),
		input: number() ?? Number.NaN,
		output: number() ?? Number.NaN,
		cachedInput: number(),
		cacheWrite: number(),
		cacheWriteHour: number(),
		batchInput: number(),
		batchOutput: number(),
		audioInput: number(),
		audioOutput: number(),
		imageOutput: number(),
		priority: number(),
		fast: number(),
		perRequest: number(),
		perSearch: number(),
		contextWindow: number(),
		maxOutput: number(),
		aboveInputTokens: number() ?? 0,
		effectiveFrom: text() || null,
		effectiveTo: text() || null,
		endpoint: text() || null,
		retired: text() || null,
		source: text(),
		date: text(),
	};
}

/**
 * The rows of one provider. Those of a model are looked for in the text: to read them takes a hundredth of the time
 * that it takes to read all, and a call asks for one model.
 */
export class ProviderPrices {
	/** The lines of the provider. */
	readonly #text: string;
	/** In lower case, to be searched for names. */
	readonly #searched: string;
	readonly #known = new Map<string, readonly Price[] | undefined>();

	constructor(provider: string, table: string) {
		this.#text = linesOf(provider, table);
		this.#searched = this.#text.toLowerCase();
	}

	/** The rows under a name or another spelling, in lower case; undefined where there is none. */
	get(name: string): readonly Price[] | undefined {
		if (!this.#known.has(name)) this.#known.set(name, this.#find(name));
		return this.#known.get(name);
	}

	/** All rows. */
	all(): readonly Price[] {
		return parseLines(this.#text);
	}

	#find(name: string): readonly Price[] | undefined {
		const prices = this.#rowsThatHold(name);
		const ownRows = prices.filter(({ model }) => model.toLowerCase() === name);
		// A name is never another model's spelling.
		const rows = ownRows.length > 0 ? ownRows : prices.filter(({ aliases }) => aliases.includes(name));
		return rows.length > 0 ? rows : undefined;
	}

	/** The rows in which a text stands, and perhaps others. */
	#rowsThatHold(name: string): Price[] {
		const rows: Price[] = [];
		const text = this.#searched;
		if (name === "") return rows;
		for (let at = text.indexOf(name); at >= 0; ) {
			const end = text.indexOf("\n", at);
			const line = this.#text.slice(text.lastIndexOf("\n", at) + 1, end < 0 ? undefined : end);
			rows.push(parseLine(line));
			at = end < 0 ? end : text.indexOf(name, end + 1);
		}
		return rows;
	}
}

/** The rows of a provider; none for one that the table does not know. */
export function pricesOf(provider: string): ProviderPrices {
	let prices = byProvider.get(provider);
	if (prices === undefined) {
		prices = new ProviderPrices(provider, readTable());
		byProvider.set(provider, prices);
	}
	return prices;
}

/** Every row of the table, tiers and past prices included. */
export function allPrices(): Price[] {
	return parsePrices(readTable());
}
