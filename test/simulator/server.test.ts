import { get } from "node:https";
import { afterEach, describe, expect, it } from "vitest";
import { drawLatency, seededRandom } from "../../src/simulator/random.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { ask, streamedText } from "./wire-client.ts";

const started: Simulator[] = [];
async function start(options: SimulatorOptions = {}): Promise<Simulator> {
	const simulator = await startSimulator(options);
	started.push(simulator);
	return simulator;
}
afterEach(async () => {
	await Promise.all(started.splice(0).map((simulator) => simulator.close()));
});

describe("latency", () => {
	it("is drawn from a log-normal profile by the seed", () => {
		const random = seededRandom(3);
		const draws = Array.from({ length: 20_000 }, () =>
			drawLatency({ medianMs: 400, p95Ms: 1_500 }, random),
		).sort((a, b) => a - b);
		expect(Math.abs((draws[10_000] as number) - 400)).toBeLessThan(20);
		expect(Math.abs((draws[19_000] as number) - 1_500)).toBeLessThan(120);
		const again = seededRandom(3);
		expect(drawLatency({ medianMs: 400, p95Ms: 1_500 }, again)).toBe(
			drawLatency({ medianMs: 400, p95Ms: 1_500 }, seededRandom(3)),
		);
	});

	it("holds an answer back, and a stream's content behind its headers", async () => {
		const simulator = await start({ latency: 40, tokensPerSecond: 400 });
		const before = performance.now();
		expect((await ask(simulator, "x")).status).toBe(200);
		expect(performance.now() - before).toBeGreaterThanOrEqual(39);
		const stream = await ask(simulator, "one two three four", { stream: true });
		expect(streamedText(stream.text)).toBe("one two three four");
		expect(stream.pieces).toBeGreaterThan(3);
	});

	it("stops working for a client that has gone", async () => {
		const simulator = await start({ latency: 60_000 });
		await ask(simulator, "x", { stream: true, until: ({ status }) => status === 200 });
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
	});
});

describe("the server", () => {
	it("closes connections after so many answers, without saying so", async () => {
		const simulator = await start({ answersPerConnection: 1 });
		const raw = await ask(simulator, "x", { until: () => false });
		expect([raw.status, raw.complete, raw.ended, raw.headers.connection]).toEqual([
			200,
			true,
			"fin",
			"keep-alive",
		]);
	});

	it("goes down and comes up again on the same port", async () => {
		const simulator = await start();
		const hanging = ask(simulator, "[[fault:no-answer]]");
		await expect.poll(() => simulator.stats.requests).toBe(1);
		await simulator.goDown();
		expect((await hanging).status).toBe(0);
		expect((await ask(simulator, "x")).ended).toBe("reset");
		await simulator.comeUp();
		expect((await ask(simulator, "x")).status).toBe(200);
	});

	it("keeps only the last requests", async () => {
		const simulator = await start({ logSize: 3 });
		for (let sent = 0; sent < 8; sent++) {
			await ask(simulator, `prompt ${sent}`);
		}
		expect(simulator.requests.map((request) => request.prompt)).toEqual(["prompt 5", "prompt 6", "prompt 7"]);
		const silent = await start({ logSize: 0 });
		await ask(silent, "x");
		expect([silent.requests.length, silent.stats.requests]).toEqual([0, 1]);
	});

	it("knows no model but the given ones", async () => {
		const simulator = await start({ models: ["gpt-x"] });
		expect((await ask(simulator, "x", { model: "gpt-x" })).status).toBe(200);
		const raw = await ask(simulator, "x", { model: "other", wire: "gemini" });
		expect([raw.status, JSON.parse(raw.text).error.status]).toEqual([404, "NOT_FOUND"]);
	});

	it("answers 400 to what is not JSON and 404 to what is not its endpoint", async () => {
		const simulator = await start();
		const broken = await fetch(`${simulator.url}/v1/chat/completions`, { method: "POST", body: "{" });
		expect([broken.status, JSON.parse(await broken.text()).error.message]).toEqual([
			400,
			expect.stringContaining("JSON"),
		]);
		expect((await fetch(`${simulator.url}/v1/unknown`)).status).toBe(404);
	});

	it("shows a certificate that no client trusts", async () => {
		const simulator = await start({ tls: true });
		const code = await new Promise((resolve) => {
			get(`${simulator.url}/v1/models`, () => resolve("trusted")).on(
				"error",
				(error: NodeJS.ErrnoException) => resolve(error.code),
			);
		});
		expect(code).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
		const status = await new Promise((resolve) => {
			get(`${simulator.url}/v1/models`, { rejectUnauthorized: false }, (response) =>
				resolve(response.resume().statusCode),
			);
		});
		expect(status).toBe(200);
	});

	it("counts tokens, answers and connections", async () => {
		const simulator = await start();
		await ask(simulator, "12345678");
		await ask(simulator, "1234", { stream: true });
		expect(simulator.stats).toMatchObject({
			requests: 2,
			answered: 2,
			inputTokens: 3,
			outputTokens: 3,
			connections: 2,
		});
	});
});
