import { describe, expect, it } from "vitest";
import { Provider, seeded } from "../../bench/rate-control/provider.ts";
import { Pacing } from "../../src/ask/pacing.ts";
import { checkPrompts } from "../../src/batch/check.ts";
import { type RehearsedModel, rehearse, usualAnswers } from "../../src/batch/rehearse.ts";
import { openInput } from "../../src/prompts/input.ts";
import { PromptsFile } from "../../src/prompts/prompts-file.ts";
import { createReader } from "../../src/prompts/reader.ts";
import { RowBuilder } from "../../src/prompts/row-builder.ts";
import { recordFormats } from "../../src/results/records.ts";
import { Keys } from "../../src/schedule/keys.ts";
import { Schedule } from "../../src/schedule/scheduler.ts";
import { Servers } from "../../src/schedule/servers.ts";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";
import { MemoryFiles } from "./helpers/memory-files.ts";

interface Limits {
	readonly rpm?: number;
	readonly tpm?: number;
	readonly maxConcurrent?: number;
}

function startPacing(limits: Limits, now: () => number): Pacing {
	const provider = { label: "Test", local: false, rateHeaders: "openai" as const, chargesMaxTokens: false };
	const servers = new Servers([{ name: "test", keys: new Keys("Test", ["key"], now) }], now);
	return new Pacing({ provider, servers, slotsFolder: "", now, ...limits });
}

async function rehearsalOf(texts: readonly string[], limits: Limits, model: Partial<RehearsedModel> = {}) {
	const files = new MemoryFiles();
	files.set("in", texts.join("\n"));
	const input = openInput(files, "in", "prompts.txt", { format: "text" });
	const prompts = new PromptsFile({
		input,
		read: await createReader(files, input),
		builder: new RowBuilder({
			column: "prompt",
			template: undefined,
			preset: undefined,
			system: undefined,
			parameters: {},
			n: 1,
			attachments: undefined,
		}),
		selection: { shard: undefined, limit: undefined },
		models: ["m"],
	});
	const checked = checkPrompts({
		files,
		prompts,
		primaryModel: "m",
		output: undefined,
		format: recordFormats.llmx,
		retryFailed: false,
		overwrite: false,
		random: seeded(1),
	});
	const [rehearsal] = await rehearse({
		prompts,
		checked,
		models: [
			{
				model: "m",
				provider: "openai",
				modelId: "gpt-4.1-mini",
				isFree: false,
				startPacing: (now) => startPacing(limits, now),
				areCached: async () => [],
				...model,
			},
		],
		profile: { ...usualAnswers, medianMs: 1_500 },
		countTokens: (text) => text.length / 5,
		usesCache: true,
		random: seeded(7),
	});
	if (rehearsal === undefined) throw new Error("nothing was rehearsed");
	return rehearsal;
}

/** A run against the simulator's limits, with refusals, headers and a network; the same answers take the same time. */
async function runFor(
	rows: number,
	limits: Limits,
	account: { rpm?: number; tpm?: number },
): Promise<number> {
	const clock = new VirtualClock();
	const random = seeded(11);
	const now = () => clock.now();
	const provider = new Provider({
		clock,
		random,
		windowed: false,
		limits: {
			requestsPerMinute: account.rpm,
			tokensPerMinute: account.tpm,
			burstSeconds: 1,
			initialFill: 1,
		},
		latency: { medianMs: 1_500, spread: 0.5, mostMs: 60_000 },
		headers: true,
		hints: true,
		skewMs: 0,
		meanTokens: 512,
		others: 0,
	});
	const { route, maxInFlight } = startPacing(limits, now);
	let failed = 0;
	const run = new Schedule(Array(rows).keys(), {
		clock,
		random,
		route,
		maxInFlight: () => maxInFlight,
		cost: () => ({ inputTokens: 7 }),
		attempt: async (_row, attempt) => {
			const { snapshot, inputTokens, outputTokens } = await provider.request(7);
			Object.assign(attempt, { snapshot, inputTokens, outputTokens });
		},
		onOutcome: ({ ok }) => {
			if (!ok) failed += 1;
		},
	});
	await clock.run(run.run());
	expect(failed).toBe(0);
	return clock.now();
}

const texts = Array.from({ length: 3000 }, (_, index) => `Say ${1000 + index}`);

describe("a rehearsal", () => {
	it.each([
		["a request limit", { rpm: 1500 }],
		["a token limit", { tpm: 500_000 }],
	])("predicts to a tenth how long a run takes that is held by %s", async (_name, account) => {
		const predicted = await rehearsalOf(texts, account);
		// Neither with the same ceilings nor with the limit found out by the controller is it far off.
		for (const limits of [account, {}]) {
			const taken = await runFor(texts.length, limits, account);
			expect(predicted.durationMs / taken).toBeGreaterThan(0.9);
			expect(predicted.durationMs / taken).toBeLessThan(1.1);
		}
	});

	it("predicts to a tenth how long a run takes that is held by the number in flight", async () => {
		const limits = { maxConcurrent: 32 };
		const predicted = await rehearsalOf(texts, limits);
		const taken = await runFor(texts.length, limits, {});
		expect(predicted.durationMs / taken).toBeGreaterThan(0.9);
		expect(predicted.durationMs / taken).toBeLessThan(1.1);
	});

	it("says what holds the run back, what it sends and what that costs", async () => {
		const rehearsal = await rehearsalOf(texts, { rpm: 1500 });
		expect(rehearsal).toMatchObject({ requests: 3000, cached: 0, heldBy: { reason: "held by --rpm" } });
		expect(rehearsal.heldBy.share).toBeGreaterThan(0.8);
		// gpt-4.1-mini: $0.40 and $1.60 per million tokens.
		const { inputTokens, outputTokens, usd } = rehearsal;
		// The counter's 1.6 tokens and those of a message's wrapping, not the 6 that four bytes a token would be.
		expect(inputTokens).toBe(3000 * 8);
		expect(usd).toBeCloseTo((inputTokens * 0.4 + outputTokens * 1.6) / 1e6, 6);
	});

	it("sends neither what the cache holds nor the same row twice", async () => {
		const rehearsal = await rehearsalOf(
			["one", "two", "one", "three"],
			{ rpm: 600 },
			{
				areCached: async (rows) => rows.map(({ prompt }) => prompt?.text === "three"),
			},
		);
		expect(rehearsal).toMatchObject({ requests: 2, cached: 2 });
	});

	it("calls a cost unknown when the model has no price", async () => {
		const rehearsal = await rehearsalOf(["one"], { rpm: 600 }, { modelId: "no-such-model" });
		expect(rehearsal.usd).toBeNull();
	});
});
