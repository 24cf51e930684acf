import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ByteSource } from "../../src/http/byte-source.ts";
import type { ServerEvent } from "../../src/http/contract.ts";
import { EventStreamReader } from "../../src/http/sse.ts";
import type { TransportError } from "../../src/http/transport-error.ts";
import { anyText } from "../helpers/any-text.ts";

const MiB = 2 ** 20;

interface Options {
	/** Places at which the bytes are cut into pieces. */
	readonly cuts?: readonly number[];
	readonly contentType?: string;
	readonly eventBytes?: number;
}

/** A body in pieces, which notes how it was left. */
class Pieces implements ByteSource {
	readonly left: string[] = [];
	readonly #pieces: Uint8Array[];

	constructor(bytes: Buffer, cuts: readonly number[]) {
		const places = [...new Set(cuts)].filter((place) => place > 0 && place < bytes.length);
		const ends = [...places.sort((a, b) => a - b), bytes.length];
		this.#pieces = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
	}

	async read(): Promise<Uint8Array | null> {
		return this.#pieces.shift() ?? null;
	}

	readAll(): Promise<Buffer> {
		throw new Error("a stream is never read whole");
	}

	finish(): void {
		this.left.push("finish");
	}

	stop(): void {
		this.left.push("stop");
	}
}

function open(text: string | Buffer, options: Options = {}): { stream: EventStreamReader; pieces: Pieces } {
	const { cuts = [], contentType = "text/event-stream", eventBytes = 8 * MiB } = options;
	const pieces = new Pieces(Buffer.from(text as string), cuts);
	const limits = { origin: "http://sim", eventBytes, bodyBytes: 64 * MiB };
	return { stream: new EventStreamReader(pieces, { contentType, ...limits }), pieces };
}

async function eventsOf(text: string | Buffer, options?: Options): Promise<ServerEvent[]> {
	const { stream } = open(text, options);
	const events: ServerEvent[] = [];
	for (let batch = await stream.read(); batch !== null; batch = await stream.read()) {
		expect(batch.length).toBeGreaterThan(0);
		events.push(...batch);
	}
	return events;
}

async function dataOf(text: string | Buffer, options?: Options): Promise<string[]> {
	return (await eventsOf(text, options)).map(({ data }) => data);
}

const first = '{"choices":[{"delta":{"content":"na\u00efve \u{1f600}"}}]}';
const second = '{"choices":[{"delta":{"content":" \u2028x"},"finish_reason":"stop"}]}';
const plain = `data: ${first}\n\ndata: ${second}\n\ndata: [DONE]\n\n`;

/** The same three events as servers write them. */
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
	"ids and retries": plain.replaceAll("data:", "id: 7\nretry: 3000\nother: x\nno-colon\ndata:"),
	"more blank lines": plain.replaceAll("\n\n", "\n\n\n\n"),
	"no last blank line": plain.slice(0, -2),
	"one newline at the end": plain.slice(0, -1),
	"a CR and no more at the end": `${plain.slice(0, -2)}\r`,
};

