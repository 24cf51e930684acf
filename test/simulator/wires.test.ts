import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import { Ajv } from "ajv";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countTokens } from "../../src/simulator/models.ts";
import { hostileText } from "../../src/simulator/samples.ts";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";

let simulator: Simulator;
let openai: OpenAI;
let gemini: GoogleGenAI;
let anthropic: Anthropic;

beforeAll(async () => {
	simulator = await startSimulator();
	openai = new OpenAI({ apiKey: "sk-openai", baseURL: `${simulator.url}/v1`, maxRetries: 0 });
	gemini = new GoogleGenAI({
		apiKey: "key-gemini",
		apiVersion: "v1beta",
		httpOptions: { baseUrl: simulator.url },
	});
	anthropic = new Anthropic({ apiKey: "sk-anthropic", baseURL: simulator.url, maxRetries: 0 });
});
afterAll(() => simulator.close());

const nasty = 'He said "no"\n\t\u0000\u001b[31m 数据 👩‍👩‍👧 \ud800 end';

describe("the OpenAI wire", () => {
	const ask = (content: string) => [{ role: "user" as const, content }];

	it("answers the last user text exactly, with usage by the token rule", async () => {
		const answer = await openai.chat.completions.create({ model: "echo", messages: ask(nasty) });
		expect(answer.choices[0]?.message.content).toBe(nasty);
		expect(answer.choices[0]?.finish_reason).toBe("stop");
		expect(answer.usage).toMatchObject({
			prompt_tokens: countTokens(nasty),
			completion_tokens: countTokens(nasty),
		});
	});

	it("gives n answers, which differ where the model invents them", async () => {
		const answer = await openai.chat.completions.create({ model: "words-6", n: 3, messages: ask("go") });
		const texts = answer.choices.map((choice) => choice.message.content);
		expect(new Set(texts).size).toBe(3);
		expect(texts.every((text) => text?.split(" ").length === 6)).toBe(true);
	});

	it("streams deltas that add up to the text, then usage when asked for", async () => {
		const stream = await openai.chat.completions.create({
			model: "echo",
			messages: ask(nasty.repeat(40)),
			stream: true,
			stream_options: { include_usage: true },
		});
		let text = "";
		let deltas = 0;
		let finish: string | null | undefined;
		let usage: { completion_tokens: number } | null | undefined;
		for await (const chunk of stream) {
			const choice = chunk.choices[0];
			text += choice?.delta.content ?? "";
			deltas++;
			finish = choice?.finish_reason ?? finish;
			usage = chunk.usage ?? usage;
		}
		expect(text).toBe(nasty.repeat(40));
		expect(deltas).toBeGreaterThan(20);
		expect(finish).toBe("stop");
		expect(usage?.completion_tokens).toBe(countTokens(nasty.repeat(40)));
	});

	it.each([
		["reason", "reasoning_content"],
		["reason-field", "reasoning"],
	])("keeps the reasoning of %s in %s", async (model, field) => {
		const answer = await openai.chat.completions.create({ model, messages: ask("hi") });
		const message = answer.choices[0]?.message as unknown as Record<string, string>;
		expect(message.content).toBe("hi");
		expect(message[field]).toContain("2 characters");
		expect(answer.usage?.completion_tokens_details?.reasoning_tokens).toBeGreaterThan(0);
	});

	it("puts the reasoning of reason-think into a <think> block", async () => {
		const answer = await openai.chat.completions.create({ model: "reason-think", messages: ask("hi") });
		expect(answer.choices[0]?.message.content).toMatch(/^<think>\n[^<]+<\/think>\n\nhi$/);
	});

	it("answers an instance of the schema asked for", async () => {
		const schema = {
			type: "object",
			additionalProperties: false,
			required: ["name", "age", "tags", "kind", "when", "next"],
			properties: {
				name: { type: "string", minLength: 7, maxLength: 9 },
				age: { type: "integer", minimum: 18, maximum: 99 },
				share: { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
				tags: { type: "array", items: { type: "string" }, minItems: 2 },
				kind: { enum: ["b", "a"] },
				when: { type: "string", pattern: "^2026-", format: "date" },
				next: { anyOf: [{ $ref: "#/$defs/node" }, { type: "null" }] },
			},
			$defs: {
				node: {
					allOf: [
						{ type: "object", properties: { value: { const: 4 } }, required: ["value"] },
						{ properties: { next: { $ref: "#/$defs/node" } } },
					],
				},
			},
		};
		const answer = await openai.chat.completions.create({
			model: "echo",
			messages: ask("x"),
			response_format: { type: "json_schema", json_schema: { name: "person", schema } },
		});
		const value = JSON.parse(answer.choices[0]?.message.content ?? "");
		const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
		expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
	});

	it("stops at max_tokens, which reasoning uses up first", async () => {
		const cut = await openai.chat.completions.create({
			model: "words-50",
			max_tokens: 3,
			messages: ask("x"),
		});
		expect(cut.choices[0]?.finish_reason).toBe("length");
		expect(cut.usage?.completion_tokens).toBe(3);
		const eaten = await openai.chat.completions.create({
			model: "reason",
			max_completion_tokens: 5,
			messages: ask("x"),
		});
		expect(eaten.choices[0]).toMatchObject({ finish_reason: "length", message: { content: "" } });
	});

	it("stops before a stop sequence", async () => {
		const answer = await openai.chat.completions.create({
			model: "echo",
			stop: ["three"],
			messages: ask("one two three"),
		});
		expect(answer.choices[0]?.message.content).toBe("one two ");
	});

	it("shows the conversation and the request it saw", async () => {
		const messages = [
			{ role: "system" as const, content: "be brief" },
			{ role: "user" as const, content: "one" },
			{ role: "assistant" as const, content: "1" },
			{ role: "user" as const, content: [{ type: "text" as const, text: "two" }] },
		];
		const history = await openai.chat.completions.create({ model: "history", messages });
		expect(JSON.parse(history.choices[0]?.message.content ?? "")).toEqual([
			{ role: "system", text: "be brief" },
			{ role: "user", text: "one" },
			{ role: "assistant", text: "1" },
			{ role: "user", text: "two" },
		]);
		const request = await openai.chat.completions.create({ model: "request", messages, seed: 7 });
		expect(JSON.parse(request.choices[0]?.message.content ?? "")).toEqual({
			model: "request",
			messages,
			seed: 7,
		});
	});

	it("lists its models", async () => {
		const ids = (await openai.models.list()).data.map((model) => model.id);
		expect(ids).toEqual(expect.arrayContaining(["echo", "words-N", "hostile"]));
	});

	it("refuses a request without messages or model with 400", async () => {
		await expect(openai.chat.completions.create({ model: "echo", messages: [] })).rejects.toMatchObject({
			status: 400,
		});
		await expect(openai.chat.completions.create({ model: "", messages: ask("x") })).rejects.toMatchObject({
			status: 400,
		});
	});
});

describe("the Responses wire", () => {
	it("is read by OpenAI's SDK, whole and streamed", async () => {
		const whole = await openai.responses.create({ model: "echo", input: nasty, store: false });
		expect([whole.output_text, whole.status]).toEqual([nasty, "completed"]);
		expect(whole.usage).toMatchObject({
			input_tokens: countTokens(nasty),
			output_tokens: countTokens(nasty),
		});
		const stream = await openai.responses.create({
			model: "reason",
			input: [{ role: "user", content: [{ type: "input_text", text: nasty.repeat(9) }] }],
			reasoning: { summary: "auto" },
			stream: true,
		});
		const told = { text: "", thoughts: "", end: "" };
		for await (const event of stream) {
			if (event.type === "response.output_text.delta") told.text += event.delta;
			if (event.type === "response.reasoning_summary_text.delta") told.thoughts += event.delta;
			if (event.type === "response.completed")
				told.end = event.response.output_text ?? event.response.status ?? "";
		}
		expect(told.text).toBe(nasty.repeat(9));
		expect(told.thoughts).toContain("Repeating them exactly");
		expect(told.end).not.toBe("");
	});

	it("says that the limit cut an answer", async () => {
		const cut = await openai.responses.create({ model: "words-90", input: "go", max_output_tokens: 5 });
		expect([cut.status, cut.incomplete_details?.reason]).toEqual(["incomplete", "max_output_tokens"]);
	});
});

describe("the Gemini wire", () => {
	it("answers plainly, with the system instruction apart", async () => {
		const answer = await gemini.models.generateContent({
			model: "history",
			contents: [
				{ role: "user", parts: [{ text: "one" }] },
				{ role: "model", parts: [{ text: "1" }] },
				{ role: "user", parts: [{ text: nasty }] },
			],
			config: { systemInstruction: "be brief" },
		});
		expect(JSON.parse(answer.text ?? "").map((turn: { role: string }) => turn.role)).toEqual([
			"system",
			"user",
			"assistant",
			"user",
		]);
		expect(answer.usageMetadata?.promptTokenCount).toBeGreaterThan(0);
	});

	it("streams events with CRLF that add up to the text", async () => {
		let text = "";
		let finish: string | undefined;
		for await (const chunk of await gemini.models.generateContentStream({ model: "echo", contents: nasty })) {
			text += chunk.text ?? "";
			finish = chunk.candidates?.[0]?.finishReason ?? finish;
		}
		expect(text).toBe(nasty);
		expect(finish).toBe("STOP");
		const raw = await post("/v1beta/models/echo:streamGenerateContent?alt=sse", {
			contents: [{ parts: [{ text: "a b" }] }],
		});
		expect(raw).toMatch(/^data: \{.*\}\r\n\r\ndata: /);
	});

	it("streams one JSON array without alt=sse", async () => {
		const raw = await post("/v1beta/models/words-9:streamGenerateContent", {
			contents: [{ parts: [{ text: "x" }] }],
		});
		const elements = JSON.parse(raw) as { candidates: { finishReason?: string }[] }[];
		expect(elements.length).toBeGreaterThan(5);
		expect(elements.at(-1)?.candidates[0]?.finishReason).toBe("STOP");
	});

	it("shows thoughts only when they are asked for", async () => {
		const thinking = { thinkingConfig: { includeThoughts: true } };
		const answer = await gemini.models.generateContent({ model: "reason", contents: "hi", config: thinking });
		const parts = answer.candidates?.[0]?.content?.parts ?? [];
		expect(parts.map((part) => part.thought ?? false)).toEqual([true, false]);
		expect(answer.usageMetadata?.thoughtsTokenCount).toBeGreaterThan(0);
		const silent = await gemini.models.generateContent({ model: "reason", contents: "hi" });
		expect(silent.candidates?.[0]?.content?.parts).toHaveLength(1);
	});

	it("takes schemas with upper-case types", async () => {
		const answer = await gemini.models.generateContent({
			model: "echo",
			contents: "x",
			config: {
				responseMimeType: "application/json",
				responseSchema: {
					type: "OBJECT",
					properties: { ok: { type: "BOOLEAN" } },
					required: ["ok"],
				} as never,
			},
		});
		expect(JSON.parse(answer.text ?? "")).toEqual({ ok: true });
	});

	it("lists its models", async () => {
		const names: (string | undefined)[] = [];
		for await (const model of await gemini.models.list()) {
			names.push(model.name);
		}
		expect(names).toContain("models/echo");
	});
});

describe("the Anthropic wire", () => {
	const ask = { max_tokens: 1_000, messages: [{ role: "user" as const, content: nasty }] };

	it("answers plainly", async () => {
		const answer = await anthropic.messages.create({ model: "echo", ...ask, system: "be brief" });
		expect(answer.content).toEqual([{ type: "text", text: nasty }]);
		expect(answer).toMatchObject({
			stop_reason: "end_turn",
			usage: { input_tokens: countTokens(nasty) + 2 },
		});
	});

	it("streams named events with thinking and text blocks", async () => {
		const stream = anthropic.messages.stream({
			model: "reason",
			...ask,
			thinking: { type: "enabled", budget_tokens: 1_024 },
		});
		const events: string[] = [];
		stream.on("streamEvent", (event) => events.push(event.type));
		const answer = await stream.finalMessage();
		expect(answer.content.map((block) => block.type)).toEqual(["thinking", "text"]);
		expect(answer.content[1]).toMatchObject({ text: nasty });
		expect(answer.usage.output_tokens).toBeGreaterThan(10);
		expect(events[0]).toBe("message_start");
		expect(events.at(-1)).toBe("message_stop");
	});

	it("sends a ping in its streams", async () => {
		const raw = await post("/v1/messages", { model: "echo", stream: true, ...ask });
		expect(raw).toContain('event: ping\ndata: {"type": "ping"}\n\n');
	});

	it("answers an instance of the schema asked for", async () => {
		const schema = { type: "object", properties: { ok: { type: "boolean" } }, required: ["ok"] };
		const format = { type: "json_schema" as const, schema };
		const answer = await anthropic.messages.create({ model: "echo", ...ask, output_config: { format } });
		expect(answer.content[0]).toMatchObject({ text: '{"ok":true}' });
	});

	it("insists on max_tokens and on a system prompt of its own", async () => {
		const { messages } = ask;
		await expect(anthropic.messages.create({ model: "echo", messages } as never)).rejects.toMatchObject({
			status: 400,
		});
		const system = [{ role: "system", content: "x" }, ...messages];
		await expect(
			anthropic.messages.create({ model: "echo", max_tokens: 9, messages: system } as never),
		).rejects.toMatchObject({ status: 400 });
	});

	it("lists its models", async () => {
		const ids = (await anthropic.models.list()).data.map((model) => model.id);
		expect(ids).toContain("echo");
	});
});

it("keeps what it was asked, with the key of each wire", async () => {
	await openai.chat.completions.create({ model: "echo", messages: [{ role: "user", content: "find me" }] });
	await gemini.models.generateContent({ model: "echo", contents: "find me" });
	await anthropic.messages.create({
		model: "echo",
		max_tokens: 5,
		messages: [{ role: "user", content: "find me" }],
	});
	const found = simulator.requests.filter((request) => request.prompt === "find me");
	expect(found.map(({ wire, key }) => [wire, key])).toEqual([
		["openai", "sk-openai"],
		["gemini", "key-gemini"],
		["anthropic", "sk-anthropic"],
	]);
	expect(found.every((request) => request.outcome === "answered")).toBe(true);
});

it("has a sample for every hostile thing a terminal could meet", () => {
	for (const sequence of [
		"\u001b]52;",
		"\u001b]8;;",
		"\u001b[2J",
		"\u001b[6n",
		"\u009b",
		"\u202e",
		"\r",
		"\b",
		"\u0000",
	]) {
		expect(hostileText).toContain(sequence);
	}
});

async function post(path: string, body: unknown): Promise<string> {
	const response = await fetch(simulator.url + path, { method: "POST", body: JSON.stringify(body) });
	return response.text();
}
