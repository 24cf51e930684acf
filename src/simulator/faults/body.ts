import { createGzip, gzipSync } from "node:zlib";
import type { Call } from "../call.ts";
import { eventStream, json } from "../call.ts";
import { allFrames } from "../wires/wire.ts";
import { cutAfter, stallMs } from "./connection.ts";
import { type Fault, speaksOpenAi } from "./fault.ts";

const mebibyte = 1024 * 1024;
const page = "<!doctype html><html><head><title>Welcome</title></head><body><p>It works!</p></body></html>";

/** A 200 whose body is not an API response. */
function wrongBody(name: string, does: string, contentType: string | undefined, body: string): Fault {
	return {
		name,
		row: "15",
		does,
		play: (call) => call.send(200, contentType ?? (call.request.stream ? call.streamType : json), body),
	};
}

/** The whole answer as the bytes of its body. */
export function bodyOf(call: Call): string {
	return call.request.stream ? call.encode(allFrames(call.frames)) : call.plainBody;
}

function typeOf(call: Call): string {
	return call.request.stream ? call.streamType : json;
}

/** Opens the answer without a content-length. */
function open(call: Call, headers: readonly string[] = []): void {
	call.response.writeHead(200, ["content-type", typeOf(call), ...headers, ...call.limitHeaders]);
}

/** Sends a content-length and a share of the body that do not agree, then closes. */
async function lie(call: Call, announcedShare: number, sentShare: number): Promise<void> {
	const body = Buffer.from(bodyOf(call));
	const share = (part: number) => Math.floor(body.length * part);
	const head = `HTTP/1.1 200 OK\r\ncontent-type: ${typeOf(call)}\r\ncontent-length: ${share(announcedShare)}\r\n\r\n`;
	const bytes = Buffer.concat([Buffer.from(head), body.subarray(0, share(sentShare))]);
	await new Promise((resolve) => call.socket.write(bytes, resolve));
	call.socket.end();
}

/** The text of a plain answer or a first delta, cut open so that more text can be put inside. */
function aroundText(call: Call): { before: string; after: string } {
	const { request, wire } = call;
	const marker = "\u2063MARKER\u2063";
	const answer = {
		...call.answer,
		choices: [{ text: marker, reasoning: "", finish: "stop" as const }],
	};
	const text = request.stream
		? call.encode(wire.frames(request, answer, call.id).content)
		: wire.plain(request, answer, call.id);
	const at = text.indexOf(marker);
	return { before: text.slice(0, at), after: text.slice(at + marker.length) };
}

