/** Refuses prices that are probably unit errors. */

import type { Price } from "../src/models/price-table.ts";
import type { ProviderRow } from "../src/providers/provider-row.ts";

import type { Override } from "./price-overrides.ts";
import { spellingKey } from "./price-sources.ts";

/** Begins the note of an override whose odd figure was looked up and is right. */
export const oddButRight = "odd but right:";

const key = (price: Price) => `${price.provider}/${price.model}`;

/**
 * What is wrong with a table, as sentences; empty when all is well. `excused` holds the `provider/model` of rows
 * whose odd figures were looked up.
 */
export function findFaults(prices: readonly Price[], excused: ReadonlySet<string> = new Set()): string[] {
	const faults: string[] = [];
	const seen = new Set<string>();
	for (const price of prices) {
		const where = key(price);
		const identity = `${where} ${price.aboveInputTokens} ${price.effectiveFrom}`.toLowerCase();
		if (seen.has(identity)) faults.push(`${where} is there twice`);
		seen.add(identity);
		if (!/^20\d\d-\d\d-\d\d$/.test(price.date)) faults.push(`${where}: no date`);
		for (const text of [price.provider, price.model, price.source, ...price.aliases]) {
			if (text === "" || /[",\n\r]/.test(text))
				faults.push(`${where}: an empty field, or one with a comma or quote`);
		}
		if (excused.has(where)) continue;
		for (const problem of oddities(price)) faults.push(`${where}: ${problem}`);
	}
	return [...faults, ...nameFaults(prices), ...familyFaults(prices, excused)];
}

/** A model has one name; other spellings of it are aliases, which no other model has. */
function nameFaults(prices: readonly Price[]): string[] {
	const faults: string[] = [];
	const models = new Map<string, string>();
	const names = new Set(prices.map((price) => key(price).toLowerCase()));
	const aliases = new Map<string, string>();
	for (const price of prices) {
		const spelling = `${price.provider}/${spellingKey(price.model)}`;
		const other = models.get(spelling);
		if (other !== undefined && other !== price.model) {
			faults.push(`${key(price)} and ${price.provider}/${other} are two spellings of one name`);
		}
		models.set(spelling, price.model);
		for (const alias of price.aliases) {
			const name = `${price.provider}/${alias}`;
			const owner = aliases.get(name);
			if (names.has(name) || (owner !== undefined && owner !== price.model)) {
				faults.push(`${key(price)}: its alias ${alias} is the name of another model`);
			}
			aliases.set(name, price.model);
		}
	}
	return faults;
}

/** The models that llmx chooses by itself must have a price, and be served by chat completions on a day. */
export function findDefaultFaults(
	prices: readonly Price[],
	providers: readonly Pick<ProviderRow, "id" | "defaultModel">[],
	day: string,
): string[] {
	const faults: string[] = [];
	for (const { id, defaultModel } of providers) {
		if (defaultModel === null) continue;
		const row = prices.find((price) => price.provider === id && price.model === defaultModel);
		const problem =
			row === undefined
				? "has no price"
				: row.endpoint !== null
					? `is served by ${row.endpoint} only`
					: row.retired !== null && row.retired <= day
						? `is retired since ${row.retired}`
						: undefined;
		if (problem !== undefined) faults.push(`${id}/${defaultModel}, a default model, ${problem}`);
	}
	return faults;
}

/** A promotion has a last day, and another price after it; `list price` begins the note of one that was left out. */
export function findPromotionFaults(overrides: readonly Override[]): string[] {
	const faults: string[] = [];
	for (const { action, fields, line, note } of overrides) {
		if (action !== "set" || !/promotion|introductory|launch/i.test(note) || note.startsWith("list price"))
			continue;
		const where = `price-overrides.csv:${line}: the promotion of ${fields.provider}/${fields.model}`;
		const end = fields.effective_to;
		if (!end) {
			faults.push(`${where} has no end`);
			continue;
		}
		const next = new Date(Date.parse(end) + 86_400_000).toISOString().slice(0, 10);
		const isFollowed = overrides.some(
			(other) => other.fields.model === fields.model && other.fields.effective_from === next,
		);
		if (!isFollowed) faults.push(`${where} is followed by no price`);
	}
	return faults;
}

function* oddities(price: Price): Iterable<string> {
	const { input, output, cachedInput, cacheWrite, batchInput, batchOutput, audioInput } = price;
	if (!(input >= 0) || !(output >= 0)) yield "a price is missing or negative";
	// The dearest model ever sold took $150 in and $600 out, the cheapest a tenth of a cent.
	if (input > 200 || output > 800) yield `${input}/${output} is more than any model costs`;
	if ((input > 0 && input < 0.001) || (output > 0 && output < 0.001)) {
		yield `${input}/${output} is less than any model costs`;
	}
	if (input > 0 && output > 0 && (output > 25 * input || output < input / 10)) {
		yield `output ${output} does not go with input ${input}`;
	}
	if (cachedInput !== null && cachedInput > input)
		yield `cached input ${cachedInput} is dearer than input ${input}`;
	if (cacheWrite !== null && cacheWrite > 2.5 * input)
		yield `cache write ${cacheWrite} is far above input ${input}`;
	if (batchInput !== null && batchInput > input)
		yield `batch input ${batchInput} is dearer than input ${input}`;
	if (batchOutput !== null && batchOutput > output)
		yield `batch output ${batchOutput} is dearer than output ${output}`;
	if (audioInput !== null && input > 0 && audioInput > 80 * input)
		yield `audio ${audioInput} is far above ${input}`;
}

/** The same model elsewhere, and the same model's other rows, must cost less than ten times as much or as little. */
function familyFaults(prices: readonly Price[], excused: ReadonlySet<string>): string[] {
	const families = new Map<string, Price[]>();
	for (const price of prices) {
		if (price.input === 0 || price.output === 0) continue;
		const name = price.model
			.toLowerCase()
			.replace(/^.*\//, "")
			.replace(/:(?:free|thinking|beta|extended|nitro|floor)$/, "")
			.replaceAll(".", "-");
		const family = families.get(name);
		if (family === undefined) families.set(name, [price]);
		else family.push(price);
	}
	const faults: string[] = [];
	for (const family of families.values()) {
		if (family.length < 2) continue;
		for (const field of ["input", "output"] as const) {
			for (const [index, price] of family.entries()) {
				if (excused.has(key(price))) continue;
				const others = family.filter((_, other) => other !== index).map((other) => other[field]);
				const factor = (other: number) => Math.max(other / price[field], price[field] / other);
				const nearest = others.reduce((a, b) => (factor(b) < factor(a) ? b : a));
				if (factor(nearest) > 10) {
					faults.push(
						`${key(price)}: ${field} ${price[field]}, but the same model costs ${nearest} elsewhere`,
					);
				}
			}
		}
	}
	return faults;
}
