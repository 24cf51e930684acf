/**
 * POSTs by undici alone, each body parsed and nothing else done: the least that sending so many prompts can take. Takes
 * the server's port, the number of requests, how many to send first to be warm, and how many may be in flight; prints a
 * `Loop`.
 */
import { Agent, request } from "undici";

export interface Loop {
	readonly perSecond: number;
	readonly cpuMicroseconds: number;
}

const [port, count, warmUp, inFlight] = process.argv.slice(2).map(Number) as [number, number, number, number];
const dispatcher = new Agent({ connections: inFlight });
const body = JSON.stringify({
	model: "m",
	messages: [{ role: "user", content: "prompt, with a few words" }],
});
const headers = { "content-type": "application/json" };

async function send(requests: number): Promise<Loop> {
	let left = requests;
	const cpu = process.cpuUsage();
	const startedAt = performance.now();
	await Promise.all(
		Array.from({ length: inFlight }, async () => {
			while (left-- > 0) {
				const url = `http://127.0.0.1:${port}/v1/chat/completions`;
				const response = await request(url, { method: "POST", body, headers, dispatcher });
				await response.body.json();
			}
		}),
	);
	const seconds = (performance.now() - startedAt) / 1000;
	const { user, system } = process.cpuUsage(cpu);
	return { perSecond: requests / seconds, cpuMicroseconds: (user + system) / requests };
}

if (warmUp > 0) await send(warmUp);
process.stdout.write(JSON.stringify(await send(count)));
await dispatcher.close();
