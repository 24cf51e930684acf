import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requestHash } from "../../src/batch/request-hash.ts";
import { AttachmentFolder } from "../../src/prompts/attachment-folder.ts";
import { parseJson } from "../../src/prompts/json.ts";
import { RowBuilder, type RowOptions } from "../../src/prompts/row-builder.ts";
import { idOf } from "../../src/prompts/row-id.ts";
import { compileTemplate } from "../../src/prompts/template.ts";

const defaults: RowOptions = {
	column: "prompt",
	template: undefined,
	preset: undefined,
	system: undefined,
	parameters: {},
	n: 1,
	attachments: undefined,
};

function build(json: string, options: Partial<RowOptions> = {}, number = 7) {
	return new RowBuilder({ ...defaults, ...options }).build({ line: 9, number, value: parseJson(json) });
}

const problemOf = (json: string, options: Partial<RowOptions> = {}) => {
	try {
		build(json, options);
	} catch (error) {
		return (error as Error).message;
	}
	return undefined;
};

describe("a row", () => {
	it("may be a text; its number is then its id", () => {
		expect(build('"hello"')).toMatchObject({
			id: "7",
			line: 9,
			model: undefined,
			n: 1,
			messages: [{ role: "user", content: "hello" }],
			prompt: { text: "hello", system: undefined },
			linksImages: false,
			metadata: undefined,
		});
	});

	it("brings id, system, model and parameters, and keeps what it does not know as metadata", () => {
		const row = build(
			'{"id":12345678901234567890,"prompt":"p","system":"s","model":"m","temperature":0.5,"max_tokens":10,"n":2,"stop":"x","parameters":{"top_p":0.9,"logit_bias":{"1":2}},"answer":"42","big":12345678901234567890}',
			{ parameters: { temperature: 1, seed: 3 } },
		);
		expect(row).toMatchObject({
			id: "12345678901234567890",
			model: "m",
			n: 2,
			messages: [
				{ role: "system", content: "s" },
				{ role: "user", content: "p" },
			],
			parameters: {
				temperature: 0.5,
				maxTokens: 10,
				stop: ["x"],
				topP: 0.9,
				seed: 3,
				extra: { logit_bias: { "1": 2 } },
			},
		});
		expect(JSON.stringify(row.metadata)).toBe('{"answer":"42","big":12345678901234567890}');
	});

	it("of a table holds its parameters as text, and empty cells set nothing", () => {
		const row = build('{"prompt":"p","temperature":"0.5","max_tokens":"","model":"","system":"","id":"a"}');
		expect(row).toMatchObject({ id: "a", model: undefined, parameters: { temperature: 0.5 } });
		expect(row.messages).toHaveLength(1);
	});

	it("takes its prompt from the column that is named", () => {
		const row = build('{"question":"q","answer":"a","prompt":"other"}', { column: "question" });
		expect(row.prompt?.text).toBe("q");
		expect(row.metadata).toEqual({ answer: "a", prompt: "other" });
		expect(build('"line"', { column: "question" }).prompt?.text).toBe("line");
	});

	it("is rendered by the template, and keeps the fields that went into it", () => {
		const row = build('{"text":"hello","id":"1"}', {
			template: compileTemplate("Translate: {{text}} ({{id}})"),
		});
		expect(row.prompt?.text).toBe("Translate: hello (1)");
		expect(row.metadata).toEqual({ text: "hello" });
	});

	it("may bring messages; the system text of the run is for rows without one", () => {
		const messages =
			'"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]';
		expect(build(`{${messages}}`, { system: "run" }).messages).toMatchObject([
			{ role: "system", content: "run" },
			{ role: "user" },
			{ role: "assistant" },
			{ role: "user" },
		]);
		const own = '{"messages":[{"role":"system","content":"own"},{"role":"user","content":"a"}]}';
		expect(build(own, { system: "run" }).messages[0]).toEqual({ role: "system", content: "own" });
		expect(build(own, { system: "run" }).messages).toHaveLength(2);
	});

	it("may be a line of OpenAI's Batch API", () => {
		const row = build(
			'{"custom_id":"r-1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4.1-mini","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":5,"user":"u1","stream":false,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"}}}}}',
		);
		expect(row).toMatchObject({
			id: "r-1",
			model: "gpt-4.1-mini",
			parameters: {
				maxTokens: 5,
				extra: { user: "u1" },
				responseFormat: { type: "json-schema", name: "x", schema: { type: "object" } },
			},
			linksImages: false,
			metadata: undefined,
		});
	});

	it("keeps every nasty string exactly", () => {
		const nasty = "\u0000\u001b[31m\u202e\ud800x\u2028\u0085=1+1\r\n";
		const row = build(JSON.stringify({ id: nasty, prompt: nasty, note: nasty }));
		expect([row.id, row.prompt?.text, row.metadata?.note]).toEqual([nasty, nasty, nasty]);
		expect(Object.keys(build('{"prompt":"p","__proto__":{"x":1}}').metadata ?? {})).toEqual(["__proto__"]);
	});

	it.each([
		["[1]", "a row must be a string or an object, not a list"],
		["{}", 'no field "prompt"; the row has: nothing'],
		['{"text":"x"}', 'no field "prompt"; the row has: text (choose one with --column NAME or --template)'],
		['{"prompt":["x"]}', '"prompt" must be a string, not a list'],
		['{"prompt":" "}', "the prompt is empty"],
		['{"prompt":"p","id":""}', "the id is empty"],
		['{"prompt":"p","id":{}}', "an id must be a string or a number, not an object"],
		['{"prompt":"p","model":5}', '"model" must be a string, not 5'],
		['{"prompt":"p","temperature":"hot"}', '"temperature" must be a number from 0 to 2, not "hot"'],
		['{"prompt":"p","max_tokens":0}', '"max_tokens" must be a whole number of at least 1, not 0'],
		['{"prompt":"p","max_tokens":1.5}', '"max_tokens" must be a whole number of at least 1, not 1.5'],
		['{"prompt":"p","stop":5}', '"stop" must be a non-empty string or a list of such strings, not 5'],
		['{"prompt":"p","reasoning_effort":"lots"}', '"reasoning_effort" must be one of none, '],
		['{"prompt":"p","response_format":"xml"}', '"response_format" must be {"type": "json_object"}'],
		['{"prompt":"p","parameters":[]}', '"parameters" must be an object, not a list'],
		['{"messages":"hi"}', '"messages" must be a list, not "hi"'],
		['{"messages":[]}', '"messages" is empty'],
		['{"system":"a","messages":[{"role":"system","content":"b"}]}', 'both "system" and'],
		['{"custom_id":"1","url":"/v1/embeddings","body":{}}', "only /v1/chat/completions lines can be sent"],
		['{"custom_id":"1","body":{"stream":true,"messages":[]}}', "streaming is not supported"],
		[
			'{"prompt":"p","attachments":"a.png"}',
			'the row attaches the file "a.png"; allow it with --allow-files DIR',
		],
		['{"prompt":"p","attachments":5}', '"attachments" must be a path, a URL or a list of them, not 5'],
	])("is refused when it is %s", (json, message) => {
		expect(problemOf(json)).toContain(message);
	});

	it.each([
		"model",
		"messages",
		"input",
		"contents",
		"stream",
	])("does not turn %s into a parameter", (name) => {
		expect(problemOf(`{"prompt":"p","parameters":{"${name}":"x"}}`)).toBe(
			`"${name}" is set by llmx itself: take it out of the parameters`,
		);
	});

	it.each([
		"base_url",
		"api_base",
		"api_key",
		"apiKey",
		"x-api-key",
		"headers",
		"extra_headers",
		"Authorization",
	])("may not set %s", (name) => {
		const value = JSON.stringify({ [name]: "x" });
		expect(problemOf(`{"prompt":"p","parameters":${value}}`)).toBe(`a row may not set "${name}"`);
		const body = JSON.stringify({ messages: [{ role: "user", content: "x" }], [name]: "x" });
		expect(problemOf(`{"custom_id":"1","body":${body}}`)).toBe(`a row may not set "${name}"`);
		// Beside the request it is a field like any other, and goes nowhere.
		expect(build(JSON.stringify({ prompt: "p", [name]: "x" }))).toMatchObject({
			metadata: { [name]: "x" },
			parameters: {},
		});
	});
});

