import { randomBytes } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Call, json } from "../call.ts";
import { allFrames } from "../wires/wire.ts";
import { bodyOf } from "./body.ts";
import { changed } from "./change.ts";
import type { Fault } from "./fault.ts";
import { sendFrames } from "./frames.ts";

/** Bodies of 200 that carry an error in a shape of their own. */
const errorShapes: Readonly<Record<string, object>> = {
	base_resp: { base_resp: { status_code: 1002, status_msg: "rate limit exceeded (RPM)" }, choices: null },
	code: { code: 1302, msg: "rate limit reached for requests", data: null },
	error_code: { error_code: 336501, error_msg: "the daily request limit is reached", data: null },
	errors: { errors: [{ message: "the worker is out of memory" }] },
	success: { success: false, message: "the upstream model is out of order" },
};

/** What stands where an error would, in an answer that is none. */
const emptyErrors: Readonly<Record<string, unknown>> = {
	fields: { message: "", type: "", param: "", code: null },
	object: {},
	text: "",
	list: [],
};

/** The answer with something put beside it: into its JSON, or into that of each frame of a stream. */
function sendBeside(call: Call, fields: Readonly<Record<string, unknown>>): void {
	if (call.request.stream)
		sendFrames(
			call,
			changed(allFrames(call.frames), call, (body) => Object.assign(body, fields)),
		);
	else call.send(200, json, JSON.stringify({ ...JSON.parse(call.plainBody), ...fields }));
}

/** The answer made so large that it fills many packets however well it is compressed. */
function padded(call: Call, bytes: number): Buffer {
	const padding = randomBytes(bytes).toString("base64");
	const body = bodyOf(call);
	if (!call.request.stream) return Buffer.from(JSON.stringify({ padding, ...JSON.parse(body) }));
	return Buffer.from(
		call.request.streamFormat === "array" ? `${" ".repeat(bytes)}${body}` : `: ${padding}\n\n${body}`,
	);
}

/** What stands between a client and a model, and is right by the letter. */
export const gatewayFaults: readonly Fault[] = [
	{
		name: "error-empty",
		row: "16",
		does: "puts an `error` that says nothing into a good answer",
		value: `which: ${Object.keys(emptyErrors).join(", ")} (fields)`,
		play: (call, value = "fields") => sendBeside(call, { error: emptyErrors[value] ?? null }),
	},
	{
		name: "error-shape",
		row: "16",
		does: "answers 200 with an error in a shape of the provider's own",
		value: `which: ${Object.keys(errorShapes).join(", ")} (base_resp)`,
		play: (call, value = "base_resp") => call.send(200, json, JSON.stringify(errorShapes[value] ?? {})),
	},
	{
		name: "gzip-close",
		row: "24b",
		does: "compresses a large answer that nobody asked to be compressed, and closes the connection right behind it",
		value: "KB on the wire (200)",
		async play(call, value = "200") {
			const packed = gzipSync(padded(call, Number(value) * 1024));
			const type = call.request.stream ? call.streamType : json;
			const head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\ncontent-encoding: gzip\r\ncontent-length: ${packed.length}\r\n\r\n`;
			call.socket.end(Buffer.concat([Buffer.from(head), packed]));
		},
	},
	{
		name: "continue-first",
		row: "24b",
		does: "sends `100 Continue`, which nobody asked for, before the answer",
		value: "ms between the two (0)",
		async play(call, value = "0") {
			call.socket.write("HTTP/1.1 100 Continue\r\n\r\n");
			if (await call.sleep(Number(value))) await call.respond(undefined);
		},
	},
];
