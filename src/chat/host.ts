import type { LLM } from "../llm.ts";
import type { Paths } from "../state/paths.ts";
import type { Cost, Usage } from "../types.ts";

/** What a chat needs of the world around it. */
export interface ChatHost {
	readonly paths: Paths;
	/** The folder that relative paths start from, and that sessions remember. */
	readonly folder: string;
	/** The model that a name or alias stands for. */
	resolveModel(name: string): string;
	/** @throws NoRouteError for a model that nobody serves */
	createLLM(model: string, session: string): LLM;
	/** Tokens; null when unknown. */
	contextWindow(model: string): number | null;
	/** Model names for completion. */
	modelNames(): readonly string[];
	/** What the ledger says that a session took up to now; null when it cannot be read. */
	sessionSpent?(session: string): Promise<{ readonly cost: Cost; readonly usage: Usage } | null>;
	/** Returns a warning or null. @throws LlmxError when a budget is spent */
	checkBudget(): Promise<string | null>;
	/** Puts a text on the clipboard and returns how, for people. @throws LlmxError when there is none */
	copy(text: string): Promise<string>;
	/** Wall clock in ms since 1970. */
	now(): number;
}