describe("the hash of a request", () => {
	const hash = (json: string, options: Partial<RowOptions> = {}) => requestHash(build(json, options));

	it("is the same for the same request, however it is written", () => {
		expect(hash('{"prompt":"p","temperature":1,"top_p":0.5}')).toBe(
			hash('{"top_p":0.5,"note":"x","id":"other","temperature":1.0,"prompt":"p"}'),
		);
		expect(hash('{"prompt":"p","system":"s"}')).toBe(hash('"p"', { system: "s" }));
		expect(hash('"p"')).toMatch(/^[0-9a-f]{32}$/);
	});

	it("changes with everything that shapes the answer but the model", () => {
		const rows = [
			'{"prompt":"p"}',
			'{"prompt":"p "}',
			'{"prompt":"p","system":"s"}',
			'{"prompt":"p","temperature":1}',
			'{"prompt":"p","n":2}',
			'{"prompt":"p","response_format":{"type":"json_object"}}',
			'{"prompt":"\\ud800"}',
			'{"prompt":"\\ufffd"}',
		];
		expect(new Set(rows.map((row) => hash(row))).size).toBe(rows.length);
		expect(hash('{"prompt":"p","model":"a"}')).toBe(hash('{"prompt":"p","model":"b"}'));
	});
});

describe("attachments", () => {
	const png = Buffer.from("89504e470d0a1a0a", "hex");
	let folder: string;
	let allowed: AttachmentFolder;

	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "llmx-attach-"));
		mkdirSync(join(folder, "in"));
		writeFileSync(join(folder, "in", "a.png"), png);
		writeFileSync(join(folder, "in", "notes.txt"), "text");
		writeFileSync(join(folder, "secret.png"), png);
		symlinkSync(join(folder, "secret.png"), join(folder, "in", "link.png"));
		symlinkSync(join(folder, "in", "a.png"), join(folder, "in", "fine.png"));
		allowed = new AttachmentFolder(join(folder, "in"));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it("are read from the folder, and are part of the hash", () => {
		const row = build('{"prompt":"p","attachments":["a.png","https://example.com/b.jpg"]}', {
			attachments: allowed,
		});
		expect(row.messages[0]?.content).toEqual([
			{ type: "image", mediaType: "image/png", data: png.toString("base64") },
			{ type: "image", url: "https://example.com/b.jpg" },
			{ type: "text", text: "p" },
		]);
		expect(row.prompt).toBeUndefined();
		const before = requestHash(build('{"prompt":"p","attachments":"fine.png"}', { attachments: allowed }));
		writeFileSync(join(folder, "in", "a.png"), Buffer.concat([png, Buffer.from("more")]));
		const after = requestHash(build('{"prompt":"p","attachments":"fine.png"}', { attachments: allowed }));
		expect(after).not.toBe(before);
	});

	it.each([
		"../secret.png",
		"link.png",
		"in/../../secret.png",
	])("are not read from outside it: %s", (path) => {
		const problem = problemOf(JSON.stringify({ prompt: "p", attachments: path }), { attachments: allowed });
		expect(problem).toMatch(/outside the folder|no such file/);
	});

	it("may be addresses of images, and of nothing else", () => {
		const links = (attachments: string) =>
			build(JSON.stringify({ prompt: "p", attachments }), { attachments: allowed }).linksImages;
		expect(links("https://example.com/photo?id=3")).toBe(true);
		expect(links("a.png")).toBe(false);
		expect(problemOf('{"prompt":"p","attachments":"https://example.com/a.pdf?x=1"}')).toBe(
			'"https://example.com/a.pdf?x=1" is not an image URL; download it and attach the file',
		);
		expect(problemOf('{"prompt":"p","attachments":"https://"}')).toBe('"https://" is not a valid URL');
	});

	it("say what is wrong with them", () => {
		const problem = (path: string) =>
			problemOf(JSON.stringify({ prompt: "p", attachments: path }), { attachments: allowed });
		expect(problem(join(folder, "secret.png"))).toContain("outside the folder");
		expect(problem("none.png")).toBe('cannot read the file "none.png": no such file or folder');
		expect(problem("notes.txt")).toContain("not a supported file type");
		expect(problem(".")).toContain("outside");
	});
});

