import { Command } from "commander";
import { describe, expect, expectTypeOf, it } from "vitest";
import { toQuestion } from "../../src/ask/question.ts";
import { changeSetting } from "../../src/chat/settings.ts";
import { main } from "../../src/cli/main.ts";
import { addParameterOptions, readParameters } from "../../src/cli/parameter-options.ts";
import { LlmxError } from "../../src/errors.ts";
import { findParameter } from "../../src/parameters/names.ts";
import { type ParameterKey, type Parameters, parameterKeys, rowOf } from "../../src/parameters/table.ts";
import { wireFields } from "../../src/parameters/wire-fields.ts";
import { parseJson } from "../../src/prompts/json.ts";
import { RowProblem } from "../../src/prompts/parameters.ts";
import { RowBuilder } from "../../src/prompts/row-builder.ts";
import { checkParameters } from "../../src/providers/parameters.ts";
import { providers } from "../../src/providers/registry.ts";
import { parseConfig } from "../../src/state/config.ts";
import { createTestIo } from "../helpers/io.ts";

type Verdict = { readonly value: unknown } | { readonly refused: string };

/** What becomes of a value at one of the places where a parameter can be given. */
function verdict(read: () => Parameters, key: ParameterKey): Verdict {
	try {
		return { value: read()[key] };
	} catch (error) {
		if (!(error instanceof LlmxError || error instanceof RowProblem)) throw error;
		const [, refused = error.message] = /(must be .*)$/s.exec(error.message) ?? [];
		return { refused };
	}
}

const builder = new RowBuilder({
	column: "prompt",
	template: undefined,
	preset: undefined,
	system: undefined,
	parameters: {},
	n: 1,
	attachments: undefined,
});
const row = (json: string) => builder.build({ line: 1, number: 1, value: parseJson(json) }).parameters;

/** Every place that takes JSON, and every place that takes text. */
function placesOf(key: ParameterKey): {
	readonly json: Readonly<Record<string, (value: unknown) => Parameters>>;
	readonly text: Readonly<Record<string, (text: string) => Parameters>>;
} {
	const { name, flag } = rowOf(key);
	const inConfig = (value: unknown) =>
		parseConfig(
			JSON.stringify({
				models: { m: { [name]: value } },
				presets: { p: { system: "s", parameters: { [name]: value } } },
			}),
			"config.json",
		);
	return {
		json: {
			"row field": (value) => row(JSON.stringify({ prompt: "p", [name]: value })),
			"row parameters": (value) => row(JSON.stringify({ prompt: "p", parameters: { [name]: value } })),
			"batch line": (value) =>
				row(
					JSON.stringify({
						custom_id: "1",
						body: { messages: [{ role: "user", content: "x" }], [name]: value },
					}),
				),
			config: (value) => inConfig(value).models.m as Parameters,
			preset: (value) => inConfig(value).presets.p?.parameters as Parameters,
			library: (value) => toQuestion("x", { [key]: value } as Parameters).parameters,
		},
		text: {
			flag(text) {
				const command = addParameterOptions(new Command("ask").exitOverride(), "/nonexistent");
				command.parse([/--[\w-]+/.exec(flag)?.[0] as string, text], { from: "user" });
				return readParameters(command.opts());
			},
			cell: (text) => row(JSON.stringify({ prompt: "p", [name]: text })),
			"/set": (text) => changeSetting({}, name, text),
		},
	};
}

const values = [
	0,
	1,
	-1,
	2,
	3,
	0.5,
	1.5,
	-2,
	-2.5,
	1e300,
	100,
	4096,
	2 ** 53,
	"low",
	"none",
	"huge",
	"json",
	"text",
	"END",
	"5",
	"0.5",
	"0x10",
	"1e2",
	"Infinity",
	" 7 ",
	"-3",
	true,
	null,
	["a", "b"],
	["a", 3],
	["a", ""],
	[],
	{},
	{ type: "json_object" },
	{ type: "text" },
	{ type: "json_schema" },
	{ type: "json_schema", json_schema: { name: "x", schema: { type: "object" } } },
	{ type: "array", items: { type: "string" } },
	{ schema: {} },
];

