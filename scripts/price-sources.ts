/** Reads the two sources of prices.csv: the package @pydantic/genai-prices and scripts/price-overrides.csv. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { findProvider, type MatchLogic, type ModelInfo, type ModelPrice } from "@pydantic/genai-prices";
import papaparse from "papaparse";
import { type Price, possibleNames, priceColumns } from "../src/models/pricing.ts";

/** Our provider ids to those of the package. */
export const packageProviders: Readonly<Record<string, string>> = {
	openai: "openai",
	anthropic: "anthropic",
	gemini: "google",
	together: "together",
	openrouter: "openrouter",
	groq: "groq",
	mistral: "mistral",
	deepseek: "deepseek",
	xai: "x-ai",
	fireworks: "fireworks",
	cerebras: "cerebras",
	perplexity: "perplexity",
	moonshot: "moonshotai",
	zai: "zai",
};

/** Providers that charge half for batch jobs, by their price pages: OpenAI, Anthropic and Gemini say so for all models. */
const halfForBatch = new Set(["openai", "anthropic", "gemini"]);

/** Not for text answers; and no chat request can name them. */
export const otherKinds =
	/embed|moderation|whisper|transcribe|tts|realtime|image|imagen|veo|-live|live-|rerank|ocr|sora|dall-e/i;

/** The package lists models of Vertex AI with Gemini's; the Gemini API serves only these. */
const geminiNames = /^(?:gemini|gemma|learnlm)-/;

/** Charges that tokens do not tell: with them a cost from tokens alone would be too low. */
export const untoldCharges = [
	"requests_kcount",
	"input_text_messages_kcount",
	"output_citation_mtok",
	"output_reasoning_mtok",
	"output_image_mtok",
	"output_video_mtok",
	"audio_hours",
	"input_audio_hours",
];

const requireHere = createRequire(import.meta.url);

/** `@pydantic/genai-prices 0.1.8`. */
export function packageVersion(): string {
	const entry = requireHere.resolve("@pydantic/genai-prices");
	const folder = entry.slice(0, entry.lastIndexOf("/dist/"));
	const { name, version } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as Record<
		string,
		string
	>;
	return `${name} ${version}`;
}

/** The package's models of one of our providers. */
export function packageModels(provider: string): readonly ModelInfo[] {
	const found = findProvider({ providerId: packageProviders[provider] ?? "" });
	if (found === undefined) throw new Error(`the package has no provider ${packageProviders[provider]}`);
	return found.models;
}

/**
 * The rows that the package gives for a provider: one for each model, and for each other name that its rules spell
 * out, unless `findPrice` comes from that name to the model by itself.
 */
export function rowsOfPackage(provider: string, source: string): Price[] {
	const models = packageModels(provider).filter(({ id }) => !otherKinds.test(id) && isName(provider, id));
	const rows: Price[] = [];
	const named = new Map<string, ModelInfo>();
	for (const model of models) named.set(model.id.toLowerCase(), model);
	for (const model of models) {
		rows.push(...rowsOfModel(provider, model.id, model, source));
		for (const name of new Set(namesIn(model.match))) {
			const key = name.toLowerCase();
			if (named.has(key) || otherKinds.test(name) || !isName(provider, name)) continue;
			// The first model that matches a name gives its price.
			if (models.find((other) => matches(other.match, key)) !== model) continue;
			const found = [...possibleNames(key)].find((possible) => named.has(possible));
			if (found !== undefined && named.get(found) === model) continue;
			// A beginning of dates such as claude-sonnet-4-2025 is not a name.
			if (/\d{3}$/.test(name) && !isWhole(model.match, name)) continue;
			named.set(key, model);
			rows.push(...rowsOfModel(provider, name, model, source));
		}
	}
	return rows;
}