describe("rows that are data", () => {
	const city =
		'{"id":"a","city":"Rome","temperature":"31.5","model":"Corolla","n":"2","system":"x","parameters":"p"}';
	const template = compileTemplate("Weather in {{city}} at {{temperature}}");

	it("set nothing, whatever their columns are called, and keep it all", () => {
		const builder = new RowBuilder({ ...defaults, template, fieldsAreData: true });
		const row = builder.build({ line: 1, number: 1, value: parseJson(city) });
		expect(row).toMatchObject({ id: "a", model: undefined, parameters: {}, n: 1 });
		expect(row.messages).toEqual([{ role: "user", content: "Weather in Rome at 31.5" }]);
		expect(Object.keys(row.metadata ?? {})).toEqual([
			"city",
			"temperature",
			"model",
			"n",
			"system",
			"parameters",
		]);
		expect([...builder.use.unused]).toEqual(["temperature", "model", "n", "system", "parameters"]);
		expect([...builder.use.parameters]).toEqual([]);
	});

	it("may have messages and attachments among them", () => {
		const row = build('{"prompt":"p","messages":"m","attachments":"/etc/passwd"}', { fieldsAreData: true });
		expect(row.metadata).toEqual({ messages: "m", attachments: "/etc/passwd" });
	});

	it("set parameters where that is asked for", () => {
		const builder = new RowBuilder({ ...defaults, template });
		const row = builder.build({
			line: 1,
			number: 1,
			value: parseJson(city.replace(',"parameters":"p"', "").replace("31.5", "1.5")),
		});
		expect(row).toMatchObject({ model: "Corolla", n: 2, parameters: { temperature: 1.5 } });
		expect([...builder.use.parameters]).toEqual(["temperature", "model", "n", "system"]);
	});
});

