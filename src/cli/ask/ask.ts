import { type Command, Option } from "commander";
import { exitCodes, UsageError } from "../../errors.ts";
import type { CacheMode, LLM, Message, Parameters } from "../../index.ts";
import { compilePreset } from "../../prompts/presets.ts";
import type { OpenSession } from "../../state/sessions/sessions.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { checkBudget } from "../budget.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { type ChosenModel, chooseModels, createLLM } from "../llms.ts";
import {
	addParameterOptions,
	collect,
	collectText,
	type ParameterFlags,
	parseAmount,
	parseCount,
	parsePositive,
	readParameters,
	schemaFormOption,
} from "../parameter-options.ts";
import { presetsOf } from "../prompt-files.ts";
import { type AnswerFlags, type AnswerJob, printAnswers, printFailedAsk } from "./answers.ts";
import { readAttachments, readPrompt, requirePrompt, userMessage } from "./prompt-input.ts";
import { openAskSession, type SessionFlags, saveTurn, wantsSession } from "./session.ts";

interface AskFlags extends ParameterFlags, Omit<AnswerFlags, "extract">, SessionFlags {
	readonly preset?: string;
	readonly var?: Readonly<Record<string, string>>;
	readonly overBudget?: boolean;
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
	readonly schemaForm?: "field" | "prompt";
	readonly maxRetries?: number;
	readonly extract?: boolean;
	readonly extractLast?: boolean;
}

const examples = `
Examples:
  llmx ask "why is the sky blue?" -m gpt-4.1-mini
  git diff | llmx ask "write a commit message"
  llmx ask "what is in this picture?" -a photo.jpg -m gemini/gemini-3.5-flash-lite
  llmx ask "3 facts about tea" --schema '{"type":"array","items":{"type":"string"}}'
  llmx ask -x "bash to find the largest files here" | less
  llmx ask "name a colour" -m gpt-4.1-mini -m anthropic/claude-haiku-4-5`;

