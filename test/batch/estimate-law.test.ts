/**
 * The upper end of an estimate holds for 95 of 100 rows, over all that a row can be made of. What rows really take is
 * reckoned here by the providers' own rules, apart from the code.
 */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { PricedModel } from "../../src/batch/priced-model.ts";
import { rowBounds } from "../../src/batch/row-bounds.ts";
import type { Parameters } from "../../src/parameters/table.ts";
import type { BatchRow } from "../../src/prompts/row-builder.ts";
import type { ContentPart } from "../../src/types.ts";

/** The Park-Miller generator. */
function seeded(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
}

let random = seeded(1);
const between = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const count = (text: string) => Math.ceil(text.length / 4);

/** A PNG's header is all that anybody looks at. */
function png(width: number, height: number): string {
	const bytes = Buffer.alloc(33);
	bytes.writeUInt32BE(0x89504e47, 0);
	bytes.writeUInt32BE(width, 16);
	bytes.writeUInt32BE(height, 20);
	return bytes.toString("base64");
}

/** Page objects in the open, or in a compressed stream as newer files have them. */
function pdf(pages: number, isPacked: boolean): string {
	const objects = Array.from(
		{ length: pages },
		(_, page) => `${page} 0 obj <</Type /Page /Parent 1 0 R>> endobj\n`,
	).join("");
	if (!isPacked) return Buffer.from(`%PDF-1.4\n${objects}`).toString("base64");
	const packed = deflateSync(objects);
	const head = Buffer.from(`%PDF-1.7\n9 0 obj <</Type /ObjStm /N ${pages} /Filter /FlateDecode>> stream\n`);
	return Buffer.concat([head, packed, Buffer.from("\nendstream endobj\n")]).toString("base64");
}

interface World {
	readonly model: PricedModel;
	/** Its tokenizer against ours. */
	readonly text: () => number;
	readonly around: (messages: number) => number;
	readonly image: (width: number, height: number) => number;
	readonly page: () => number;
	/** Tokens of a long answer at most, as most are shorter. */
	readonly answer: (parameters: Parameters) => number;
}

const logNormal = (median: number, spread: number) =>
	Math.ceil(
		median * Math.exp(spread * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())),
	);

const tilesOf = (width: number, height: number) => {
	const fit = Math.min(1, 2048 / Math.max(width, height));
	const [w, h] = [width * fit, height * fit];
	const scale = Math.min(1, 768 / Math.min(w, h));
	return Math.ceil((w * scale) / 512) * Math.ceil((h * scale) / 512);
};

const plainAnswer = () => logNormal(250, 1);
const efforts = { low: 1_200, medium: 4_000, high: 9_000 } as const;

const worlds: Readonly<Record<string, World>> = {
	"gpt-4o": {
		model: { provider: "openai", modelId: "gpt-4o", isFree: false, choicesPerCall: 128 },
		text: () => 1,
		around: (messages) => 3 + 4 * messages,
		image: (width, height) => 85 + 170 * tilesOf(width, height),
		page: () => between(300, 1_200) + 85 + 170 * 4,
		answer: plainAnswer,
	},
	"gpt-4o-mini": {
		model: { provider: "openai", modelId: "gpt-4o-mini", isFree: false, choicesPerCall: 128 },
		text: () => 1,
		around: (messages) => 3 + 4 * messages,
		image: (width, height) => 2833 + 5667 * tilesOf(width, height),
		page: () => between(300, 1_200) + 2833 + 5667 * 4,
		answer: plainAnswer,
	},
	"gpt-4.1-nano": {
		model: { provider: "openai", modelId: "gpt-4.1-nano", isFree: false, choicesPerCall: 128 },
		text: () => 1,
		around: (messages) => 3 + 4 * messages,
		image: (width, height) =>
			Math.ceil(Math.min(1536, Math.ceil(width / 32) * Math.ceil(height / 32)) * 2.46),
		page: () => between(300, 1_200) + 3_000,
		answer: plainAnswer,
	},
	"gpt-6-sol": {
		model: { provider: "openai", modelId: "gpt-6-sol", isFree: false, choicesPerCall: 128 },
		text: () => 1,
		around: (messages) => 3 + 4 * messages,
		image: (width, height) => Math.min(2_500, Math.ceil(width / 32) * Math.ceil(height / 32)),
		page: () => between(300, 1_200) + 2_000,
		answer: ({ reasoningEffort }) => logNormal(efforts[(reasoningEffort ?? "medium") as "low"], 0.7),
	},
	claude: {
		model: { provider: "anthropic", modelId: "claude-sonnet-4-5", isFree: false, impliedMaxTokens: 16_384 },
		text: () => 0.9 + random() * 0.4,
		around: (messages) => 8 + 4 * messages,
		image: (width, height) => Math.min(1_600, Math.ceil((width * height) / 750)),
		page: () => between(1_500, 3_000) + 1_500,
		answer: plainAnswer,
	},
	gemini: {
		model: { provider: "gemini", modelId: "gemini-2.5-flash", isFree: false },
		text: () => 0.85 + random() * 0.4,
		around: () => 2,
		image: (width, height) => {
			if (width <= 384 && height <= 384) return 258;
			const unit = Math.min(768, Math.max(256, Math.floor(Math.min(width, height) / 1.5)));
			return 258 * Math.ceil(width / unit) * Math.ceil(height / unit);
		},
		page: () => 258,
		answer: plainAnswer,
	},
	llama: {
		model: { provider: "groq", modelId: "llama-3.3-70b-versatile", isFree: false },
		text: () => 0.85 + random() * 0.4,
		around: (messages) => 36 + 5 * messages,
		image: () => 1_600,
		page: () => 1_000,
		answer: plainAnswer,
	},
};