export const bodyFaults: readonly Fault[] = [
	{
		name: "redirect-host",
		row: "14",
		does: "redirects (307) to another host",
		value: "the location (http://elsewhere.invalid/)",
		play: (call, value = "http://elsewhere.invalid/") =>
			call.send(307, "text/plain", "", ["location", value]),
	},
	{
		name: "redirect-loop",
		row: "14",
		does: "redirects (307) to the same URL, always",
		play: (call) => call.send(307, "text/plain", "", ["location", call.request.path]),
	},
	wrongBody("html-200", "answers 200 with an HTML page", "text/html; charset=utf-8", page),
	wrongBody("text-200", "answers 200 with plain text", "text/plain", "upstream connect error or disconnect"),
	wrongBody("empty-200", "answers 200 with an empty body", undefined, ""),
	wrongBody("null-200", "answers 200 with `null`", json, "null"),
	wrongBody("object-200", "answers 200 with `{}`", json, "{}"),
	wrongBody(
		"bad-json-200",
		"answers 200 with JSON that breaks off",
		json,
		'{"id": "x", "choices": [{"index": 0, "mess',
	),
	{
		name: "json-for-stream",
		row: "15",
		does: "answers a streaming request with the plain JSON answer",
		on: "stream",
		play: (call) => call.send(200, json, call.plainBody),
	},
	{
		name: "error-200",
		row: "16",
		does: 'answers 200 with {"error": …}',
		value: "the status it means (429)",
		play(call, value = "429") {
			// OpenAI-compatible servers put the status in `code` when it happens inside a 200.
			const code = speaksOpenAi(call) ? Number(value) : undefined;
			const message = `Simulated failure ${value} inside a 200.`;
			call.send(200, json, call.wire.error(Number(value), { message, code }));
		},
	},
	{
		name: "short-content-length",
		row: "18",
		does: "announces the whole body, sends half of it, then closes",
		play: (call) => lie(call, 1, 0.5),
	},
	{
		name: "lying-content-length",
		row: "18",
		does: "sends the whole body but announces half of it, then closes",
		play: (call) => lie(call, 0.5, 1),
	},
	{
		name: "cut-chunked",
		row: "18",
		does: "sends half of a chunked body, then cuts the connection",
		on: "plain",
		async play(call) {
			open(call);
			await cutAfter(call, bodyOf(call).slice(0, Math.floor(bodyOf(call).length / 2)));
		},
	},
	{
		name: "stall-after-headers",
		row: "20",
		does: "sends the response headers, then stalls",
		value: "ms after which it goes on; without it never",
		async play(call, value) {
			open(call);
			call.response.flushHeaders();
			if (await call.sleep(stallMs(value))) call.response.end(bodyOf(call));
		},
	},
	{
		name: "stall-mid-body",
		row: "20",
		does: "sends half of the body, then stalls",
		on: "plain",
		value: "ms after which it goes on; without it never",
		async play(call, value) {
			const body = bodyOf(call);
			const half = Math.floor(body.length / 2);
			open(call);
			call.response.write(body.slice(0, half));
			if (await call.sleep(stallMs(value))) call.response.end(body.slice(half));
		},
	},
	{
		name: "trickle",
		row: "21",
		does: "sends the answer one byte at a time",
		value: "ms between two bytes (1000)",
		async play(call, value = "1000") {
			const bytes = Buffer.from(bodyOf(call));
			open(call);
			for (let at = 0; at < bytes.length; at++) {
				call.response.write(bytes.subarray(at, at + 1));
				if (!(await call.sleep(Number(value)))) return;
			}
			call.response.end();
		},
	},
	{
		name: "giant-line",
		row: "21",
		does: "sends one delta whose line is 32 MiB long",
		on: "stream",
		value: "the size in MiB (32)",
		async play(call, value = "32") {
			const { before, after } = aroundText(call);
			open(call);
			await call.write(before);
			for (let sent = 0; sent < Number(value) && !call.ended; sent++) await call.write("a".repeat(mebibyte));
			call.response.end(after + call.encode(call.frames.finish));
		},
	},
	{
		name: "endless-body",
		row: "21",
		does: "sends an answer whose text never ends",
		on: "plain",
		async play(call) {
			open(call);
			await call.write(aroundText(call).before);
			while (!call.ended) await call.write("endless ".repeat(8_192));
		},
	},
	{
		name: "gzip",
		row: "21",
		does: "compresses the answer properly",
		play: (call) => call.send(200, typeOf(call), gzipSync(bodyOf(call)), ["content-encoding", "gzip"]),
	},
	{
		name: "gzip-bomb",
		row: "21",
		does: "a small compressed body that grows to 256 MiB",
		value: "the size in MiB (256)",
		async play(call, value = "256") {
			open(call, ["content-encoding", "gzip"]);
			const gzip = createGzip();
			gzip.pipe(call.response);
			gzip.write(aroundText(call).before);
			const block = Buffer.alloc(mebibyte, "a");
			for (let sent = 0; sent < Number(value) && !call.ended; sent++)
				await new Promise((resolve) => gzip.write(block, resolve));
			if (call.ended) {
				gzip.destroy();
				return;
			}
			gzip.end(aroundText(call).after);
		},
	},
	{
		name: "invalid-gzip",
		row: "21",
		does: "says gzip but sends something else",
		play: (call) =>
			call.send(200, typeOf(call), Buffer.from("\u001f\u008bnot gzip at all", "latin1"), [
				"content-encoding",
				"gzip",
			]),
	},
	{
		name: "cut-gzip",
		row: "18",
		does: "a compressed body that ends early, with a content-length that agrees",
		play(call) {
			const packed = gzipSync(bodyOf(call));
			call.send(200, typeOf(call), packed.subarray(0, packed.length - 20), ["content-encoding", "gzip"]);
		},
	},
	{
		name: "empty-stream",
		row: "15",
		does: "opens an event stream and ends it without an event",
		on: "stream",
		play: (call) => call.send(200, eventStream, ""),
	},
];
