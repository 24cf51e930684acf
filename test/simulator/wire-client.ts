import { connect, type Socket } from "node:net";
import type { WireName } from "../../src/simulator/request.ts";
import type { Simulator } from "../../src/simulator/server.ts";

/** What came over the wire, byte for byte. */
export interface Raw {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	/** With the chunked encoding taken off. */
	readonly body: Buffer;
	readonly text: string;
	/** Everything as it came. */
	readonly bytes: Buffer;
	/** The body reached the end that its framing announced. */
	readonly complete: boolean;
	/** How the server ended the connection; "open" when it had not when we stopped looking. */
	readonly ended: "fin" | "reset" | "open";
	/** How many pieces the body came in. */
	readonly pieces: number;
}

export interface AskOptions {
	readonly wire?: WireName;
	readonly stream?: boolean;
	readonly model?: string;
	readonly key?: string;
	readonly array?: boolean;
	readonly extra?: Readonly<Record<string, unknown>>;
	/** Stop reading as soon as this is true of what has come; without it, at the end of the response. */
	readonly until?: (raw: Raw) => boolean;
	/** Use this connection, and leave it open. */
	readonly socket?: Socket;
}

/** Sends one request as raw bytes and reads what comes back. */
export function ask(simulator: Simulator, prompt: string, options: AskOptions = {}): Promise<Raw> {
	const socket = options.socket ?? connect(simulator.port, "127.0.0.1");
	return new Promise((resolve) => {
		const chunks: Buffer[] = [];
		let ended: Raw["ended"] = "open";
		const look = () => parse(Buffer.concat(chunks), ended);
		const finish = () => {
			socket.removeAllListeners();
			socket.on("error", () => {});
			const raw = look();
			if (options.socket === undefined) socket.destroy();
			resolve(raw);
		};
		socket.on("data", (chunk) => {
			chunks.push(chunk);
			const raw = look();
			if (options.until === undefined ? raw.complete : options.until(raw)) finish();
		});
		socket.on("error", () => {
			ended = "reset";
		});
		socket.on("close", () => {
			ended = ended === "reset" ? "reset" : "fin";
			finish();
		});
		socket.on("end", () => {
			ended = "fin";
		});
		socket.write(requestBytes(prompt, options));
	});
}

function requestBytes(prompt: string, options: AskOptions): string {
	const { wire = "openai", stream = false, model = "echo", key = "sk-test", extra = {} } = options;
	const paths = {
		openai: "/v1/chat/completions",
		responses: "/v1/responses",
		anthropic: "/v1/messages",
		gemini: `/v1beta/models/${encodeURIComponent(model)}:${stream ? `streamGenerateContent${options.array ? "" : "?alt=sse"}` : "generateContent"}`,
	};
	const messages = [{ role: "user", content: prompt }];
	const bodies = {
		openai: { model, messages, stream, ...(stream ? { stream_options: { include_usage: true } } : {}) },
		responses: { model, input: messages, stream },
		anthropic: { model, messages, stream, max_tokens: 100_000 },
		gemini: { contents: [{ role: "user", parts: [{ text: prompt }] }] },
	};
	const body = JSON.stringify({ ...bodies[wire], ...extra });
	return `POST ${paths[wire]} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function parse(bytes: Buffer, ended: Raw["ended"]): Raw {
	const headEnd = bytes.indexOf("\r\n\r\n");
	const none = {
		status: 0,
		headers: {},
		body: Buffer.alloc(0),
		text: "",
		bytes,
		complete: false,
		ended,
		pieces: 0,
	};
	if (headEnd < 0) return none;
	const [statusLine = "", ...lines] = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
	const headers = Object.fromEntries(
		lines.map((line) => [
			line.slice(0, line.indexOf(":")).toLowerCase(),
			line.slice(line.indexOf(":") + 1).trim(),
		]),
	);
	const rest = bytes.subarray(headEnd + 4);
	const framed =
		headers["transfer-encoding"] === "chunked" ? dechunk(rest) : withLength(rest, headers["content-length"]);
	return {
		...none,
		status: Number(statusLine.split(" ")[1]),
		headers,
		...framed,
		text: framed.body.toString(),
	};
}

function withLength(rest: Buffer, length: string | undefined): Pick<Raw, "body" | "complete" | "pieces"> {
	const announced = Number(length ?? Number.POSITIVE_INFINITY);
	return { body: rest.subarray(0, announced), complete: rest.length >= announced, pieces: 1 };
}

function dechunk(rest: Buffer): Pick<Raw, "body" | "complete" | "pieces"> {
	const pieces: Buffer[] = [];
	let at = 0;
	for (;;) {
		const lineEnd = rest.indexOf("\r\n", at);
		const size =
			lineEnd < 0 ? Number.NaN : Number.parseInt(rest.subarray(at, lineEnd).toString("latin1"), 16);
		if (Number.isNaN(size) || size === 0) {
			return { body: Buffer.concat(pieces), complete: size === 0, pieces: pieces.length };
		}
		pieces.push(rest.subarray(lineEnd + 2, Math.min(rest.length, lineEnd + 2 + size)));
		at = lineEnd + 2 + size + 2;
	}
}

/** The `data:` payloads of a stream written in LF or CRLF. */
export function dataOf(text: string): string[] {
	return text
		.split(/\r?\n/)
		.filter((line) => line.startsWith("data: "))
		.map((line) => line.slice(6));
}

/** The text that the deltas of an OpenAI stream add up to. */
export function streamedText(text: string): string {
	return dataOf(text)
		.filter((data) => data.startsWith("{"))
		.map((data) => JSON.parse(data).choices?.[0]?.delta?.content ?? "")
		.join("");
}
