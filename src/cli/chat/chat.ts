import type { Command } from "commander";
import { Chat } from "../../chat/chat.ts";
import { submit } from "../../chat/commands/table.ts";
import type { ChatHost } from "../../chat/host.ts";
import { LineView, runLineMode } from "../../chat/line-mode.ts";
import { describeResumed } from "../../chat/switching.ts";
import type { ChatView } from "../../chat/view.ts";
import { exitCodes, UsageError } from "../../errors.ts";
import type { Parameters } from "../../index.ts";
import { compilePreset } from "../../prompts/presets.ts";
import { beginSession, latestSession, type OpenSession, openSession } from "../../state/sessions/sessions.ts";
import type { CommandContext } from "../command.ts";
import { type ChosenModel, chooseModels } from "../llms.ts";
import {
	addParameterOptions,
	type ParameterFlags,
	parseAmount,
	parseCount,
	readParameters,
	schemaFormOption,
} from "../parameter-options.ts";
import { presetsOf } from "../prompt-files.ts";
import { createChatHost } from "./host.ts";
import { leaveOnSignals } from "./signals.ts";

interface ChatFlags extends ParameterFlags {
	readonly model?: string;
	readonly system?: string;
	readonly preset?: string;
	readonly continue?: boolean;
	readonly resume?: boolean;
	readonly session?: string;
	readonly plain?: boolean;
	/** False for `--no-prompt-cache`. */
	readonly promptCache: boolean;
	/** False for `--no-cache`. */
	readonly cache: boolean;
	readonly overBudget?: boolean;
	readonly timeout?: number;
	readonly maxRetries?: number;
	readonly schemaForm?: "field" | "prompt";
}

const examples = `
Examples:
  llmx chat gpt-4.1-mini
  llmx chat -c                                  continue the last chat of this folder
  llmx chat --session notes -s "be brief"       a named session
  printf 'hi\\nagain\\n' | llmx chat sim/echo     one question per line, answers on stdout

Inside, /help lists the commands and keys.`;