describe("the id of a row", () => {
	it("is that of the column that is named, of none, or of the one called id", () => {
		const row = '{"id":"a","key":"k","prompt":"p"}';
		expect([build(row).id, build(row, { id: "key" }).id, build(row, { id: false }).id]).toEqual([
			"a",
			"k",
			"7",
		]);
		expect(build(row, { id: "key" }).metadata).toEqual({ id: "a" });
		expect(build(row, { id: false }).metadata).toEqual({ id: "a", key: "k" });
		expect(problemOf(row, { id: "Key" })).toBe('no field "Key"; did you mean "key"? (--id key)');
	});

	it("is the same for whoever reads ids alone", () => {
		const line = '{"custom_id":"c","key":"k","body":{"messages":[{"role":"user","content":"x"}]}}';
		for (const id of [undefined, false, "key"] as const) {
			expect(idOf({ line: 1, number: 7, value: parseJson(line) }, id)).toBe(build(line, { id }).id);
		}
	});
});

describe("a row without a prompt", () => {
	it.each([
		['{"PROMPT ":"x"}', `did you mean "PROMPT "? (--column 'PROMPT ')`],
		['{"promt":"x"}', 'did you mean "promt"? (--column promt)'],
		['{"question":"x"," a":1}', 'the row has: question, " a" (choose one with --column NAME or --template)'],
		['{"items":[{"prompt":"x"}]}', `the rows seem to be in its list "items": jq -c '.items[]'`],
	])("%s is told which field may be meant", (row, hint) => {
		expect(problemOf(row)).toContain(hint);
	});
});

