import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LLMRuntime } from "../../src/ask/runtime.ts";
import { LLM, type LLMOptions, type StreamPart } from "../../src/index.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { scanLedger } from "../../src/state/ledger.ts";
import type { LedgerRow } from "../../src/state/ledger-row.ts";
import { resolvePaths } from "../../src/state/paths.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { HurriedClock } from "../helpers/hurried-clock.ts";

export { failureOf } from "../helpers/failure.ts";
export { HurriedClock };

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
	const folder = mkdtempSync(join(tmpdir(), "llmx-core-"));
	afterTest(() => rmSync(folder, { recursive: true, force: true }));
	return folder;
}

export async function simulator(options: SimulatorOptions = {}): Promise<Simulator> {
	const started = await startSimulator(options);
	afterTest(() => started.close());
	return started;
}

export interface Setup {
	readonly simulator: Simulator;
	readonly env: Record<string, string> & { readonly LLMX_HOME: string };
	readonly clock: HurriedClock;
	/** A model over the simulator; all of one setup share a home. */
	llm(model?: string, options?: LLMOptions, runtime?: LLMRuntime): LLM;
	ledger(): Promise<LedgerRow[]>;
}

/** A home and a simulator, which stands in for OpenAI, SambaNova, Gemini and Anthropic. */
export async function setup(options: SimulatorOptions = {}): Promise<Setup> {
	const server = await simulator(options);
	const clock = new HurriedClock();
	const env = {
		LLMX_HOME: temporaryFolder(),
		OPENAI_BASE_URL: `${server.url}/v1`,
		OPENAI_API_KEY: "sk-openai-0123456789",
		SAMBANOVA_BASE_URL: `${server.url}/v1`,
		SAMBANOVA_API_KEY: "sk-sambanova-0123456789",
		GEMINI_BASE_URL: server.url,
		GEMINI_API_KEY: "sk-gemini-0123456789",
		ANTHROPIC_BASE_URL: server.url,
		ANTHROPIC_API_KEY: "sk-anthropic-0123456789",
	};
	return {
		simulator: server,
		env,
		clock,
		llm(model = "openai/echo", llmOptions = {}, runtime = {}) {
			const llm = new LLM(model, { env, ...llmOptions }, { clock, random: () => 0.5, ...runtime });
			afterTest(() => llm.close());
			return llm;
		},
		ledger: () => readLedger(env.LLMX_HOME),
	};
}

export async function readLedger(home: string): Promise<LedgerRow[]> {
	const rows: LedgerRow[] = [];
	await scanLedger(resolvePaths({ LLMX_HOME: home }).ledger, (row) => rows.push(row));
	return rows;
}

/** The ledger's file as it is at this moment, without giving anybody time to write to it. */
export function ledgerLines(home: string): string[] {
	const { ledger } = resolvePaths({ LLMX_HOME: home });
	return existsSync(ledger) ? readFileSync(ledger, "utf8").split("\n").filter(Boolean) : [];
}

export async function partsOf(stream: AsyncIterable<StreamPart>): Promise<StreamPart[]> {
	const parts: StreamPart[] = [];
	for await (const part of stream) parts.push(part);
	return parts;
}

export function textOf(parts: readonly StreamPart[]): string {
	return parts.map((part) => (part.type === "text-delta" ? part.text : "")).join("");
}
