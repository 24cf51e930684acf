/**
 * Sends so many prompts, so many at a time, as the documentation of each client shows it, and appends every answer to a
 * file as it comes. Runs in the folder in which the clients are installed.
 * node client.mjs CLIENT BASE_URL ROWS CONCURRENCY OUTPUT
 */
import { appendFileSync } from "node:fs";

const [, , client, baseURL, rowCount, concurrency, output] = process.argv;
const rows = Number(rowCount);
const inFlight = Number(concurrency);
const prompts = Array.from({ length: rows }, (_, row) => `prompt number ${row}, with a few words`);
const keep = (row, text) => appendFileSync(output, `${JSON.stringify({ id: row, text })}\n`);

/** What asks once, by client. Nothing is loaded but what is measured. */
const clients = {
	async undici() {
		const { Agent, request } = await import("undici");
		const dispatcher = new Agent({ connections: inFlight });
		const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" };
		return async (prompt) => {
			const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: prompt }] });
			const response = await request(`${baseURL}/chat/completions`, {
				method: "POST",
				body,
				headers,
				dispatcher,
			});
			return (await response.body.json()).choices[0].message.content;
		};
	},
	async openai() {
		const { default: OpenAI } = await import("openai");
		const openai = new OpenAI({ baseURL, apiKey: "sk-bench" });
		return async (prompt) => {
			const messages = [{ role: "user", content: prompt }];
			return (await openai.chat.completions.create({ model: "m", messages })).choices[0].message.content;
		};
	},
	async ai() {
		const { generateText } = await import("ai");
		const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
		const model = createOpenAICompatible({ name: "bench", baseURL, apiKey: "sk-bench" })("m");
		return async (prompt) => (await generateText({ model, prompt })).text;
	},
	async langchain() {
		const { ChatOpenAI } = await import("@langchain/openai");
		const model = new ChatOpenAI({ model: "m", apiKey: "sk-bench", configuration: { baseURL } });
		return async (prompt) => (await model.invoke(prompt)).content;
	},
};

const ask = await clients[client]();
if (client === "undici") {
	let next = 0;
	const work = async () => {
		for (let row = next++; row < rows; row = next++) keep(row, await ask(prompts[row]));
	};
	await Promise.all(Array.from({ length: Math.min(inFlight, rows) }, work));
} else {
	const { default: pLimit } = await import("p-limit");
	const limit = pLimit(inFlight);
	await Promise.all(prompts.map((prompt, row) => limit(async () => keep(row, await ask(prompt)))));
}
process.exit(0);
