import { partialTextOf, RequestError, UsageError, withPartial } from "../errors.ts";
import type { AskOptions, CacheMode, ChatInput } from "../options.ts";
import type { Result } from "../types.ts";
import { addUsage } from "../types.ts";
import { joinAnswers } from "./answer.ts";
import { createSchemaChecker, repairPrompt, type SchemaChecker } from "./schema.ts";

/** What can be asked: an LLM, or what stands for one. */
interface Asker {
	readonly model: string;
	readonly provider: string;
	ask(messages: ChatInput, options: AskOptions): Promise<Result>;
}

/**
 * Asks for JSON that satisfies the schema of `responseFormat`. An answer that does not is sent back once with what is
 * wrong with it. The texts of the result are valid JSON without a fence; its usage and cost include the repair.
 * @throws UsageError for an invalid schema; RequestError of class `schema` when the repaired answer is wrong too; and
 * what `LLM.ask` throws
 */
export async function askForJson(
	llm: Asker,
	messages: Exclude<ChatInput, string>,
	options: AskOptions,
): Promise<Result> {
	const { responseFormat } = options;
	if (responseFormat?.type !== "json-schema") throw new UsageError("no JSON Schema given");
	const check = await createSchemaChecker(responseFormat);
	let result = await llm.ask(messages, options);
	for (const [index, text] of result.texts.entries()) {
		const checked = check(text);
		if (checked.ok) result = withText(result, index, checked.text);
		else result = await repair({ llm, messages, options, check }, result, index, checked.problems);
	}
	return result;
}

interface RepairContext {
	readonly llm: Asker;
	readonly messages: Exclude<ChatInput, string>;
	readonly options: AskOptions;
	readonly check: SchemaChecker;
}

async function repair(
	{ llm, messages, options, check }: RepairContext,
	result: Result,
	index: number,
	problems: readonly string[],
): Promise<Result> {
	const text = result.texts[index] ?? "";
	const history = [
		...messages,
		// Providers refuse an empty assistant message.
		...(text === "" ? [] : [{ role: "assistant", content: text }]),
		{ role: "user", content: repairPrompt(problems) },
	];
	const askAgain = (cache: CacheMode | undefined) =>
		llm.ask(history, { ...options, n: 1, cache }).catch((error) => {
			const texts = [...result.texts, partialTextOf(error)];
			throw withPartial(error, { text: joinAnswers(texts), usage: result.usage });
		});
	let second = await askAgain(options.cache);
	let checked = check(second.text);
	if (!checked.ok && second.cached && options.cache !== "only") {
		// Failing forever because of one bad answer in the cache would help nobody.
		second = await askAgain("refresh");
		checked = check(second.text);
	}
	const usage = result.usage && second.usage && addUsage(result.usage, second.usage);
	if (!checked.ok) {
		const message = `${llm.model}: the answer does not match the schema, even after a repair: ${checked.problems[0]}`;
		throw new RequestError(message, {
			provider: llm.provider,
			errorClass: "schema",
			advice: { retry: "never", key: "keep" },
			maybeBilled: false,
			partialText: joinAnswers(withText(result, index, second.text || text).texts),
			usage,
			attempts: result.attempts + second.attempts,
			hint: "try a stronger model, a simpler schema, or --effort high",
		});
	}
	return withText(
		{
			...result,
			usage,
			costUsd: result.costUsd === null || second.costUsd === null ? null : result.costUsd + second.costUsd,
			cached: result.cached && second.cached,
			attempts: result.attempts + second.attempts,
			latencyMs: result.latencyMs + second.latencyMs,
		},
		index,
		checked.text,
	);
}

function withText(result: Result, index: number, text: string): Result {
	const texts = result.texts.map((old, position) => (position === index ? text : old));
	return { ...result, texts, text: texts[0] ?? "" };
}
