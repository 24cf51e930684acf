/** Speaks OpenAI's wire on loopback: answers after so many ms as the path begins with (`/25/v1`), whatever it is asked. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const text = "an answer of a few words";
const usage = { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 };
const common = { id: "chatcmpl-1", created: 1, model: "m" };
const answer = JSON.stringify({
	...common,
	object: "chat.completion",
	choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
	usage,
});
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(answer) };
const parts = [
	{ choices: [{ index: 0, delta: { role: "assistant", content: text }, finish_reason: null }] },
	{ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage },
].map((part) => JSON.stringify({ ...common, object: "chat.completion.chunk", ...part }));
const stream = [...parts, "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
const streamHeaders = { "content-type": "text/event-stream" };

let answered = 0;
process.on("message", () => process.send?.({ answered }));

const server = createServer((request, response) => {
	const latencyMs = Number(/^\/(\d+)\//.exec(request.url ?? "")?.[1] ?? 0);
	process.send?.("request");
	let isStreamed = false;
	const send = () => {
		answered += 1;
		if (isStreamed) response.writeHead(200, streamHeaders).end(stream);
		else response.writeHead(200, headers).end(answer);
	};
	request.on("data", (data: Buffer) => {
		isStreamed ||= /"stream":\s*true/.test(data.toString("latin1"));
	});
	request.on("end", () => (latencyMs > 0 ? setTimeout(send, latencyMs) : send()));
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
	process.send?.((server.address() as AddressInfo).port);
});
