import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventStreamNormaliser } from "../../src/http/event-stream.ts";
import { TransportError } from "../../src/http/transport-error.ts";

const MiB = 2 ** 20;

/** What comes out for `text` cut at the given places. */
function through(
	text: string | Buffer,
	{
		cuts = [],
		contentType = "text/event-stream",
		eventBytes = 8 * MiB,
	}: {
		cuts?: readonly number[];
		contentType?: string;
		eventBytes?: number;
	} = {},
): string {
	const bytes = Buffer.from(text);
	const normaliser = new EventStreamNormaliser({
		contentType,
		eventBytes,
		bodyBytes: 64 * MiB,
		origin: "http://sim",
	});
	const out: Buffer[] = [];
	let start = 0;
	for (const cut of [...cuts.filter((place) => place < bytes.length).sort((a, b) => a - b), bytes.length]) {
		out.push(normaliser.push(bytes.subarray(start, cut)) ?? Buffer.alloc(0));
		start = cut;
	}
	out.push(normaliser.end() ?? Buffer.alloc(0));
	return Buffer.concat(out).toString();
}

const first = '{"choices":[{"delta":{"content":"na\u00efve \u{1f600}"}}]}';
const second = '{"choices":[{"delta":{"content":" \u2028x"},"finish_reason":"stop"}]}';
const plain = `data: ${first}\n\ndata: ${second}\n\ndata: [DONE]\n\n`;

/** The same two events as servers write them. */
const forms: Readonly<Record<string, string>> = {
	plain,
	CRLF: plain.replaceAll("\n", "\r\n"),
	CR: plain.replaceAll("\n", "\r"),
	"a BOM": `\ufeff${plain}`,
	"a BOM and CRLF": `\ufeff${plain.replaceAll("\n", "\r\n")}`,
	"no space": plain.replaceAll("data: ", "data:"),
	"comments between": `: hello\n\n${plain.replaceAll("data:", ": keep-alive\n\ndata:")}`,
	"comments before the data": plain.replaceAll("data:", ": keep-alive\ndata:"),
	"the default event's name": plain.replaceAll("data:", "event: message\ndata:"),
	"ids and retries": plain.replaceAll("data:", "id: 7\nretry: 3000\ndata:"),
	"more blank lines": plain.replaceAll("\n\n", "\n\n\n\n"),
	"no last blank line": plain.slice(0, -2),
	"one newline at the end": plain.slice(0, -1),
};

/** The data of each event, as an SDK would see it. */
function dataOf(events: string): string[] {
	return events
		.split("\n\n")
		.filter((event) => event.trim() !== "")
		.map((event) => event.replace(/^data: ?/, ""));
}