/** Adds the options and the action of `ask`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Ask a model one question. The prompt is the arguments, followed by files and piped input.")
		.argument("[prompt...]", "the question")
		.option("-m, --model <model>", "model to ask (repeat to compare models side by side)", collect)
		.option("-s, --system <text>", "system prompt")
		.option("--preset <name>", "preset from the config: prompt, system prompt, model and parameters")
		.option("--var <name=value>", "set a variable of the preset (repeatable)", collectText)
		.option("-f, --file <path>", "add a text file to the prompt (repeatable)", collect)
		.option("-a, --attach <path|url>", "attach an image, PDF or audio file (repeatable)", collect)
		.option("-c, --continue", "continue the last session of this folder, or start one")
		.option("--session <name>", "continue the named session, or start it")
		.option("-n, --answers <count>", "number of answers", parsePositive, 1);
	addParameterOptions(command, context.io.cwd)
		.addOption(schemaFormOption())
		.option("--json", "print one JSON object per model, in the format of batch results")
		.option("--no-stream", "wait for the whole answer instead of streaming it")
		.option("--no-cache", "do not read or write the response cache")
		.addOption(new Option("--refresh", "bypass the cache and store the new answer").conflicts("cache"))
		.addOption(
			new Option("--cache-only", "answer from the cache only; fail if an answer is missing").conflicts([
				"refresh",
				"cache",
			]),
		)
		.option("-x, --extract", "print only the first code block of the answer")
		.addOption(new Option("--xl, --extract-last", "print only the last code block").conflicts("extract"))
		.option("--raw", "print the answer as is, including escape sequences")
		.option("-u, --usage", "print tokens, cost and time to stderr even if it is not a terminal")
		.option("-q, --quiet", "print only the answer and errors")
		.option("--no-stdin", "do not read stdin")
		.option(
			"--timeout <seconds>",
			"abort a request after this many seconds, instead of 600 without content",
			parseAmount,
		)
		.option("--max-retries <count>", "maximum number of retries per request", parseCount)
		.option("--over-budget", "ask even if the budget is spent")
		.addHelpText("after", examples)
		.action(async (words: string[], flags: AskFlags) => {
			try {
				finish(await runAsk(words, flags, context));
			} catch (error) {
				// Whoever asked for JSON reads stdout, also where nothing was asked in the end.
				if (flags.json) printFailedAsk(context.io, error);
				throw error;
			}
		});
}

async function runAsk(words: readonly string[], flags: AskFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const { paths, config } = context.settings;
	const input = await readPrompt(io, { words, files: flags.file ?? [], stdin: flags.stdin });
	const preset =
		flags.preset === undefined
			? undefined
			: compilePreset({ presets: presetsOf(config, paths) }, flags.preset);
	const filled = preset?.fill(input, flags.var);
	const prompt = requirePrompt(filled?.prompt ?? input);
	const own = readParameters(flags);
	if (wantsSession(flags) && (flags.model?.length ?? 0) > 1)
		throw new UsageError("a session uses one model", { hint: "choose one with -m" });
	const session = await openAskSession(io, paths, flags);
	try {
		const names = flags.model ?? asList(preset?.model ?? session?.session.model);
		const models = await chooseModels(context, names, flags);
		const system = flags.system ?? filled?.system ?? session?.session.system ?? undefined;
		const parametersOf = ({ parameters }: ChosenModel): Parameters => ({
			...parameters,
			...session?.session.parameters,
			...preset?.parameters,
			...own,
		});
		return await send({ context, flags, models, system, prompt, session, parametersOf });
	} finally {
		await session?.close();
	}
}

interface Sending {
	readonly context: CommandContext;
	readonly flags: AskFlags;
	readonly models: readonly ChosenModel[];
	readonly system: string | undefined;
	readonly prompt: string;
	readonly session: OpenSession | undefined;
	readonly parametersOf: (model: ChosenModel) => Parameters;
}

async function send(sending: Sending): Promise<number> {
	const { context, flags, models, system, prompt, session, parametersOf } = sending;
	const { io } = context;
	const interrupt = createInterrupt(io);
	const { signal } = interrupt;
	const llms: LLM[] = [];
	try {
		for (const { model } of models)
			llms.push(
				createLLM(context, model, {
					command: "ask",
					session: session?.session.name,
					maxRetries: flags.maxRetries,
					schemaForm: flags.schemaForm,
					timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
					quiet: flags.quiet,
					asksOnce: true,
				}),
			);
		// What costs nothing needs no budget.
		if (!flags.cacheOnly && llms.some(({ pricing }) => !pricing.isFree)) await warnOfBudget(sending);
		const attachments = await readAttachments(io, flags.attach ?? [], {
			passImagesOn: llms.every(({ fetchesImages }) => fetchesImages),
			signal,
			onNote: (note) => void io.stderr.write(`llmx: ${sanitizeLine(note)}\n`),
		});
		const question = userMessage(prompt, attachments);
		const messages: Message[] = [
			...(system === undefined ? [] : [{ role: "system", content: system } as const]),
			...(session?.session.messages ?? []).map(({ role, content }) => ({ role, content })),
			question,
		];
		const common = { n: flags.answers, cache: cacheMode(flags), streamed: flags.stream, signal };
		const jobs = models.map(
			(chosen, index): AnswerJob => ({
				llm: llms[index] as LLM,
				messages,
				options: { ...parametersOf(chosen), ...common },
				onEnd: session && ((answer) => saveTurn(session, { question, system }, answer)),
			}),
		);
		const extract = flags.extract ? "first" : flags.extractLast ? "last" : undefined;
		return await printAnswers(io, { ...flags, extract }, jobs);
	} catch (error) {
		// The reader of stdout has had enough: that is not a failure.
		if (io.stdout.gone.aborted) return exitCodes.ok;
		// The signal's own reason knows which signal it was.
		throw signal.aborted ? signal.reason : error;
	} finally {
		interrupt.dispose();
		await Promise.all(llms.map((llm) => llm.close()));
	}
}

async function warnOfBudget({ context: { io, settings }, flags }: Sending): Promise<void> {
	const { warning } = await checkBudget(settings.paths, settings.config.budget, flags);
	if (warning && !flags.quiet) io.stderr.write(`llmx: ${warning}\n`);
}

function asList(model: string | undefined): readonly string[] {
	return model === undefined ? [] : [model];
}

function cacheMode({ cache, refresh, cacheOnly }: AskFlags): CacheMode {
	if (!cache) return false;
	if (cacheOnly) return "only";
	return refresh ? "refresh" : true;
}