/** Adds the options and the action of `chat`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description("Chat with a model. Every turn is saved. With piped input or output, each line is one turn.")
		.argument("[model]", "model to chat with")
		.option("-m, --model <model>", "same as the argument")
		.option("-s, --system <text>", "system prompt")
		.option("--preset <name>", "preset from the config: system prompt, model and parameters")
		.option("-c, --continue", "continue the last session of this folder")
		.option("-r, --resume", "choose the session to continue")
		.option("--session <name>", "continue the named session, or start it");
	addParameterOptions(command, context.io.cwd)
		.addOption(schemaFormOption())
		.option("--plain", "plain lines instead of the full-screen chat")
		.option("--no-cache", "do not read or write the response cache")
		.option("--no-prompt-cache", "do not ask Anthropic to keep a long history")
		.option("--over-budget", "continue even if the budget is spent")
		.option(
			"--timeout <seconds>",
			"abort a request after this many seconds, instead of 600 without content",
			parseAmount,
		)
		.option("--max-retries <count>", "maximum number of retries per request", parseCount)
		.addHelpText("after", examples)
		.action(async (model: string | undefined, flags: ChatFlags) => {
			finish(await runChat(model, flags, context));
		});
}

async function runChat(
	argument: string | undefined,
	flags: ChatFlags,
	context: CommandContext,
): Promise<number> {
	const { io } = context;
	if (argument !== undefined && flags.model !== undefined && argument !== flags.model)
		throw new UsageError("the model was given twice", { hint: "llmx chat MODEL, or llmx chat -m MODEL" });
	if (flags.continue && flags.session !== undefined)
		throw new UsageError("--continue cannot be used with --session");
	const isScreen =
		flags.plain !== true &&
		io.env.TERM !== "dumb" &&
		io.stdin.isTTY === true &&
		io.stdout.isTTY &&
		io.terminal;
	const start = { model: argument ?? flags.model, flags, context };
	return isScreen ? runScreen(start, io.terminal) : runLines(start);
}

interface Start {
	readonly model: string | undefined;
	readonly flags: ChatFlags;
	readonly context: CommandContext;
}

async function runScreen(
	start: Start,
	terminal: NonNullable<CommandContext["io"]["terminal"]>,
): Promise<number> {
	const { runChatScreen } = await import("../../ui/screen.ts");
	const { io } = start.context;
	return runChatScreen({
		terminal,
		env: io.env,
		onSignal: io.onSignal,
		picksSession: start.flags.resume === true,
		open: (view, onWarning) => openChat(start, view, onWarning),
	});
}

async function runLines(start: Start): Promise<number> {
	const { io } = start.context;
	const isConversation = io.stdin.isTTY === true;
	const view = new LineView({
		out: (text) => void io.stdout.write(text),
		note: (text) => void io.stderr.write(text),
		isTerminal: io.stdout.isTTY,
		isConversation,
	});
	const { chat, resumed } = await openChat(start, view, (message) => view.notice(`llmx: ${message}`));
	if (resumed !== null) view.notice(resumed);
	const signals = leaveOnSignals(io, chat, view);
	try {
		if (start.flags.resume) await submit(chat, "/load");
		await runLineMode({ chat, view, input: io.stdin });
	} finally {
		signals.dispose();
		chat.stop();
		view.end(chat);
		await chat.close();
		// A read that is under way would keep the process alive.
		if (view.left.aborted) (io.stdin as Partial<NodeJS.ReadStream>).destroy?.();
	}
	if (io.stdout.gone.aborted) return exitCodes.ok;
	return signals.exitCode ?? (isConversation ? exitCodes.ok : (chat.failedWith ?? exitCodes.ok));
}

/** Opens the session and the chat; `resumed` says what is gone on with. */
async function openChat(
	{ model: named, flags, context }: Start,
	view: ChatView,
	onWarning: (message: string) => void,
): Promise<{ readonly chat: Chat; readonly resumed: string | null }> {
	const host = createChatHost(context, {
		onWarning,
		overBudget: flags.overBudget,
		maxRetries: flags.maxRetries,
		promptCache: flags.promptCache,
		schemaForm: flags.schemaForm,
		timeoutMs: flags.timeout === undefined ? undefined : flags.timeout * 1_000,
	});
	const { config } = context.settings;
	const preset =
		flags.preset === undefined
			? undefined
			: compilePreset({ presets: presetsOf(config, host.paths) }, flags.preset);
	const session = await openSessionOf(flags, host);
	try {
		const isResumed = session.session.all.length > 0 || session.forkedFrom !== null;
		// Whoever chooses a session gets its model with it.
		const last = flags.resume ? latestSession(host.paths)?.model : undefined;
		const choice = named ?? preset?.model ?? session.session.model ?? last;
		const names = choice === undefined ? [] : [choice];
		const [chosen] = (await chooseModels(context, names)) as [ChosenModel];
		const parameters: Parameters = {
			...chosen.parameters,
			...preset?.parameters,
			...session.session.parameters,
			...readParameters(flags),
		};
		const chat = new Chat({
			host,
			view,
			session,
			model: chosen.model,
			system: flags.system ?? preset?.fill(null).system,
			parameters,
			cache: flags.cache && config.cache.enabled,
		});
		const isMissing = flags.continue === true && !isResumed;
		const resumed = isResumed
			? describeResumed(chat)
			: isMissing
				? "no session in this folder yet; starting a new one"
				: null;
		return { chat, resumed };
	} catch (error) {
		await session.close();
		throw error;
	}
}

function openSessionOf(flags: ChatFlags, host: ChatHost): Promise<OpenSession> {
	const { paths, folder, now } = host;
	const options = { folder, now };
	if (flags.session !== undefined) return openSession(paths, flags.session, options);
	const latest = flags.continue ? latestSession(paths, folder) : undefined;
	return latest === undefined ? beginSession(paths, options) : openSession(paths, latest.name, options);
}