describe("a stream of events", () => {
	test.each(Object.entries(forms))("with %s has the same content, cut anywhere", (_name, text) => {
		const expected = [first, second, "[DONE]"];
		expect(dataOf(through(text))).toEqual(expected);
		const length = Buffer.byteLength(text);
		for (let cut = 1; cut < length; cut++) expect(dataOf(through(text, { cuts: [cut] }))).toEqual(expected);
		const everywhere = Array.from({ length }, (_, index) => index + 1);
		expect(dataOf(through(text, { cuts: everywhere }))).toEqual(expected);
	});

	test("in the plain form passes byte for byte, whatever the cuts", () => {
		fc.assert(
			fc.property(
				fc.array(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 5 }),
				fc.array(fc.nat(400)),
				(texts, cuts) => {
					const stream = texts.map((text) => `data: ${JSON.stringify({ text })}\n\n`).join("");
					expect(through(stream, { cuts })).toBe(stream);
				},
			),
		);
	});

	test("keeps the names of events", () => {
		const stream = 'event: message_start\ndata: {"a":1}\n\nevent: error\ndata: {"b":2}\n\n';
		expect(through(stream)).toBe(stream);
		expect(through(`: x\n${stream}`)).toBe(stream);
		const crlf = stream.replaceAll("\n", "\r\n");
		for (let cut = 1; cut < crlf.length; cut++) expect(through(crlf, { cuts: [cut] })).toBe(stream);
	});

	test("with data over several lines has it on one", () => {
		expect(through('data: {"a":\ndata: "b"}\n\n')).toBe('data: {"a": "b"}\n\n');
	});

	test("ends at [DONE], whatever follows", () => {
		expect(through(`${plain}data: {"more":1}\n\n`)).toBe(plain);
		expect(through(`${plain}data: {"more":1}\n\n`, { cuts: [plain.length] })).toBe(plain);
	});

	test("does not end at a text that only speaks of [DONE]", () => {
		const stream = 'data: "data: [DONE]"\n\ndata: {"a":"[DONE]\\n\\ndata: [DONE]"}\n\n';
		expect(through(stream)).toBe(stream);
	});

	test("ends at Anthropic's message_stop with its data", () => {
		const stop = 'event: message_stop\ndata: {"type":"message_stop"}\n\n';
		expect(through(`${stop}event: ping\ndata: {}\n\n`)).toBe(stop);
	});

	test("is known by its content when its type is wrong", () => {
		expect(through(plain, { contentType: "text/plain" })).toBe(plain);
		expect(through(`: hi\n\n${plain}`, { contentType: "", cuts: [1, 2] })).toBe(plain);
		expect(through(plain, { contentType: "application/json", cuts: [1, 2, 3, 4] })).toBe(plain);
	});

	test("shows an error written into it as bare JSON", () => {
		const error = '{"error":{"message":"overloaded"}}';
		expect(through(`data: ${first}\n\n${error}\n\n`)).toBe(`data: ${first}\n\ndata: ${error}\n\n`);
		expect(through(error)).toBe(`data: ${error}\n\n`);
	});
});

describe("a document in place of a stream", () => {
	const type = { contentType: "application/json" };

	test("of JSON becomes one event", () => {
		expect(through('{\n  "a": "b\\n"\n}\n', type)).toBe('data: {   "a": "b\\n" }\n\n');
		expect(through('\ufeff{"a":1}', { ...type, cuts: [1, 2, 3, 4] })).toBe('data: {"a":1}\n\n');
	});

	test("of a JSON array becomes an event for each element", () => {
		expect(through('[{"a":1}\n,\r\n{"a":2}]', type)).toBe('data: {"a":1}\n\ndata: {"a":2}\n\n');
	});

	test.each([
		["text/html; charset=utf-8", "<!doctype html><p>data: no"],
		["text/plain", "upstream busy"],
		["", "hello"],
	])("of %s is no API response", (contentType, text) => {
		const shown = contentType === "" ? "no content type" : contentType.split(";")[0];
		for (const cuts of [[], [1], [1, 2, 3]]) {
			expect(() => through(text, { contentType, cuts })).toThrow(`not an API response (${shown})`);
		}
	});

	test.each([
		["text/event-stream", ""],
		["application/json", " \n"],
		["", "\ufeff"],
	])("that is empty (%s) says so", (contentType, text) => {
		expect(() => through(text, { contentType })).toThrow(
			expect.objectContaining({ reason: "empty" }) as TransportError,
		);
	});
});

describe("an event", () => {
	test("of more than the cap is given up as it comes", () => {
		const line = `data: ${"x".repeat(3_000)}`;
		const cuts = Array.from({ length: 30 }, (_, index) => index * 100);
		expect(() => through(line, { eventBytes: 2_000, cuts })).toThrow(TransportError);
		expect(() => through(line, { eventBytes: 4_000, cuts })).not.toThrow();
	});

	test("of 8 MiB in pieces costs no more than its bytes", () => {
		const line = Buffer.concat([
			Buffer.from("data: "),
			Buffer.alloc(8 * MiB - 100, "x"),
			Buffer.from("\n\n"),
		]);
		const cuts = Array.from({ length: 8_192 }, (_, index) => index * 1_024);
		const started = process.cpuUsage();
		expect(through(line, { cuts })).toHaveLength(line.length);
		expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
	});
});
