import type { LLM } from "../llm.ts";
import type { Parameters } from "../parameters/table.ts";
import type { Paths } from "../state/paths.ts";
import type { ModelFacts, ModelPrices } from "./context.ts";

/** A model that could be talked to. */
export interface KnownModel extends ModelPrices {
	readonly name: string;
	/** Its provider can be used now: it has a key, or needs none. */
	readonly isUsable: boolean;
	/** The day the provider takes it away, as `2026-10-23`; null when none is known. */
	readonly retired: string | null;
}

/** What a command of the shell printed. */
export interface CommandOutput {
	readonly output: string;
	readonly exitCode: number;
}

/** A preset filled in. */
export interface UsedPreset {
	readonly system: string | undefined;
	readonly prompt: string;
	/** The model or alias that it names. */
	readonly model: string | undefined;
	readonly parameters: Parameters;
}

/** What a chat needs of the world around it. */
export interface ChatHost {
	readonly paths: Paths;
	/** The folder that relative paths start from, and that sessions remember. */
	readonly folder: string;
	/** The model that a name or alias stands for. @throws LlmxError for a name that is most likely mistyped */
	resolveModel(name: string): Promise<string>;
	/** `isFresh` reads config and keys again, for one may have been stored meanwhile. @throws NoRouteError */
	createLLM(model: string, session: string, isFresh?: boolean): LLM;
	factsOf(model: string): ModelFacts;
	/**
	 * The models that are known: those that were used last, then those that can be used now, the newest of each provider
	 * first and what is retired last.
	 */
	models(): readonly KnownModel[];
	/** Names of the presets and prompt files. */
	presetNames(): readonly string[];
	/** @throws UsageError for an unknown preset, or one that needs what it is not given */
	fillPreset(name: string, input: string | null): UsedPreset;
	/** Returns a warning or null. @throws LlmxError when a budget is spent */
	checkBudget(): Promise<string | null>;
	/** Puts a text on the clipboard and returns how, for people. @throws LlmxError when there is none */
	copy(text: string): Promise<string>;
	/** The picture on the clipboard; undefined when there is none. */
	clipboardImage(): Promise<Uint8Array | undefined>;
	/** Runs a command line that the user typed. */
	runCommand(command: string, signal: AbortSignal): Promise<CommandOutput>;
	/** Wall clock in ms since 1970. */
	now(): number;
}