describe.each(parameterKeys)("the parameter %s", (key) => {
	const places = placesOf(key);

	it("is accepted or refused everywhere alike, in the same words", () => {
		for (const value of values) {
			const expected = verdict(() => places.json.config?.(value) as Parameters, key);
			for (const [place, read] of Object.entries(places.json)) {
				// A field without a value is not a field in a row.
				if (value === null && !["config", "preset", "library"].includes(place)) continue;
				expect({ place, value, ...verdict(() => read(value), key) }).toEqual({ place, value, ...expected });
			}
			if (typeof value !== "string" && typeof value !== "number") continue;
			for (const [place, read] of Object.entries(places.text)) {
				const text = String(value);
				const asText = verdict(() => places.json.config?.(text) as Parameters, key);
				// What --schema cannot read as a value is the path of a file.
				if (key === "responseFormat" && place === "flag" && "refused" in asText) continue;
				expect({ place, text, ...verdict(() => read(text), key) }).toEqual({ place, text, ...asText });
			}
		}
	});

	it("is found by its own name, by llmx's name in code, and with other separators", () => {
		const { name, alsoCalled } = rowOf(key);
		for (const written of [name, key, name.replaceAll("_", "-"), name.toUpperCase(), ...alsoCalled])
			expect([written, findParameter(written)?.key]).toEqual([written, key]);
	});

	it("is refused, by its name, by a provider that does not take it", () => {
		for (const provider of Object.values(providers)) {
			const refuses =
				provider.refuses.includes(key as never) || rowOf(key).wires[provider.wire] === undefined;
			const check = () => checkParameters(provider, { [key]: "given" } as Parameters);
			if (refuses) expect(check).toThrow(`${provider.label} does not take ${rowOf(key).name}`);
			else expect(check).not.toThrow();
		}
	});
});

describe("names of parameters", () => {
	const all = parameterKeys.flatMap((key) => [
		rowOf(key).name,
		...rowOf(key).alsoCalled,
		...rowOf(key).lookalikes,
	]);

	it("belong to one parameter each", () => {
		expect(new Set(all).size).toBe(all.length);
	});

	it("may be undefined in options", () => {
		const temperature = undefined as number | undefined;
		expectTypeOf({ temperature }).toExtend<Parameters>();
		expectTypeOf<Parameters["maxTokens"]>().toEqualTypeOf<number | undefined>();
		expect(toQuestion("x", { temperature }).parameters).toEqual({});
	});

	it("are refused in the library where they are not llmx's own, since they would do nothing", () => {
		for (const [name, meant] of [
			["temprature", "temperature"],
			["max_tokens", "maxTokens"],
			["effort", "reasoningEffort"],
		]) {
			const options = { [name as string]: 1 } as Parameters;
			expect(() => toQuestion("x", options)).toThrow(
				expect.objectContaining({ message: `unknown option "${name}"`, hint: `did you mean "${meant}"?` }),
			);
		}
	});

	it("are flags of ask, chat and batch", async () => {
		for (const command of ["ask", "chat", "batch"]) {
			const io = createTestIo();
			await main([command, "--help"], io);
			for (const key of parameterKeys) expect(io.out()).toContain(rowOf(key).flag);
		}
	});

	it("are flags under the names of files, too", () => {
		const read = (...argv: string[]) => {
			const command = addParameterOptions(new Command("ask").exitOverride(), "/nonexistent");
			command.configureOutput({ writeErr: () => {} }).parse(argv, { from: "user" });
			return readParameters(command.opts());
		};
		expect(read("--reasoning-effort", "low")).toEqual(read("--effort", "low"));
		expect(read("--response-format", "json")).toEqual({ responseFormat: { type: "json" } });
		expect(() => read("--effort", "low", "--reasoning-effort", "low")).toThrow("cannot be used with");
	});
});

describe("the fields of a body", () => {
	it("are called what the wire calls them, and what has no value is left out", () => {
		const given: Parameters = {
			maxTokens: 5,
			topP: 0.5,
			stop: [],
			seed: 0,
			reasoningEffort: "low",
			topK: undefined,
		};
		expect(wireFields("openai", given)).toEqual({ max_tokens: 5, top_p: 0.5, seed: 0 });
		expect(wireFields("openai", given, { seed: "random_seed" })).toMatchObject({ random_seed: 0 });
		expect(wireFields("gemini", given)).toEqual({ maxOutputTokens: 5, topP: 0.5, seed: 0 });
		expect(wireFields("anthropic", given)).toEqual({ max_tokens: 5, top_p: 0.5 });
	});
});
