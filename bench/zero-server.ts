/**
 * A server that answers every chat completion with the same bytes, after so many ms as it is told, at once without;
 * prints its port. For benches only.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const body = Buffer.from(
	JSON.stringify({
		id: "chatcmpl-1",
		object: "chat.completion",
		created: 1,
		model: "m",
		choices: [
			{
				index: 0,
				message: { role: "assistant", content: "An answer of a few words." },
				finish_reason: "stop",
			},
		],
		usage: { prompt_tokens: 20, completion_tokens: 6, total_tokens: 26 },
	}),
);
const headers = { "content-type": "application/json", "content-length": body.length };

const latencyMs = Number(process.argv[2] ?? 0);

const server = createServer((request, response) => {
	const answer = () => {
		response.writeHead(200, headers);
		response.end(body);
	};
	request.resume();
	request.on("end", () => (latencyMs === 0 ? answer() : setTimeout(answer, latencyMs)));
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => {
	process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
