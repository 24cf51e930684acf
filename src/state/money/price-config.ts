/** Reads `prices` of the config: what models cost by the user's own word. */
import type { OwnPrice } from "../../types.ts";
import {
	ConfigProblem,
	fieldsOf,
	number,
	optional,
	type Reader,
	text,
	withoutUndefined,
	wrong,
} from "../config-reader.ts";

/** Fields of a price. */
export const priceFields = [
	"input",
	"output",
	"cached",
	"write",
	"audio",
	"batch",
	"from",
	"context",
	"max_output",
] as const;

/** One price, or several that follow one another. */
export const readPrices: Reader<OwnPrice | readonly OwnPrice[]> = (value, path) =>
	Array.isArray(value)
		? value.map((price, index) => readPrice(price, [...path, index]))
		: readPrice(value, path);

const readPrice: Reader<OwnPrice> = (value, path) => {
	const fields = fieldsOf(value, path, priceFields);
	const usd = (name: (typeof priceFields)[number]) => optional(number(0))(fields[name], [...path, name]);
	const [input, output] = [usd("input"), usd("output")];
	if (input === undefined || output === undefined)
		throw new ConfigProblem(
			path,
			`"${path.join(".")}" needs "input" and "output"`,
			"in USD per million tokens, as in the provider's list",
		);
	const price = {
		input,
		output,
		cached: usd("cached"),
		write: usd("write"),
		audio: usd("audio"),
		batch: optional(readJobPrice)(fields.batch, [...path, "batch"]),
		from: optional(day)(fields.from, [...path, "from"]),
		context: optional(number(1, true))(fields.context, [...path, "context"]),
		maxOutput: optional(number(1, true))(fields.max_output, [...path, "max_output"]),
	};
	return withoutUndefined(price) as OwnPrice;
};

const readJobPrice: Reader<Exclude<OwnPrice["batch"], undefined>> = (value, path) => {
	if (typeof value === "number") return number(0)(value, path);
	const fields = fieldsOf(value, path, ["input", "output"]);
	return {
		input: number(0)(fields.input, [...path, "input"]),
		output: number(0)(fields.output, [...path, "output"]),
	};
};

const day: Reader<string> = (value, path) => {
	const given = text(value, path);
	if (!/^\d{4}-\d{2}-\d{2}$/.test(given) || Number.isNaN(Date.parse(given)))
		throw wrong(path, "a day such as 2026-11-22", value);
	return given;
};
