import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { findPrice } from "../../src/models/pricing.ts";
import { seededRandom } from "../batch/helpers/random.ts";

export const model = "openai/gpt-4.1-mini";

/** What the server's own books say of one request. */
export interface Billing {
	/** USD. No two requests cost the same, so that each is known again wherever its cost stands. */
	readonly usd: number;
	/** Whether the answer told its usage, and was sent whole. */
	readonly told: boolean;
}

/** How a request ends, and how often of a hundred times. */
const endings = [
	["answered", 66],
	["filtered", 8],
	["unmetered", 6],
	["refused", 10],
	["cut", 5],
	["reset", 5],
] as const;
type Ending = (typeof endings)[number][0];

/** A provider that bills every request it works on, also one that it answers badly, and keeps books. */
export async function startBillingServer(seed: number) {
	const random = seededRandom(seed);
	const price = findPrice("openai", "gpt-4.1-mini");
	if (price === null) throw new Error(`${model} has no price, so that this shows nothing`);
	const books: Billing[] = [];
	let requests = 0;
	const server = createServer((request, response) => {
		request.resume().on("end", () => {
			requests += 1;
			const ending = draw(random());
			const number = books.length + 1;
			const usage = { prompt_tokens: 100 + number, completion_tokens: 5 + 700 * number };
			const usd = (usage.prompt_tokens * price.input + usage.completion_tokens * price.output) / 1e6;
			if (ending !== "refused") books.push({ usd, told: ending === "answered" || ending === "filtered" });
			setTimeout(() => end(response, ending, usage), 2 + 20 * random());
		});
	});
	// On a connection that was used before, a reset would say that the server had given it up while nobody used it.
	server.maxRequestsPerSocket = 1;
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	return {
		url: `http://127.0.0.1:${port}/v1`,
		books: books as readonly Billing[],
		requests: () => requests,
		async [Symbol.asyncDispose]() {
			server.closeAllConnections();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

function draw(random: number): Ending {
	let left = random * 100;
	for (const [ending, share] of endings) {
		left -= share;
		if (left < 0) return ending;
	}
	return "answered";
}

function end(response: ServerResponse, ending: Ending, usage: object): void {
	const answer = (finish_reason: string, rest: object) =>
		JSON.stringify({ choices: [{ index: 0, message: { content: "billed" }, finish_reason }], ...rest });
	const send = (status: number, body: string) =>
		response.writeHead(status, { "content-type": "application/json" }).end(body);
	switch (ending) {
		case "answered":
			return void send(200, answer("stop", { usage }));
		case "filtered":
			return void send(200, answer("content_filter", { usage }));
		case "unmetered":
			return void send(200, answer("stop", {}));
		case "refused":
			return void send(500, '{"error":{"message":"not now"}}');
		case "cut":
			response.writeHead(200, { "content-type": "application/json", "content-length": "5000" });
			response.write('{"choices":[');
			return void setTimeout(() => response.destroy(), 5);
		case "reset":
			return void response.destroy();
	}
}
