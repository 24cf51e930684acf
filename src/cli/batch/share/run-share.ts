import { hostname } from "node:os";
import { basename } from "node:path";
import type { CostGuard } from "../../../batch/cost-guard.ts";
import type { Halt } from "../../../batch/halt.ts";
import type { ModelRun } from "../../../batch/run.ts";
import { RunStats } from "../../../batch/run-stats.ts";
import { exitCodes, UsageError } from "../../../errors.ts";
import { readShareAddress, type ShareAddress } from "../../../share/address.ts";
import { RedisConnection } from "../../../share/connection.ts";
import { LeaseFile, leaseFilePath, readDeadLease } from "../../../share/lease-file.ts";
import { RequestCounts } from "../../../share/request-counts.ts";
import { newMember, SharedRun } from "../../../share/shared-run.ts";
import type { SharedCap } from "../../../share/sync.ts";
import { runKeys, type ShardView } from "../../../share/view.ts";
import type { Config } from "../../../state/config.ts";
import { processTable } from "../../../state/process-identity.ts";
import { formatDuration, formatPlural, formatUsd } from "../../../terminal/formats.ts";
import { sanitizeLine } from "../../../terminal/sanitize.ts";
import type { CommandContext } from "../../command.ts";
import type { BatchFlags } from "../flags.ts";
import type { LimitParts } from "./limit-parts.ts";

export interface RunShareOptions {
	readonly context: CommandContext;
	readonly flags: BatchFlags;
	/** Of the prompts, as the user named it. */
	readonly source: string;
	/** Path of the results; undefined for stdout. */
	readonly results: string | undefined;
	readonly modelRuns: readonly ModelRun[];
	/** Rows in all, and those that had ended before. */
	readonly rows: { readonly total: number; readonly doneBefore: number };
	/** USD of `--max-cost`. */
	readonly capUsd: number | undefined;
	/** USD a day and a month, as far as the run is held to them. */
	readonly budget: Config["budget"];
	readonly limitParts: LimitParts;
	readonly halt: Halt;
	readonly log: (text: string) => void;
	/** Monotonic ms. */
	readonly now: () => number;
}

/** A task that starts again while Redis stands still is not over for that. */
const hungMs = 60_000;

/**
 * Where `--share` or LLMX_SHARE_URL says that shards meet; undefined without either. What the command line tells others
 * is taken off it.
 * @throws UsageError
 */
export function shareAddress(
	{ io }: CommandContext,
	flags: Pick<BatchFlags, "share">,
): ShareAddress | undefined {
	const text = flags.share ?? io.env.LLMX_SHARE_URL;
	if (text === undefined || text === "") return undefined;
	const address = readShareAddress(text, {
		name: flags.share === undefined ? "LLMX_SHARE_URL" : "--share",
		cwd: io.cwd,
	});
	// Linux shows the title in place of the command line.
	if (address.isPublic) process.title = "llmx";
	return address;
}

/** What shards call their run: that of the array they are tasks of, else of the prompts. */
export function shareName(
	env: Readonly<Record<string, string | undefined>>,
	flags: Pick<BatchFlags, "shareAs">,
	source: string,
): string {
	const array = env.SLURM_ARRAY_JOB_ID ?? env.AWS_BATCH_JOB_ID?.replace(/:\d+$/, "");
	const name = flags.shareAs ?? (array ? `${basename(source)} ${array}` : basename(source));
	// It becomes part of keys, in braces.
	if (/^[^{}\p{Cc}]{1,200}$/u.test(name)) return name;
	throw new UsageError(`"${sanitizeLine(name.slice(0, 50))}" cannot be the name of a shared run`, {
		hint: "give it one of at most 200 characters without braces: --share-as NAME",
	});
}

/** What a run of the command shares with the other shards. */
export class RunShare {
	readonly #options: RunShareOptions;
	readonly #connection: RedisConnection;
	readonly #run: SharedRun;
	readonly #shard: string;
	/** Is to hear of requests, to find the limit of the account; undefined where it cannot be found. */
	readonly requests: RequestCounts | undefined;
	readonly #view: { state: string };

	private constructor(
		options: RunShareOptions,
		connection: RedisConnection,
		run: SharedRun,
		requests: RequestCounts,
		shard: string,
		view: { state: string },
	) {
		this.#options = options;
		this.#connection = connection;
		this.#run = run;
		// Where several models, each with limits of its own, are asked, refusals show no limit.
		this.requests = options.modelRuns.length === 1 ? requests : undefined;
		this.#shard = shard;
		this.#view = view;
	}

