/**
 * One contender of the throughput bench, in a process of its own so that none runs in another's heap. Each message
 * from the parent is a number of prompts to send; the answer is how long that took.
 */
import OpenAI from "openai";
import { Agent, request } from "undici";

/** What a round took: wall clock and processor time of this process, in ms. */
export interface Round {
	readonly wallMs: number;
	readonly cpuMs: number;
}

const inFlight = 64;
const model = "gpt-4.1-mini";
const expected = "Paris is the capital of France.";
const [contender, baseURL] = process.argv.slice(2) as [keyof typeof contenders, string];

/** Each gives a function that sends the prompts and resolves to the last answer. */
const contenders = {
	async undici() {
		const dispatcher = new Agent({ connections: inFlight });
		const headers = { "content-type": "application/json", authorization: "Bearer sk-bench" };
		return loop(async (content) => {
			const { body } = await request(`${baseURL}/chat/completions`, {
				dispatcher,
				method: "POST",
				headers,
				body: JSON.stringify({ model, messages: [{ role: "user", content }] }),
			});
			const answer = (await body.json()) as { choices: [{ message: { content: string } }] };
			return answer.choices[0].message.content;
		});
	},
	async openai() {
		const client = new OpenAI({ apiKey: "sk-bench", baseURL, maxRetries: 0 });
		return loop(async (content) => {
			const answer = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
			return answer.choices[0]?.message.content ?? "";
		});
	},
	async llmx() {
		const built = new URL("../../dist/index.js", import.meta.url).href;
		const { LLM } = (await import(built)) as typeof import("../../src/index.ts");
		const llm = new LLM(model, {
			cache: false,
			maxConcurrent: inFlight,
			baseUrl: baseURL,
			keys: ["sk-bench"],
		});
		return async (prompts: readonly string[]) => (await llm.generate(prompts)).at(-1)?.[0];
	},
};

/** Runs a call for every prompt, as many at a time as all contenders have in flight. */
function loop(call: (prompt: string) => Promise<string>) {
	return async (prompts: readonly string[]): Promise<string | undefined> => {
		let next = 0;
		let last: string | undefined;
		const worker = async () => {
			while (next < prompts.length) last = await call(prompts[next++] as string);
		};
		await Promise.all(Array.from({ length: inFlight }, worker));
		return last;
	};
}

const run = await contenders[contender]();
process.on("message", async (count: number) => {
	const prompts = Array.from({ length: count }, (_, index) => `${index}: What is the capital of France?`);
	const cpu = process.cpuUsage();
	const startedAt = performance.now();
	const answer = await run(prompts);
	const wallMs = performance.now() - startedAt;
	const { user, system } = process.cpuUsage(cpu);
	if (answer !== expected) throw new Error(`not the server's answer: ${answer}`);
	process.send?.({ wallMs, cpuMs: (user + system) / 1_000 } satisfies Round);
});
process.on("disconnect", () => process.exit());
