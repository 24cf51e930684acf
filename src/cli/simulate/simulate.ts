import { type Command, InvalidArgumentError, Option } from "commander";
import { AbortedError, exitCodes, UsageError } from "../../errors.ts";
import { dialects } from "../../simulator/dialect-names.ts";
import type { Simulator, SimulatorOptions } from "../../simulator/server.ts";
import type { CommandContext } from "../command.ts";
import { createInterrupt } from "../interrupt.ts";
import { collect, parseAmount, parseCount, parsePositive } from "../parameter-options.ts";

interface SimulateFlags {
	readonly port: number;
	readonly rpm?: number;
	readonly tpm?: number;
	readonly rpd?: number;
	readonly inFlight?: number;
	readonly dialect?: SimulatorOptions["dialect"];
	readonly latency?: SimulatorOptions["latency"];
	readonly tokensPerSecond?: number;
	readonly errors?: Readonly<Record<string, number>>;
	readonly jobSeconds?: number;
	readonly jobFaults?: readonly string[];
	readonly jobQueue?: number;
	readonly key?: readonly string[];
	readonly seed?: number;
	readonly json?: boolean;
	readonly list?: boolean;
}

const examples = `
Examples:
  llmx simulate --port 4010 --rpm 240 --dialect sambanova
  llmx simulate --latency 400,1500 --errors 503=1%,cut-stream=0.5%
  LOCAL_BASE_URL=http://127.0.0.1:4010/v1 llmx ask -m local/echo "hello [[fault:503 x1]]"
  llmx simulate --port 4010 --job-seconds 20 --job-faults lost,expire
  OPENAI_BASE_URL=http://127.0.0.1:4010/v1 OPENAI_API_KEY=any llmx batch p.jsonl -m openai/echo --via-jobs

Models, directives and faults are described in docs/simulator.md.`;

/** Adds the options and the action of `simulate`. */
export function define(command: Command, context: CommandContext, finish: (exitCode: number) => void): void {
	command
		.description(
			"Run the simulator: a server on 127.0.0.1 that speaks the OpenAI, Gemini and Anthropic APIs, with rate limits and faults on demand. Press Ctrl-C to stop it.",
		)
		.option("--port <number>", "port to listen on; 0 picks a free one", parseCount, 0)
		.option("--rpm <count>", "requests per minute for each key", parsePositive)
		.option("--tpm <count>", "tokens per minute for each key", parsePositive)
		.option("--rpd <count>", "requests per day for each key", parseCount)
		.option("--in-flight <count>", "concurrent requests for each key", parsePositive)
		.addOption(
			new Option("--dialect <name>", "provider whose limit headers and 429s to imitate").choices(dialects),
		)
		.option(
			"--latency <ms>",
			"time to the answer: ms, or MEDIAN,P95 for a log-normal distribution",
			parseLatency,
		)
		.option("--tokens-per-second <count>", "speed of an answer after its first token", parseAmount)
		.option(
			"--errors <list>",
			"faults and their share of requests: 503=1%,cut-stream=0.005 (repeatable)",
			collectErrors,
		)
		.option("--job-seconds <seconds>", "time that a batch job takes (default: 2)", parseAmount)
		.option(
			"--job-faults <list>",
			"what goes wrong with the first batch jobs, one after the other: none,lost,expire",
			(value: string) => value.split(",").map((name) => name.trim()),
		)
		.option("--job-queue <tokens>", "tokens that batch jobs may have queued at once", parsePositive)
		.option("--key <key>", "accept only this key (repeatable)", collect)
		.option("--seed <integer>", "seed of random latencies and faults", parseCount)
		.option("--json", "print the address as JSON")
		.option("--list", "list the models and faults, and exit")
		.addHelpText("after", examples)
		.action(async (flags: SimulateFlags) => finish(await runSimulate(flags, context)));
}

async function runSimulate(flags: SimulateFlags, { io }: CommandContext): Promise<number> {
	const { startSimulator, simulatedModels, faults, jobFaultTable } = await import(
		"../../simulator/server.ts"
	);
	if (flags.list) {
		const widest = Math.max(
			...[
				...simulatedModels.map(({ id }) => id),
				...faults.map(({ name }) => name),
				...Object.keys(jobFaultTable),
			].map((name) => name.length),
		);
		const line = (name: string, does: string) => `  ${name.padEnd(widest)}  ${does}\n`;
		io.stdout.write("Models (-m sim/NAME):\n");
		for (const { id, does } of simulatedModels) io.stdout.write(line(id, does));
		io.stdout.write("\nFaults ([[fault:NAME]] in a prompt, or --errors NAME=SHARE):\n");
		for (const { name, does } of faults) io.stdout.write(line(name, does));
		io.stdout.write("\nFaults of batch jobs (--job-faults NAME,NAME):\n");
		for (const [name, does] of Object.entries(jobFaultTable)) io.stdout.write(line(name, does));
		return exitCodes.ok;
	}
	const interrupt = createInterrupt(io);
	let simulator: Simulator | undefined;
	try {
		simulator = await startSimulator(simulatorOptions(flags)).catch((error: unknown) => {
			throw startFailure(error, flags.port);
		});
		announce(simulator, flags, io);
		await io.stdout.flush();
		const code = await stopped(interrupt.signal);
		io.stderr.write(`${summary(simulator)}\n`);
		return code;
	} finally {
		interrupt.dispose();
		await simulator?.close();
	}
}

