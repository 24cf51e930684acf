import { type LlmxError, PartialFailureError } from "./errors.ts";
import { LLM } from "./llm.ts";
import type { CallOptions, ChatInput, GenerateOptions, LLMOptions } from "./options.ts";

/**
 * Asks several models the same, in parallel.
 * @returns the answers by model string, in the order given
 * @throws PartialFailureError with the answers that came, when any model failed; all are finished first
 */
export function multiChat(
	models: readonly string[],
	messages: ChatInput,
	options: CallOptions & LLMOptions = {},
): Promise<Record<string, string>> {
	return inParallel(models, options, (llm) => llm.chat(messages, options));
}

/**
 * Runs the same prompts through several models, in parallel.
 * @returns by model string, one list of answers per prompt
 * @throws PartialFailureError with the answers that came, when any model failed; all are finished first
 */
export function multiGenerate(
	models: readonly string[],
	prompts: readonly string[],
	options: GenerateOptions & LLMOptions = {},
): Promise<Record<string, string[][]>> {
	return inParallel(models, options, (llm) => llm.generate(prompts, options));
}

async function inParallel<Value>(
	models: readonly string[],
	options: LLMOptions,
	run: (llm: LLM) => Promise<Value>,
): Promise<Record<string, Value>> {
	const results: Record<string, Value> = {};
	const errors: Record<string, LlmxError> = {};
	const distinct = [...new Set(models)];
	await Promise.all(
		distinct.map(async (model) => {
			try {
				await using llm = new LLM(model, options);
				results[model] = await run(llm);
			} catch (error) {
				errors[model] = error as LlmxError;
			}
		}),
	);
	const failed = distinct.filter((model) => errors[model] !== undefined);
	if (failed.length > 0) {
		const [first] = failed as [string];
		throw new PartialFailureError(
			`${failed.length} of ${distinct.length} models failed; ${first}: ${errors[first]?.message}`,
			{ results, errors, exitCode: errors[first]?.exitCode },
		);
	}
	return Object.fromEntries(distinct.map((model) => [model, results[model] as Value]));
}
