/** Speaks OpenAI's wire on loopback: answers after so many ms as the path begins with (`/25/v1`), whatever it is asked. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const answer = JSON.stringify({
	id: "chatcmpl-1",
	object: "chat.completion",
	created: 1,
	model: "m",
	choices: [
		{ index: 0, message: { role: "assistant", content: "an answer of a few words" }, finish_reason: "stop" },
	],
	usage: { prompt_tokens: 9, completion_tokens: 6, total_tokens: 15 },
});
const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(answer) };

const server = createServer((request, response) => {
	const latencyMs = Number(/^\/(\d+)\//.exec(request.url ?? "")?.[1] ?? 0);
	const send = () => response.writeHead(200, headers).end(answer);
	process.send?.("request");
	request.resume().on("end", () => (latencyMs > 0 ? setTimeout(send, latencyMs) : send()));
});
server.keepAliveTimeout = 60_000;
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
	process.send?.((server.address() as AddressInfo).port);
});
