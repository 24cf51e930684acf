/**
 * The trivial server of the throughput bench, in a process of its own: reads requests off kept connections and answers
 * each with the same bytes. Sends its port to the parent.
 */
import { type AddressInfo, createServer } from "node:net";

const answer = JSON.stringify({
	id: "chatcmpl-bench",
	object: "chat.completion",
	created: 1_700_000_000,
	model: "gpt-4.1-mini-2025-04-14",
	choices: [
		{
			index: 0,
			message: { role: "assistant", content: "Paris is the capital of France.", refusal: null },
			logprobs: null,
			finish_reason: "stop",
		},
	],
	usage: {
		prompt_tokens: 14,
		completion_tokens: 8,
		total_tokens: 22,
		prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
		completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
	},
});
const response = Buffer.from(
	`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${answer.length}\r\n\r\n${answer}`,
);

const server = createServer({ noDelay: true }, (socket) => {
	/** The bytes of a request that is not whole yet; all of it is ASCII. */
	let held = "";
	socket.on("error", () => {});
	socket.on("data", (bytes) => {
		held += bytes.toString("latin1");
		for (;;) {
			const head = held.indexOf("\r\n\r\n");
			if (head < 0) return;
			const length = Number(/\r\ncontent-length: *(\d+)/i.exec(held)?.[1] ?? 0);
			if (held.length < head + 4 + length) return;
			held = held.slice(head + 4 + length);
			socket.write(response);
		}
	});
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit());