	/**
	 * Connects and joins the other shards; undefined for a run that shares nothing.
	 * @throws LlmxError when Redis cannot be used, or the shard runs elsewhere
	 */
	static async open(options: RunShareOptions): Promise<RunShare | undefined> {
		const { context, flags, source, results, capUsd, limitParts, halt, log } = options;
		const address = shareAddress(context, flags);
		if (address === undefined) return undefined;
		const name = shareName(context.io.env, flags, source);
		if (address.isPublic)
			log(
				"a password on the command line is seen by others and kept by shells: put the URL into LLMX_SHARE_URL or a file",
			);
		const connection = await RedisConnection.open(address, {
			hungMs,
			onHung: () => log(`the Redis at ${address.shown} does not reply: waiting for it for up to a minute`),
		});
		const member = newMember();
		const { boot } = processTable();
		const shard =
			flags.shard === undefined ? basename(results ?? "stdout") : `${flags.shard.index}/${flags.shard.count}`;
		const view = { state: "running" };
		const budgets = budgetCaps(options.budget, new Date());
		const caps = [{ key: runKeys(name).purse, usd: capUsd }, ...budgets];
		const leasePath = results === undefined ? undefined : leaseFilePath(results);
		const inRedis = { member, budgets: budgets.map(({ key }) => key) };
		const started = Date.now();
		const requests = new RequestCounts(options.now);
		try {
			const run = await SharedRun.join({
				connection,
				name,
				member,
				label: flags.shard === undefined ? "" : `shard ${shard} of ${basename(source)}`,
				caps,
				dead: leasePath === undefined ? undefined : readDeadLease(leasePath, boot),
				file: () => (leasePath === undefined ? undefined : new LeaseFile(leasePath, inRedis, boot)),
				view: () => viewOf(options, { shard, started, state: view.state }),
				requests,
				now: options.now,
				onPart: (part) => limitParts.divide(part),
				onStop: ({ text, exitCode, by }) => halt.soon({ text: `with all shards: ${text} (${by})`, exitCode }),
				onTaken: (holder) =>
					halt.now({
						text: `another process has taken over shard ${shard}, ${holder}`,
						exitCode: exitCodes.failed,
					}),
				onAway: (reason, ms) => log(awayText(connection.shown, capUsd, reason, ms)),
			});
			const share = new RunShare(options, connection, run, requests, shard, view);
			await share.#introduce(name);
			return share;
		} catch (error) {
			connection.close();
			throw error;
		}
	}

	/** The part of the caps that the run has; undefined when there is none to be kept to. */
	get lease(): SharedRun["lease"] | undefined {
		const { capUsd, budget } = this.#options;
		const isCapped = capUsd !== undefined || budget.daily !== undefined || budget.monthly !== undefined;
		return isCapped ? this.#run.lease : undefined;
	}

	/** Whose spending is to be counted: the guard's, or without one what requests turn out to cost. */
	watch(guard: CostGuard | undefined): void {
		const { modelRuns } = this.#options;
		const spent = () => modelRuns.reduce((sum, { stats }) => sum + stats.usd, 0);
		const counted = {
			get settledUsd() {
				return spent();
			},
			get committedUsd() {
				return spent();
			},
		};
		this.#run.lease.watch(guard ?? counted);
	}

	/** Stops all shards. */
	async stopAll(text: string, exitCode: Parameters<SharedRun["stopAll"]>[0]["exitCode"]): Promise<void> {
		await this.#run.stopAll({ text, exitCode, by: `shard ${this.#shard}` });
	}

	/** Gives back what is left. `state`: how the run ended, as the status shows it. */
	async close(state: string): Promise<void> {
		this.#view.state = state;
		await this.#run.leave();
		this.#connection.close();
	}

	async #introduce(name: string): Promise<void> {
		const { flags, capUsd, log } = this.#options;
		const others = this.#run.part.living - 1;
		const with_ = others === 0 ? "alone so far" : `with ${formatPlural(others, "other shard")}`;
		const [spent = 0] = this.#run.committedUsd;
		const money =
			capUsd === undefined ? "" : `, ${formatUsd(spent)} of ${formatUsd(capUsd)} spent or set aside`;
		if (!flags.quiet) log(`sharing ${name} over ${this.#connection.shown}, ${with_}${money}`);
		if (capUsd !== undefined && (await this.#connection.evicts().catch(() => false)))
			log(
				`the Redis at ${this.#connection.shown} may forget what is spent when its memory is full: set its maxmemory-policy to noeviction`,
			);
	}
}

/** The budgets of the config, which all runs count that share a Redis. Days and months are those of this machine. */
function budgetCaps({ daily, monthly }: Config["budget"], today: Date): SharedCap[] {
	const pad = (value: number) => String(value).padStart(2, "0");
	const month = `${today.getFullYear()}-${pad(today.getMonth() + 1)}`;
	const day = `${month}-${pad(today.getDate())}`;
	return [
		...(daily === undefined ? [] : [{ key: `llmx:budget:${day}`, usd: daily }]),
		...(monthly === undefined ? [] : [{ key: `llmx:budget:${month}`, usd: monthly }]),
	];
}

function awayText(shown: string, capUsd: number | undefined, reason: string | undefined, ms: number): string {
	if (reason === undefined) return `the Redis at ${shown} is back after ${formatDuration(ms)}`;
	const then =
		capUsd === undefined
			? "going on with this shard's part of the limits"
			: "spending what is set aside for this shard, then waiting for it";
	return `the Redis at ${shown} does not answer (${reason}): ${then}`;
}

function viewOf(
	{ source, modelRuns, rows, capUsd }: RunShareOptions,
	{ shard, started, state }: { readonly shard: string; readonly started: number; readonly state: string },
): ShardView {
	const stats = RunStats.sum(modelRuns.map((run) => run.stats));
	const minutes = Math.max(1, Date.now() - started) / 60_000;
	return {
		shard,
		source: basename(source),
		host: hostname(),
		pid: process.pid,
		started,
		state,
		rows: rows.total,
		done_before: rows.doneBefore,
		answered: stats.answered,
		failed: stats.failed,
		in_flight: stats.inFlight,
		requests: stats.requests,
		refusals_429: stats.refusals,
		requests_per_minute: Math.round(stats.requests / minutes),
		cost_usd: Number(stats.usd.toPrecision(12)),
		unknown_cost_requests: stats.unknownCosts,
		max_cost: capUsd ?? null,
	};
}
