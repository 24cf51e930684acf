import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import type { LLMRuntime } from "../../src/ask/runtime.ts";
import { PartialFailureError, type RequestError } from "../../src/errors.ts";
import { LLM } from "../../src/llm.ts";
import type { LLMOptions } from "../../src/options.ts";
import type { Clock } from "../../src/schedule/clock.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { HurriedClock } from "../helpers/hurried-clock.ts";
import { patiently, plantedKey } from "./encounter.ts";

/** A hundred times as fast as the real one: unlike waits that pass at once, it lets a server that is gone come back. */
class FastClock implements Clock {
	now(): number {
		return 100 * performance.now();
	}

	async sleep(ms: number, signal?: AbortSignal): Promise<void> {
		await sleep(ms / 100, undefined, { signal });
	}
}

const home = mkdtempSync(join(tmpdir(), "llmx-generate-fault-"));
afterAll(() => rmSync(home, { recursive: true, force: true }));

interface Run {
	readonly results: readonly (string | null)[];
	readonly errors: readonly (RequestError | null)[];
	readonly simulator: Simulator;
	/** Requests that reached the server for one prompt. */
	readonly sent: (prompt: string) => number;
}

async function generate(
	prompts: readonly string[],
	options: Partial<LLMOptions> = {},
	simulated: SimulatorOptions = {},
	runtime: LLMRuntime = {},
): Promise<Run> {
	await using simulator = await startSimulator(simulated);
	await using llm = new LLM(
		"openai/echo",
		{
			baseUrl: `${simulator.url}/v1`,
			keys: [plantedKey],
			env: { LLMX_HOME: home },
			cache: false,
			ledger: false,
			maxRetries: 2,
			...options,
		},
		{ clock: new HurriedClock(), random: () => 0.5, ...runtime },
	);
	const sent = (prompt: string) => simulator.requests.filter((request) => request.prompt === prompt).length;
	try {
		const texts = await llm.generate(prompts);
		return {
			results: texts.map(([text]) => text as string),
			errors: prompts.map(() => null),
			simulator,
			sent,
		};
	} catch (error) {
		if (!(error instanceof PartialFailureError)) throw error;
		const results = error.results as (string[] | null)[];
		return {
			results: results.map((texts) => texts?.[0] ?? null),
			errors: error.errors as RequestError[],
			simulator,
			sent,
		};
	}
}

describe("generate", () => {
	it("loses no answer to the failures of others, and re-sends each as its row says", async () => {
		const rows: readonly [prompt: string, errorClass: string | null, requests: number][] = [
			["fine", null, 1],
			["[[fault:503 x2]] comes back", null, 3],
			["[[fault:503]] stays", "overloaded", 3],
			["[[fault:400]]", "invalid_request", 1],
			["[[fault:504 x1]] once", null, 2],
			["[[fault:504]] never twice", "timeout", 2],
			["[[fault:reset-before-response]]", "network", 2],
			["[[fault:reset-before-response x1]] once", null, 2],
			["[[fault:cut-chunked]]", "incomplete", 2],
			["[[fault:html-200]]", "malformed_response", 1],
			["[[fault:content-filter]]", "blocked", 1],
			["[[fault:403]]", "forbidden", 1],
			["[[fault:context-length]]", "context_length", 1],
			["[[fault:keep-alive-close]]", null, 1],
			["also fine", null, 1],
		];
		const run = await generate(rows.map(([prompt]) => prompt));
		const seen = rows.map(([prompt], index) => [
			prompt,
			run.errors[index]?.errorClass ?? null,
			run.sent(prompt),
		]);
		// keep-alive-close is re-sent below the retry loop when it meets a used connection.
		expect(
			seen.map((row) => (String(row[0]).includes("keep-alive") ? [...row.slice(0, 2), 1] : row)),
		).toEqual(rows);
		for (const [index, [prompt, errorClass]] of rows.entries())
			expect(run.results[index]).toBe(errorClass === null ? prompt : null);
	});

	it("does not count waiting for a limit as a failure, and loses no row to it", async () => {
		// Five minutes of refusals alone are an outage: on a clock that skips waits they pass while an answer is on its way.
		const prompts = Array.from(
			{ length: 40 },
			(_, index) => `row ${index} [[fault:429-retry-after-ms=5 x${index % 5}]]`,
		);
		const run = await generate(prompts, {}, {}, { clock: new FastClock() });
		expect(run.results).toEqual(prompts);
		expect(run.simulator.stats).toMatchObject({ answered: 40, faults: { "429-retry-after-ms": 80 } });
	});

	it("goes on with the keys that are left when one is refused or spent", async () => {
		const prompts = Array.from({ length: 30 }, (_, index) => `row ${index}`);
		const keyFaults = {
			"sk-refused": "401",
			"sk-spent": "insufficient-quota",
			"sk-parked": "429-retry-after=4000",
		};
		const keys = ["sk-refused", "sk-spent", plantedKey, "sk-parked"];
		const run = await generate(prompts, { keys, maxConcurrent: 4 }, { keyFaults });
		expect(run.results).toEqual(prompts);
	});

	it("stops the run when the last key is refused, and says so for every row that is missing", async () => {
		const prompts = Array.from({ length: 50 }, (_, index) => `row ${index}`);
		const run = await generate(prompts, { maxConcurrent: 2 }, { keys: ["another"] });
		expect(run.results.every((text) => text === null)).toBe(true);
		expect(run.errors.every((error) => error !== null)).toBe(true);
		expect(run.errors.some((error) => error?.errorClass === "auth" && error.exitCode === 4)).toBe(true);
		expect(run.simulator.stats.requests).toBeLessThan(10);
		expect(JSON.stringify(run.errors.map((error) => error?.message))).not.toContain(plantedKey);
	});

	it("ends a silence of the server which would come again", async () => {
		await patiently(async (timeouts) => {
			const run = await generate(["[[fault:no-answer]]", "fine"], {}, {}, { timeouts });
			expect(run.results).toEqual([null, "fine"]);
			expect(run.errors[0]).toMatchObject({ errorClass: "timeout", maybeBilled: true });
			expect(run.sent("[[fault:no-answer]]")).toBe(1);
		});
	});

	it("streams what a gateway would cut off", async () => {
		const run = await generate(["[[fault:524 x1]] one", "two", "three"], { maxConcurrent: 1 });
		expect(run.results).toEqual(["[[fault:524 x1]] one", "two", "three"]);
		const streamed = run.simulator.requests.map(({ stream }) => stream);
		expect([streamed[0], streamed.at(-1)]).toEqual([false, true]);
	});

	it("survives a server that is gone for a while", async () => {
		const prompts = Array.from({ length: 20 }, (_, index) =>
			index === 3 ? "[[fault:outage=20 x1]]" : `row ${index}`,
		);
		const run = await generate(
			prompts,
			{ maxConcurrent: 2, maxRetries: 100 },
			{},
			{ clock: new FastClock() },
		);
		const reasons = run.errors.map((error) => error?.message ?? "").join("\n");
		expect(run.results, reasons).toEqual(prompts);
	});
});