describe("a stream of events", () => {
	test.each(Object.entries(forms))("with %s has the same content, cut anywhere", async (_name, text) => {
		const expected = [first, second, "[DONE]"];
		expect(await dataOf(text)).toEqual(expected);
		const length = Buffer.byteLength(text);
		for (let cut = 1; cut < length; cut++) expect(await dataOf(text, { cuts: [cut] })).toEqual(expected);
		const everywhere = Array.from({ length }, (_, index) => index + 1);
		expect(await dataOf(text, { cuts: everywhere })).toEqual(expected);
	});

	test("has the data that was written, whatever it is and however it is cut", async () => {
		await fc.assert(
			fc.asyncProperty(
				fc.array(anyText(), { minLength: 1, maxLength: 5 }),
				fc.array(fc.nat(400)),
				fc.constantFrom("\n", "\r\n", "\r"),
				async (texts, cuts, lineEnd) => {
					const written = texts.map((text) => JSON.stringify({ text }));
					const stream = written.map((data) => `data: ${data}${lineEnd}${lineEnd}`).join("");
					expect(await dataOf(stream, { cuts })).toEqual(written);
				},
			),
		);
	});

	test("says of each event whether it was ended", async () => {
		expect(await eventsOf("data: a\n\ndata: b")).toEqual([
			{ name: undefined, data: "a", ended: true },
			{ name: undefined, data: "b", ended: false },
		]);
		expect(await eventsOf("data: a\n\n")).toEqual([{ name: undefined, data: "a", ended: true }]);
		expect(await eventsOf("data: a\n\n: bye")).toHaveLength(1);
	});

	test("keeps the names of events, and their lines", async () => {
		const stream = 'event: message_start\ndata: {"a":\ndata: 1}\n\nevent: error\ndata: {"b":2}\n\n';
		const expected = [
			{ name: "message_start", data: '{"a":\n1}', ended: true },
			{ name: "error", data: '{"b":2}', ended: true },
		];
		expect(await eventsOf(stream)).toEqual(expected);
		const crlf = stream.replaceAll("\n", "\r\n");
		for (let cut = 1; cut < crlf.length; cut++)
			expect(await eventsOf(crlf, { cuts: [cut] })).toEqual(expected);
	});

	test("hands on every heartbeat, for the wire to pass over", async () => {
		const stream =
			"data:\n\ndata: \n\nevent: ping\ndata: \n\ndata: keep-alive\n\ndata: null\n\ndata: [DONE] \n\n";
		expect(await dataOf(stream)).toEqual(["", "", "", "keep-alive", "null", "[DONE] "]);
	});

	test("is known by its content when its type is wrong", async () => {
		for (const options of [
			{ contentType: "text/plain" },
			{ contentType: "", cuts: [1, 2] },
			{ contentType: "application/json", cuts: [1, 2, 3, 4] },
		]) {
			expect(await dataOf(plain, options)).toHaveLength(3);
			expect(await dataOf(`: hi\n\n${plain}`, options)).toHaveLength(3);
		}
	});

	test("shows an error written into it as bare JSON, cut anywhere", async () => {
		const error = '{"error":\n {"message":"over: loaded"}}';
		for (const end of ["", "\n", "\n\n", `\n\ndata: ${second}\n\n`]) {
			const text = `data: ${first}\n\n${error}${end}`;
			for (let cut = 0; cut < text.length; cut++) {
				const [, shown = ""] = await dataOf(text, { cuts: [cut] });
				expect(JSON.parse(shown)).toEqual(JSON.parse(error));
			}
		}
	});

	test("takes no other stray text for an event", async () => {
		const lines = ["upstream busy", "{ not json }", "[", "<p>"];
		expect(await dataOf(`${lines.join("\n")}\n\ndata: ${first}\n\n`)).toEqual([first]);
	});

	test("is left as its reader says", async () => {
		const whole = open(plain);
		await whole.stream.read();
		whole.stream.finish();
		expect([await whole.stream.read(), whole.pieces.left]).toEqual([null, ["finish"]]);
		const left = open(plain);
		left.stream.stop();
		expect([await left.stream.read(), left.pieces.left]).toEqual([null, ["stop"]]);
	});
});

describe("a document in place of a stream", () => {
	const type = { contentType: "application/json" };

	test("of JSON is one event", async () => {
		expect(await dataOf('{\n  "a": "b\\n"\n}\n', type)).toEqual(['{\n  "a": "b\\n"\n}\n']);
		expect(await dataOf('\ufeff[{"a":1}]', { ...type, cuts: [1, 2, 3, 4] })).toEqual(['[{"a":1}]']);
	});

	test.each([
		["text/html; charset=utf-8", "<!doctype html><p>data: no"],
		["text/plain", "upstream busy"],
		["", "hello"],
	])("of %s is no API response", async (contentType, text) => {
		const shown = contentType === "" ? "no content type" : contentType.split(";")[0];
		for (const cuts of [[], [1], [1, 2, 3]]) {
			const { stream, pieces } = open(text, { contentType, cuts });
			await expect(stream.read()).rejects.toThrow(`not an API response (${shown})`);
			expect(pieces.left).toEqual(["stop"]);
		}
	});

	test.each([
		["application/json", " \n"],
		["", "\ufeff"],
	])("that is empty (%s) says so", async (contentType, text) => {
		const reason = { reason: "empty" } satisfies Partial<TransportError>;
		await expect(eventsOf(text, { contentType })).rejects.toMatchObject(reason);
	});
});

describe("an event", () => {
	const tooLarge = { reason: "too-large" } satisfies Partial<TransportError>;

	test.each(["data: ", "", ": "])("of more than the cap is given up as it comes (%j)", async (field) => {
		const line = `data: {}\n\n${field}${"x".repeat(3_000)}`;
		const cuts = Array.from({ length: 40 }, (_, index) => index * 100);
		await expect(eventsOf(line, { eventBytes: 2_000, cuts })).rejects.toMatchObject(tooLarge);
		expect((await eventsOf(line, { eventBytes: 4_000, cuts })).length).toBeGreaterThan(0);
	});

	test("of many lines without an end is given up, too", async () => {
		const lines = 'data: "x"\n'.repeat(1_000);
		const cuts = Array.from({ length: 100 }, (_, index) => index * 100);
		await expect(eventsOf(lines, { eventBytes: 2_000, cuts })).rejects.toMatchObject(tooLarge);
	});

	test("of nearly 8 MiB in pieces is read", async () => {
		const line = Buffer.concat([
			Buffer.from("data: "),
			Buffer.alloc(8 * MiB - 100, "x"),
			Buffer.from("\n\n"),
		]);
		const cuts = Array.from({ length: 8_192 }, (_, index) => index * 1_024);
		expect((await dataOf(line, { cuts }))[0]).toHaveLength(8 * MiB - 100);
	});
});