describe("a field that is nearly a parameter", () => {
	function warned(...rows: readonly object[]) {
		const warnings: string[] = [];
		const builder = new RowBuilder({
			...defaults,
			onWarning: ({ line, text }) => warnings.push(`${line}: ${text}`),
		});
		const built = rows.map((fields, index) =>
			builder.build({ line: index + 1, number: index + 1, value: { prompt: "p", ...fields } }),
		);
		return { parameters: built.map(({ parameters }) => parameters), metadata: built[0]?.metadata, warnings };
	}

	it.each([
		[{ effort: "low" }, { reasoningEffort: "low" }],
		[{ maxTokens: 5 }, { maxTokens: 5 }],
		[{ max_completion_tokens: 5 }, { maxTokens: 5 }],
		[{ max_output_tokens: 5 }, { maxTokens: 5 }],
		[{ "top-p": 0.5 }, { topP: 0.5 }],
		[{ "Top K": "3" }, { topK: 3 }],
		[{ Temperature: 0.5 }, { temperature: 0.5 }],
		[{ stop_sequences: ["x"] }, { stop: ["x"] }],
		[{ parameters: { effort: "low", maxTokens: 5 } }, { reasoningEffort: "low", maxTokens: 5 }],
		[{ max_tokens: 5, max_completion_tokens: 5 }, { maxTokens: 5 }],
	])("is taken as it where it can mean nothing else: %j", (fields, parameters) => {
		expect(warned(fields)).toEqual({ parameters: [parameters], metadata: undefined, warnings: [] });
	});

	it.each([
		[
			{ effort: "3 days" },
			'"effort" is kept as metadata, not sent: as reasoning_effort it must be one of none, ',
		],
		[{ Seed: "apple" }, '"Seed" is kept as metadata, not sent: as seed it must be a whole number'],
		[{ temprature: 0.5 }, '"temprature" is kept as metadata, not sent; did you mean "temperature"?'],
		[{ max_token: 5 }, '"max_token" is kept as metadata, not sent; did you mean "max_tokens"?'],
		[{ temp: 0.5 }, '"temp" is kept as metadata, not sent; did you mean "temperature"?'],
		[
			{ schema: { type: "object" } },
			'"schema" is kept as metadata, not sent; did you mean "response_format"?',
		],
		[
			{ repetition_penalty: 0.1 },
			'"repetition_penalty" is kept as metadata, not sent; put it into "parameters" to send it',
		],
	])("is warned of, once and with its line, where it may mean something else: %j", (fields, warning) => {
		const found = warned(fields, fields);
		expect(found.warnings).toEqual([expect.stringMatching(/^1: /)]);
		expect(found.warnings[0]).toContain(warning);
		expect(found.parameters).toEqual([{}, {}]);
		expect(found.metadata).toEqual(fields);
	});

	it("is data where the template or the preset asks for it", () => {
		const fields = '{"effort":"low","maxTokens":5,"temprature":1,"topic":"tea"}';
		const warnings: string[] = [];
		const row = build(fields, {
			template: compileTemplate("{{effort}} {{maxTokens}} {{temprature}} {{where}}"),
			variables: { where: "here" },
			onWarning: ({ text }) => warnings.push(text),
		});
		expect(row).toMatchObject({
			parameters: {},
			metadata: JSON.parse(fields),
			prompt: { text: "low 5 1 here" },
		});
		expect(warnings).toEqual([]);
	});

	it("is sent as it is, and warned of, where rows name providers' own parameters", () => {
		const { warnings, parameters } = warned({ parameters: { temprature: 0.5, repetition_penalty: 0.1 } });
		expect(parameters).toEqual([{ extra: { temprature: 0.5, repetition_penalty: 0.1 } }]);
		expect(warnings).toEqual(['1: "temprature" is sent as it is; did you mean "temperature"?']);
	});

	it.each([
		{
			answer: "x",
			temp: 31.5,
			tokens: 5,
			topic: "a",
			shop: "b",
			efforts: null,
			schema: "CREATE TABLE t",
			steps: 3,
		},
		{ effort: null, seeds: 3, stopped: true, top: 1, tempo: "allegro", maximum: 5 },
	])("is the user's own where it is near nothing: %j", (fields) => {
		expect(warned(fields)).toMatchObject({ parameters: [{}], metadata: fields, warnings: [] });
	});

	it("is refused where its value is wrong and it can mean nothing else, or where two disagree", () => {
		expect(problemOf('{"prompt":"p","maxTokens":0}')).toBe(
			'"maxTokens" must be a whole number of at least 1, not 0',
		);
		expect(problemOf('{"prompt":"p","max_tokens":5,"max_completion_tokens":6}')).toBe(
			'"max_tokens" and "max_completion_tokens" are the same parameter, with different values',
		);
	});
});
