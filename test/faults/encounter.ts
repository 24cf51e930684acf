import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { expect } from "vitest";
import type { RequestError } from "../../src/errors.ts";
import { LLM } from "../../src/llm.ts";
import type { LLMOptions, Timeouts } from "../../src/options.ts";
import type { WireName } from "../../src/simulator/request.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import type { Result, StreamPart } from "../../src/types.ts";
import { HurriedClock } from "../helpers/hurried-clock.ts";

/**
 * Checks what becomes of a silence with as little patience as it takes. How long a healthy answer may be silent depends
 * on how busy the machine is: what fails with little patience is tried with more, and only the last failure counts.
 */
export async function patiently<T>(check: (timeouts: Partial<Timeouts>) => Promise<T>): Promise<T> {
	for (let patienceMs = 250; ; patienceMs *= 6) {
		try {
			return await check({ firstContentMs: patienceMs, idleMs: patienceMs });
		} catch (error) {
			if (patienceMs > 5_000) throw error;
		}
	}
}

/** The key that must never be seen again once it is given. */
export const plantedKey = "sk-planted-0123456789abcdefghijklmnopqrstuvwxyz";

/** Faults that only the patience of whoever asks ends: silences, and what goes on without getting anywhere. */
export const neverEnds = new Set([
	"no-answer",
	"half-headers",
	"stall-after-headers",
	"stall-mid-body",
	"stall-mid-stream",
	"trickle",
	"endless-comments",
]);

/** What a prompt says beside its directive: every kind of character that a wire could spoil. */
export const nasty = 'one "two" \\three\n\t数据 👩‍👩‍👧 e\u0301 \u0000\u001b[31m end';

const models: Readonly<Record<WireName, string>> = {
	openai: "openai/echo",
	// OpenAI's names of this kind are spoken to over the Responses API.
	responses: "openai/codex-echo",
	gemini: "gemini/echo",
	anthropic: "anthropic/echo",
};

export type Mode = "plain" | "stream";

export interface EncounterOptions {
	readonly wire?: WireName;
	readonly mode?: Mode;
	/** False: nobody hears the parts of a stream as they come. */
	readonly heard?: boolean;
	/** Instead of the wire's own model; the base URL stays that of the wire. */
	readonly model?: string;
	readonly prompt?: string;
	readonly keys?: readonly string[];
	readonly timeouts?: Partial<Timeouts>;
	readonly llm?: Partial<LLMOptions>;
	readonly simulator?: SimulatorOptions;
	/** How many times the same question is asked of the same LLM; later ones show what was cached. */
	readonly times?: number;
}

/** Everything that can be observed of one question that met a fault. */
export interface Encounter {
	readonly result: Result | undefined;
	readonly error: RequestError | undefined;
	readonly parts: readonly StreamPart[];
	/** Text handed on before the end or the failure. */
	readonly shown: string;
	/** Requests that reached the server. */
	readonly requests: number;
	/** Ms waited before each re-send. */
	readonly waits: readonly number[];
	readonly notices: readonly string[];
	readonly ledger: readonly {
		readonly status: string;
		readonly cost_usd: number | null;
		readonly input_tokens?: number | null;
		readonly attempts: number;
		readonly cached?: boolean;
	}[];
	readonly simulator: Simulator;
}

/**
 * Asks a model of a fresh simulator a question that carries `[[fault:SPEC]]`, and checks what holds for every
 * fault: the key is seen nowhere, and what failed is not in the cache.
 */
export async function meet(spec: string, options: EncounterOptions = {}): Promise<Encounter> {
	const { wire = "openai", mode = "plain", heard = true, keys = [plantedKey], times = 1 } = options;
	const home = mkdtempSync(join(tmpdir(), "llmx-fault-"));
	const simulator = await startSimulator(options.simulator);
	const env = { LLMX_HOME: home };
	const clock = new HurriedClock();
	const notices: string[] = [];
	const said: string[] = [];
	const llm = new LLM(
		options.model ?? models[wire],
		{
			keys,
			baseUrl: wire === "openai" || wire === "responses" ? `${simulator.url}/v1` : simulator.url,
			env,
			maxRetries: 2,
			onRetry: ({ reason }) => notices.push(reason),
			onWarning: (message) => said.push(message),
			onNote: (message) => said.push(message),
			...options.llm,
		},
		{ clock, random: () => 0.5, timeouts: options.timeouts },
	);
	const prompt = options.prompt ?? `${nasty}${spec === "" ? "" : ` [[fault:${spec}]]`}`;
	const parts: StreamPart[] = [];
	const onPart = heard ? (part: StreamPart) => void parts.push(part) : undefined;
	let result: Result | undefined;
	let error: RequestError | undefined;
	try {
		for (let time = 0; time < times; time++) {
			parts.length = 0;
			result = undefined;
			result = await llm.ask(prompt, mode === "stream" ? { streamed: true, onPart } : {});
		}
	} catch (thrown) {
		error = thrown as RequestError;
	} finally {
		await llm.close();
		await simulator.close();
	}
	const ledgerPath = resolvePaths(env).ledger;
	const ledgerText = existsSync(ledgerPath) ? readFileSync(ledgerPath, "utf8") : "";
	const cachePath = resolvePaths(env).cache;
	const cacheBytes = existsSync(cachePath) ? readFileSync(cachePath, "latin1") : "";
	rmSync(home, { recursive: true, force: true });

	for (const seen of [
		inspect(error, { depth: 12, showHidden: true }),
		error?.hint ?? "",
		ledgerText,
		cacheBytes,
		...notices,
		...said,
	]) {
		expect(seen).not.toContain(plantedKey);
	}
	expect(error?.message ?? "").not.toMatch(
		/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/,
	);

	return {
		result,
		error,
		parts,
		shown: parts.map((part) => (part.type === "text-delta" ? part.text : "")).join(""),
		requests: simulator.stats.requests,
		waits: clock.waits,
		notices,
		ledger: ledgerText
			.split("\n")
			.filter(Boolean)
			.map((line) => JSON.parse(line)),
		simulator,
	};
}
