import { Command, CommanderError } from "commander";
import { exitCodes, LlmxError } from "../errors.ts";
import { describeFileError } from "../state/file-errors.ts";
import { failureText } from "../terminal/failure-text.ts";
import { sanitize } from "../terminal/sanitize.ts";
import { withCommand } from "./bare-question.ts";
import { commands } from "./commands.ts";
import type { Io, StartupCache } from "./io.ts";
import { writeMessage } from "./message.ts";
import { processIo } from "./process-io.ts";
import { usageMessage } from "./usage-error.ts";
import { version } from "./version.ts";

const overview = `
Start here:
  llmx ask -m sim/echo "hello"          try it offline, no key needed
  export OPENAI_API_KEY=...             or any other provider's key
  git diff | llmx ask "write a commit message"
  llmx batch prompts.jsonl -m gpt-4.1-mini

Run llmx COMMAND --help for the options and examples of a command.`;

/**
 * Runs one command line. Never throws and never exits: returns the exit code.
 * This is the only place that turns an error into text.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
	const debug = argv.includes("--debug");
	try {
		const exitCode = isVersion(argv) ? printVersion(io) : await run(argv, io, debug);
		await io.stdout.flush();
		return exitCode;
	} catch (error) {
		if (error instanceof CommanderError) return await reportUsage(error, argv, io);
		return await report(error, io, debug);
	}
}

async function run(given: readonly string[], io: Io, debug: boolean): Promise<number> {
	const argv = await withCommand(given, Object.keys(commands), io);
	let exitCode: number = exitCodes.ok;
	let hasFailed = false;
	const name = commandName(argv);
	const program = createProgram(io);
	for (const [known, entry] of Object.entries(commands)) {
		const command = program.command(known).summary(entry.summary).description(entry.summary);
		if (known !== name && !(name === "help" && argv.includes(known))) continue;
		const [module, { loadSettings }] = await Promise.all([entry.load(), import("../models/settings.ts")]);
		const failAtEnd = () => {
			hasFailed = true;
		};
		const context = { io, debug, argv, settings: loadSettings(io.env), commands, failAtEnd };
		module.define(command, context, (code) => {
			exitCode = code;
		});
		applyToAll(command, io);
	}
	if (argv.length === 0) {
		const { beginFirstMinute, isFirstMinute } = await import("./first-minute.ts");
		if (isFirstMinute(io)) {
			const begun = await beginFirstMinute(io);
			if (begun !== undefined) return run(begun, io, debug);
		}
		program.outputHelp({ error: true });
		return exitCodes.usage;
	}
	try {
		await program.parseAsync([...argv], { from: "user" });
	} catch (error) {
		const isHelp = error instanceof CommanderError && error.exitCode === 0;
		if (!isHelp) throw error;
	}
	return exitCode === exitCodes.ok && hasFailed ? exitCodes.failed : exitCode;
}

/** Asked for alone, as scripts do, the version needs no command to be described. */
function isVersion(argv: readonly string[]): boolean {
	return argv.length === 1 && (argv[0] === "--version" || argv[0] === "-V");
}

function printVersion(io: Io): number {
	io.stdout.write(`${version}\n`);
	return exitCodes.ok;
}

function commandName(argv: readonly string[]): string | undefined {
	return argv.find((argument) => !argument.startsWith("-"));
}

function createProgram(io: Io): Command {
	const program = new Command("llmx")
		.description("Talk to language models in the terminal, and run many prompts through them.")
		.version(version, "-V, --version", "print the version")
		.option("--debug", "show stack traces, notes and retries")
		.addHelpText("after", overview)
		.enablePositionalOptions()
		.showSuggestionAfterError();
	configure(program, io);
	return program;
}

/** exitOverride and configureOutput are not inherited by subcommands made earlier, so each gets its own. */
function configure(command: Command, io: Io): void {
	command.exitOverride().configureOutput({
		writeOut: (text) => io.stdout.write(text),
		writeErr: (text) => io.stderr.write(text),
		outputError: () => {},
		getOutHelpWidth: () => io.stdout.columns ?? 100,
		getErrHelpWidth: () => io.stderr.columns ?? 100,
		getOutHasColors: () => false,
		getErrHasColors: () => false,
	});
}

function applyToAll(command: Command, io: Io): void {
	configure(command, io);
	command.option("--debug", "show stack traces, notes and retries");
	for (const child of command.commands) applyToAll(child, io);
}

/** Commands whose first word says what to do. */
const withActions = new Set(["sessions", "keys", "cache", "config"]);

async function reportUsage(error: CommanderError, argv: readonly string[], io: Io): Promise<number> {
	const { message, suggestion } = usageMessage(error.message);
	const name = commandName(argv);
	const isKnown = Object.hasOwn(commands, name ?? "");
	const [, action = ""] = argv.filter((word) => !word.startsWith("-"));
	const path = withActions.has(name ?? "") && /^[a-z]+$/.test(action) ? `${name} ${action}` : name;
	const help = isKnown ? `see llmx ${path} --help` : 'see llmx --help; to ask a question: llmx ask "…"';
	await writeMessage(io, message, suggestion ?? help);
	return exitCodes.usage;
}

async function report(thrown: unknown, io: Io, debug: boolean): Promise<number> {
	const error = ofFileSystem(thrown) ?? thrown;
	const known = error instanceof LlmxError;
	if (known) await writeMessage(io, failureText(error), error.hint);
	else
		await writeMessage(
			io,
			`unexpected error: ${error instanceof Error ? error.message : String(error)}`,
			"run it again with --debug and report what it prints",
		);
	if (debug && error instanceof Error) io.stderr.write(`${sanitize(error.stack ?? "")}\n`);
	return known ? error.exitCode : exitCodes.failed;
}

/** What the file system answers where nobody expected it to fail is not a mistake of the program. */
function ofFileSystem(error: unknown): LlmxError | undefined {
	if (!(error instanceof Error)) return undefined;
	const { syscall, code, path } = error as NodeJS.ErrnoException;
	if (syscall === "uv_cwd")
		return new LlmxError("the working folder is gone", {
			hint: "cd to another one, and run the command again",
		});
	if (syscall === undefined || code === undefined || !/^E[A-Z]+$/.test(code)) return undefined;
	const what = path === undefined ? `the system's ${syscall} failed` : `cannot use ${path}`;
	return new LlmxError(`${what}: ${describeFileError(error)}`, { cause: error });
}

/** Runs the process's command line. What src/launch/main.ts calls. */
export async function start(startupCache?: StartupCache): Promise<number> {
	return main(process.argv.slice(2), processIo(startupCache));
}
