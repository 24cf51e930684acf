import { exitCodes, LlmxError, UsageError } from "../../../errors.ts";
import { RedisConnection, RedisFailure } from "../../../share/connection.ts";
import { liftStop, listSharedRuns, readSharedRun, type SharedRunView } from "../../../share/view.ts";
import { escapeJson, sanitizeLine } from "../../../terminal/sanitize.ts";
import { colorsFor } from "../../ask/answer-writer.ts";
import type { CommandContext } from "../../command.ts";
import { createInterrupt } from "../../interrupt.ts";
import { LiveRegion } from "../../live-region.ts";
import { shareAddress } from "./run-share.ts";
import { fitToHeight, fitToWidth, statusLines, totalsOf } from "./status-view.ts";

/** What commander collects for `batch status`. */
export interface StatusFlags {
	readonly share?: string;
	readonly shareAs?: string;
	readonly json?: boolean;
	readonly once?: boolean;
	readonly liftStop?: boolean;
}

const lookEveryMs = 1_000;

/** Runs `llmx batch status`: shows a shared run, on a terminal until its last shard has ended. Returns the exit code. */
export async function showStatus(flags: StatusFlags, context: CommandContext): Promise<number> {
	const { io } = context;
	const address = shareAddress(context, flags);
	if (address === undefined)
		throw new UsageError("no Redis given", {
			hint: "llmx batch status --share redis://HOST:PORT, or set LLMX_SHARE_URL",
		});
	const connection = await RedisConnection.open(address);
	try {
		const name = flags.shareAs ?? (await onlyRun(connection));
		if (flags.liftStop) await liftStop(connection, name);
		const first = await readRun(connection, name);
		if (flags.json) {
			io.stdout.write(`${escapeJson(JSON.stringify({ ...first, totals: totalsOf(first) }))}\n`);
		} else if (flags.once || !io.stdout.isTTY || io.env.TERM === "dumb") {
			io.stdout.write(`${linesOf(first, context).join("\n")}\n`);
		} else await watchRun(connection, first, context);
		return exitCodes.ok;
	} finally {
		connection.close();
	}
}

/** Draws the run again and again, and leaves its last state on the screen. */
async function watchRun(
	connection: RedisConnection,
	first: SharedRunView,
	context: CommandContext,
): Promise<void> {
	const { io } = context;
	const region = new LiveRegion(io.stdout);
	const interrupt = createInterrupt(io);
	let run = first;
	let trouble = "";
	try {
		while (!interrupt.signal.aborted && (totalsOf(run).alive > 0 || trouble !== "")) {
			// The region leaves the last column and the last row free.
			const width = (io.stdout.columns ?? 80) - 1;
			const lines = fitToWidth(linesOf(run, context, width), width);
			const said = trouble === "" ? [] : fitToWidth(["", trouble], width);
			const height = (io.stdout.rows ?? 24) - 1 - said.length;
			region.draw([...fitToHeight(lines, height), ...said]);
			await wait(lookEveryMs, interrupt.signal);
			try {
				run = await readRun(connection, run.run);
				trouble = "";
			} catch (error) {
				if (!(error instanceof RedisFailure)) throw error;
				trouble = `the Redis at ${connection.shown} does not answer: ${sanitizeLine(error.message)}`;
			}
		}
	} finally {
		interrupt.dispose();
		region.clear();
		io.stdout.write(`${linesOf(run, context).join("\n")}\n`);
	}
}

function linesOf(
	run: SharedRunView,
	{ io }: CommandContext,
	width = io.stdout.isTTY ? io.stdout.columns : undefined,
): string[] {
	return statusLines(run, { now: Date.now(), width, colors: colorsFor(io, "stdout") });
}

async function readRun(connection: RedisConnection, name: string): Promise<SharedRunView> {
	const run = await readSharedRun(connection, name);
	if (run !== undefined) return run;
	throw new LlmxError(`the Redis at ${connection.shown} knows no run "${sanitizeLine(name)}"`, {
		exitCode: exitCodes.usage,
		hint: "llmx batch status without --share-as lists those it knows",
	});
}

/** @throws LlmxError when there is none, or more than one to choose from */
async function onlyRun(connection: RedisConnection): Promise<string> {
	const names = await listSharedRuns(connection);
	const [name] = names;
	if (name !== undefined && names.length === 1) return name;
	if (name === undefined)
		throw new LlmxError(`the Redis at ${connection.shown} knows no run`, {
			hint: "runs with --share are there from their start until a week after their end",
		});
	throw new UsageError(`the Redis at ${connection.shown} knows ${names.length} runs`, {
		hint: `choose one with --share-as: ${names.slice(0, 20).map(sanitizeLine).join(", ")}`,
	});
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const end = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", end);
			resolve();
		};
		const timer = setTimeout(end, ms);
		signal.addEventListener("abort", end);
	});
}