/** A row, and the tokens that it really takes in a world. */
function rowIn(world: World): { row: BatchRow; input: number; output: number } {
	const text = "word ".repeat(between(1, 3_000));
	const parts: ContentPart[] = [{ type: "text", text }];
	let tokens = count(text) * world.text();
	if (random() < 0.3) {
		const [width, height] = [between(20, 3_000), between(20, 3_000)];
		parts.push({ type: "image", mediaType: "image/png", data: png(width, height) });
		tokens += world.image(width, height);
	}
	if (random() < 0.2) {
		const pages = between(1, 80);
		parts.push({ type: "file", mediaType: "application/pdf", data: pdf(pages, random() < 0.5) });
		for (let page = 0; page < pages; page++) tokens += world.page();
	}
	const parameters: { -readonly [Name in keyof Parameters]: Parameters[Name] } = {};
	if (random() < 0.3) {
		const properties = Object.fromEntries(
			Array.from({ length: between(1, 200) }, (_, index) => [`field_${index}`, { type: "string" }]),
		);
		const schema = { type: "object", properties };
		parameters.responseFormat = { type: "json-schema", name: "answer", schema };
		// Anything from nothing of it to all of it, and the words around it.
		tokens += count(JSON.stringify(schema)) * world.text() * random() + 20;
	}
	if (random() < 0.2) {
		const tools = Array.from({ length: between(1, 20) }, (_, index) => ({
			type: "function",
			function: {
				name: `tool_${index}`,
				description: "does something useful ".repeat(5),
				parameters: { type: "object" },
			},
		}));
		parameters.extra = { tools };
		tokens += count(JSON.stringify(tools)) * world.text() + 346;
	}
	if (world.model.modelId === "gpt-6-sol" && random() < 0.3)
		parameters.reasoningEffort = (["low", "medium", "high"] as const)[between(0, 2)] ?? "low";
	if (random() < 0.3) parameters.maxTokens = between(10, 3_000);
	const n = random() < 0.2 ? 4 : 1;
	const requests = Math.ceil(n / (world.model.choicesPerCall ?? 1));
	const row: BatchRow = {
		line: 1,
		id: "1",
		model: undefined,
		messages: [{ role: "user", content: parts }],
		prompt: undefined,
		parameters: Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)),
		n,
		linksImages: false,
		metadata: undefined,
	};
	let output = 0;
	for (let answer = 0; answer < n; answer++)
		output += Math.min(world.answer(parameters), parameters.maxTokens ?? Infinity);
	return { row, input: Math.ceil(tokens + world.around(1)) * requests, output };
}

describe("the upper end of an estimate", () => {
	it.each(Object.entries(worlds))("holds for 95 of 100 rows of %s", (name, world) => {
		random = seeded(name.length * 7_919);
		const rows = 400;
		let held = 0;
		const over: number[] = [];
		for (let index = 0; index < rows; index++) {
			const { row, input, output } = rowIn(world);
			const bounds = rowBounds(row, world.model, count);
			const holds = input <= bounds.inputTokens.high && output <= bounds.outputTokens.high * row.n;
			if (holds) held += 1;
			expect(bounds.inputTokens.low, "the lower end").toBeLessThanOrEqual(input);
			expect(bounds.usd).not.toBeNull();
			over.push(bounds.inputTokens.high / input);
		}
		expect(held / rows).toBeGreaterThanOrEqual(0.95);
		// Infinity would hold too.
		over.sort((a, b) => a - b);
		expect(over[Math.floor(rows / 2)]).toBeLessThan(4);
	});
});

describe("what was seen before", () => {
	it("bounds answers by the ledger, but for models that are told to think harder", () => {
		random = seeded(42);
		const world = worlds.llama as World;
		const seen = { low: 12, high: 840, answers: 200 };
		const { row } = rowIn(world);
		const plain = { ...row, parameters: {} };
		expect(rowBounds(plain, { ...world.model, seen }, count).outputTokens).toMatchObject({
			low: 12,
			high: 840,
		});
		const bounded = { ...row, parameters: { maxTokens: 50 } };
		expect(rowBounds(bounded, { ...world.model, seen }, count).outputTokens).toMatchObject({ high: 50 });
		const thinking = { ...row, parameters: { reasoningEffort: "high" as const } };
		const sol = (worlds["gpt-6-sol"] as World).model;
		expect(rowBounds(thinking, { ...sol, seen }, count).outputTokens.high).toBeGreaterThan(20_000);
	});
});