function simulatorOptions(flags: SimulateFlags): SimulatorOptions {
	const { port, rpm, tpm, rpd, inFlight, dialect, latency, tokensPerSecond, errors, key, seed } = flags;
	const { jobSeconds, jobFaults, jobQueue } = flags;
	const limited = [rpm, tpm, rpd, inFlight].some((limit) => limit !== undefined);
	return {
		port,
		limits: limited
			? { requestsPerMinute: rpm, tokensPerMinute: tpm, requestsPerDay: rpd, maxInFlight: inFlight }
			: undefined,
		dialect,
		latency,
		tokensPerSecond,
		errors,
		jobs: {
			lifeMs: jobSeconds === undefined ? undefined : jobSeconds * 1000,
			faults: jobFaults,
			queuedTokens: jobQueue,
		},
		keys: key,
		seed,
		logSize: 0,
	};
}

function startFailure(error: unknown, port: number): unknown {
	if (error instanceof RangeError)
		return new UsageError(error.message, { hint: "see llmx simulate --list", cause: error });
	if ((error as NodeJS.ErrnoException).code === "EADDRINUSE")
		return new UsageError(`port ${port} is already in use`, {
			hint: "choose another --port, or 0 to pick a free one",
			cause: error,
		});
	return error;
}

function announce({ url, port }: Simulator, flags: SimulateFlags, io: CommandContext["io"]): void {
	if (flags.json) {
		io.stdout.write(`${JSON.stringify({ url, port })}\n`);
		return;
	}
	io.stdout.write(`${url}\n`);
	io.stderr.write(
		[
			"The simulator is running. Point llmx at it from another terminal:",
			`  LOCAL_BASE_URL=${url}/v1 llmx ask -m local/echo "hello"`,
			`  OPENAI_BASE_URL=${url}/v1 OPENAI_API_KEY=any llmx ask -m gpt-4.1-mini "hello"`,
			`  ANTHROPIC_BASE_URL=${url} ANTHROPIC_API_KEY=any llmx ask -m anthropic/echo "hello"`,
			`  GEMINI_BASE_URL=${url} GEMINI_API_KEY=any llmx ask -m gemini/echo "hello"`,
			"Ctrl-C stops it.",
			"",
		].join("\n"),
	);
}

/** Resolves with the exit code of the signal that came. */
function stopped(signal: AbortSignal): Promise<number> {
	const code = () => (signal.reason instanceof AbortedError ? signal.reason.exitCode : exitCodes.ok);
	if (signal.aborted) return Promise.resolve(code());
	return new Promise((resolve) => signal.addEventListener("abort", () => resolve(code()), { once: true }));
}

function summary({ stats, jobs }: Simulator): string {
	const faults = Object.values(stats.faults).reduce((sum, count) => sum + count, 0);
	const rows = Object.values(jobs);
	const jobsText =
		rows.length === 0 ? "" : `; ${rows.length} batch jobs of ${rows.reduce((sum, n) => sum + n, 0)} rows`;
	return `${stats.requests} requests: ${stats.answered} answered, ${stats.rateLimited} over the limit, ${faults} faults${jobsText}`;
}

function parseLatency(value: string): SimulatorOptions["latency"] {
	const [medianMs = Number.NaN, p95Ms, ...rest] = value.split(",").map(Number);
	const wrong = rest.length > 0 || !(medianMs >= 0) || (p95Ms !== undefined && !(p95Ms >= medianMs));
	if (wrong) throw new InvalidArgumentError("It must be MS or MEDIAN,P95.");
	return p95Ms === undefined ? medianMs : { medianMs, p95Ms };
}

/** `NAME=SHARE,…`, a share being a fraction or a percentage. A fault's own value keeps its `=`: the last one counts. */
function collectErrors(
	value: string,
	previous: Readonly<Record<string, number>> = {},
): Record<string, number> {
	const errors: Record<string, number> = { ...previous };
	for (const item of value.split(",")) {
		const equals = item.lastIndexOf("=");
		const share = item.slice(equals + 1).trim();
		const rate = share.endsWith("%") ? Number(share.slice(0, -1)) / 100 : Number(share);
		if (equals < 1 || share === "" || !Number.isFinite(rate))
			throw new InvalidArgumentError("It must be NAME=SHARE,….");
		errors[item.slice(0, equals).trim()] = rate;
	}
	return errors;
}