/** Beginnings such as `claude-sonnet-4@`, and names in the form of other tools such as `cerebras:x`, are no names. */
export function isName(provider: string, name: string): boolean {
	return (
		/^[a-z0-9][^,"\s]*[a-z0-9]$/i.test(name) &&
		!name.startsWith(`${provider}:`) &&
		!name.startsWith(`${provider}/`) &&
		!name.startsWith(`${packageProviders[provider]}/`) &&
		(provider !== "gemini" || geminiNames.test(name))
	);
}

function rowsOfModel(provider: string, name: string, model: ModelInfo, source: string): Price[] {
	const rows: Price[] = [];
	for (const { prices, from, to } of periods(model)) {
		if (untoldCharges.some((charge) => prices[charge] !== undefined)) return [];
		const starts = new Set([0]);
		for (const price of Object.values(prices)) {
			if (typeof price === "object") for (const tier of price.tiers) starts.add(tier.start);
		}
		for (const start of [...starts].sort((a, b) => a - b)) {
			const at = (unit: string): number | null => {
				const price = prices[unit];
				if (price === undefined || typeof price === "number") return price ?? null;
				return price.tiers.findLast((tier) => tier.start <= start)?.price ?? price.base;
			};
			const input = at("input_mtok");
			const output = at("output_mtok");
			if (input === null || output === null) return [];
			const half = halfForBatch.has(provider);
			rows.push({
				provider,
				model: name,
				input,
				output,
				cachedInput: at("cache_read_mtok"),
				cacheWrite: at("cache_write_mtok"),
				batchInput: half ? decimal(input / 2) : null,
				batchOutput: half ? decimal(output / 2) : null,
				contextWindow: model.context_window ?? null,
				maxOutput: null,
				audioInput: at("input_audio_mtok"),
				aboveInputTokens: start,
				effectiveFrom: from,
				effectiveTo: to,
				source,
			});
		}
	}
	return rows;
}

interface Period {
	readonly prices: ModelPrice;
	readonly from: string | null;
	readonly to: string | null;
}

/**
 * A model's prices over time. Of prices that change with the time of the day the last listed, which the package
 * calls the peak, is taken for the whole day: our table knows days only, and a cost must not be too low.
 */
function periods(model: ModelInfo): Period[] {
	if (!Array.isArray(model.prices)) return [{ prices: model.prices, from: null, to: null }];
	const dated: { prices: ModelPrice; from: string | null }[] = [];
	for (const { constraint, prices } of model.prices) {
		if (constraint === undefined) dated.push({ prices, from: null });
		else if (constraint.type === "start_date") dated.push({ prices, from: constraint.start_date });
		else if (dated.length > 0) dated[dated.length - 1] = { prices, from: dated.at(-1)?.from ?? null };
	}
	return dated.map(({ prices, from }, index) => {
		const next = dated[index + 1]?.from;
		return { prices, from, to: next === undefined || next === null ? null : dayBefore(next) };
	});
}

function dayBefore(day: string): string {
	return new Date(Date.parse(`${day}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10);
}

/** Takes binary noise off a computed price. */
export function decimal(value: number): number {
	return Number(value.toPrecision(12));
}

/** The names that rules spell out, whole or as a beginning. */
export function namesIn(match: MatchLogic): string[] {
	if ("or" in match) return match.or.flatMap(namesIn);
	if ("and" in match) return match.and.flatMap(namesIn);
	if ("equals" in match) return [match.equals];
	return "starts_with" in match ? [match.starts_with] : [];
}

/** The name is spelt out whole in the rules, not as a beginning. */
export function isWhole(match: MatchLogic, name: string): boolean {
	if ("or" in match) return match.or.some((part) => isWhole(part, name));
	return "equals" in match && match.equals === name;
}

export function matches(match: MatchLogic, name: string): boolean {
	if ("or" in match) return match.or.some((part) => matches(part, name));
	if ("and" in match) return match.and.every((part) => matches(part, name));
	if ("equals" in match) return name === match.equals.toLowerCase();
	if ("starts_with" in match) return name.startsWith(match.starts_with.toLowerCase());
	if ("ends_with" in match) return name.endsWith(match.ends_with.toLowerCase());
	if ("contains" in match) return name.includes(match.contains.toLowerCase());
	return new RegExp(match.regex, "i").test(name);
}

/** One line of the overrides. */
export interface Override {
	/** `set` gives a whole row, `patch` the columns that it fills in, `drop` takes a model out. */
	readonly action: "set" | "patch" | "drop";
	readonly fields: Readonly<Record<string, string>>;
	/** The day on which the source was read. */
	readonly date: string;
	/** Why the line is there; needed wherever it disagrees with the package. */
	readonly note: string;
	readonly line: number;
}

export const overrideColumns = ["action", ...priceColumns, "date", "note"] as const;

/** Throws an Error that names the line of the first fault. */
export function readOverrides(text: string): Override[] {
	const { data, errors, meta } = papaparse.parse<Record<string, string>>(text, {
		header: true,
		skipEmptyLines: true,
	});
	const [error] = errors;
	if (error !== undefined) throw new Error(`price-overrides.csv:${(error.row ?? 0) + 2}: ${error.message}`);
	if (meta.fields?.join() !== overrideColumns.join()) {
		throw new Error(`price-overrides.csv:1: the columns must be ${overrideColumns.join()}`);
	}
	return data.map((fields, index) => {
		const line = index + 2;
		const { action = "", date = "", note = "" } = fields;
		if (action !== "set" && action !== "patch" && action !== "drop") {
			throw new Error(`price-overrides.csv:${line}: unknown action "${action}"`);
		}
		if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) throw new Error(`price-overrides.csv:${line}: no date`);
		if (!fields.source) throw new Error(`price-overrides.csv:${line}: no source`);
		if (action === "drop" && note === "") throw new Error(`price-overrides.csv:${line}: no note says why`);
		return { action, fields, date, note, line };
	});
}
