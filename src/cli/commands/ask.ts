import { type Command, Option } from "commander";
import type { AskOptions, CacheMode, LLM, Message } from "../../index.ts";
import { type AnswerFlags, printAnswers } from "../answers.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { chooseModels, createLLM } from "../models.ts";
import {
	addParameterOptions,
	collect,
	type ParameterFlags,
	parseAmount,
	parseCount,
	parsePositive,
	readParameters,
} from "../parameter-options.ts";
import { readPrompt } from "../prompt-input.ts";

interface AskFlags extends ParameterFlags, AnswerFlags {
	readonly model?: readonly string[];
	readonly system?: string;
	readonly file?: readonly string[];
	readonly attach?: readonly string[];
	readonly answers: number;
	/** False for `--no-stream`. */
	readonly stream: boolean;
	/** False for `--no-cache`. */
	readonly cache: boolean;
	readonly refresh?: boolean;
	readonly cacheOnly?: boolean;
	/** False for `--no-stdin`. */
	readonly stdin: boolean;
	readonly timeout?: number;
	readonly maxRetries?: number;
}

const examples = `
Examples:
  llmx ask "why is the sky blue?" -m gpt-4.1-mini
  git diff | llmx ask "write a commit message"
  llmx ask "what is on this picture?" -a photo.jpg -m gemini/gemini-2.5-flash
  llmx ask "3 facts about tea" --schema '{"type":"array","items":{"type":"string"}}'
  llmx ask "name a colour" -m gpt-4.1-mini -m anthropic/claude-haiku-4-5`;

/** Adds the options and the action of `ask`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Ask a model one question. The prompt is the arguments, then files, then what is piped in.")
		.argument("[prompt...]", "the question")
		.option("-m, --model <model>", "model to ask (repeat for several side by side)", collect)
		.option("-s, --system <text>", "system prompt")
		.option("-f, --file <path>", "text file that goes into the prompt (repeatable)", collect)
		.option("-a, --attach <path|url>", "image, PDF or sound (repeatable)", collect)
		.option("-n, --answers <count>", "how many answers", parsePositive, 1);
	addParameterOptions(command)
		.option("--json", "print one JSON object per model, as in a batch's results")
		.option("--no-stream", "do not stream on the wire")
		.option("--no-cache", "neither read nor write the response cache")
		.addOption(new Option("--refresh", "ask afresh, and keep the answer").conflicts("cacheOnly"))
		.option("--cache-only", "never send anything: answer from the cache or fail")
		.option("--raw", "print the model's text as it is, escape sequences included")
		.option("-u, --usage", "print tokens, cost and time to stderr also when it is no terminal")
		.option("-q, --quiet", "print nothing but the answer and errors")
		.option("--no-stdin", "do not read a prompt from stdin")
		.option("--timeout <seconds>", "give up a request after this long", parseAmount)
		.option("--max-retries <count>", "send a failed request again at the most this often", parseCount)
		.addHelpText("after", examples)
		.action(async (words: string[], flags: AskFlags) => finish(await runAsk(words, flags, context)));
}

async function runAsk(words: readonly string[], flags: AskFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const models = chooseModels(context, flags.model ?? []);
	const parameters = readParameters(flags, io.cwd);
	const content = await readPrompt(io, {
		words,
		files: flags.file ?? [],
		attachments: flags.attach ?? [],
		stdin: flags.stdin,
	});
	const messages: Message[] = [
		...(flags.system === undefined ? [] : [{ role: "system", content: flags.system } as const]),
		{ role: "user", content },
	];
	const interrupt = createInterrupt(io);
	const llms: LLM[] = [];
	try {
		for (const model of models) {
			llms.push(
				createLLM(context, model, {
					command: "ask",
					maxRetries: flags.maxRetries,
					timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
					quiet: flags.quiet,
				}),
			);
		}
		const options: AskOptions = {
			...parameters,
			n: flags.answers,
			cache: cacheMode(flags),
			streamed: flags.stream,
			signal: interrupt.signal,
		};
		return await printAnswers(llms, { io, messages, options, flags });
	} catch (error) {
		// Whoever read stdout has had enough: that is no failure.
		if (io.stdout.gone.aborted) return 0;
		throw error;
	} finally {
		interrupt.dispose();
		await Promise.all(llms.map((llm) => llm.close()));
	}
}

function cacheMode({ cache, refresh, cacheOnly }: AskFlags): CacheMode {
	if (!cache) return false;
	if (cacheOnly) return "only";
	return refresh ? "refresh" : true;
}
