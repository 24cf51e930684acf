import { exitCodes, LlmxError } from "../errors.ts";
import { JobLog } from "../jobs/job-log.ts";
import type { Config } from "../state/config.ts";
import { BudgetClaim, claimedBy } from "../state/money/claims.ts";
import type { Paths } from "../state/paths.ts";
import { readSpending, type Spending } from "../state/totals.ts";
import { formatCost, formatUsd } from "../terminal/formats.ts";
import type { Cost } from "../types.ts";

export interface BudgetOptions {
	/** `--over-budget`: warn where a run would be refused. */
	readonly overBudget?: boolean | undefined;
	/** Wall clock in ms since 1970. */
	readonly now?: number | undefined;
}

export interface BudgetState {
	/** What to tell the user, from 80 % of a budget on. */
	readonly warning: string | null;
	/** USD left until the nearest budget is spent; null without a budget or with `overBudget`. */
	readonly remainingUsd: number | null;
}

/** One budget of the config, and what was spent of it. */
export interface BudgetPeriod {
	readonly name: "daily" | "monthly";
	readonly limit: number;
	readonly cost: Cost;
	readonly when: "today" | "this month";
}

const warnFrom = 0.8;

/**
 * Compares what the ledger says was spent, and what runs in progress have set aside, with the config's budgets. Reads
 * nothing when there is none. Throws LlmxError (exit 8) when one is spent. Calls of unknown price cannot be counted,
 * and are named.
 */
export async function checkBudget(
	paths: Paths,
	budget: Config["budget"],
	options: BudgetOptions = {},
): Promise<BudgetState> {
	if (budget.daily === undefined && budget.monthly === undefined)
		return { warning: null, remainingUsd: null };
	const claimedUsd = (await claimedBy(paths.claims)) + new JobLog(paths.jobs).openUsd();
	return judge(await readSpending(paths, options.now), claimedUsd, budget, options.overBudget ?? false);
}

/** The budgets of the config with what was spent of each. */
export function budgetPeriods(spending: Spending, budget: Config["budget"]): BudgetPeriod[] {
	const { daily, monthly } = budget;
	const { today, thisMonth } = spending;
	return [
		...(daily === undefined ? [] : [{ name: "daily", limit: daily, cost: today, when: "today" } as const]),
		...(monthly === undefined
			? []
			: [{ name: "monthly", limit: monthly, cost: thisMonth, when: "this month" } as const]),
	];
}

function judge(
	spending: Spending,
	claimedUsd: number,
	budget: Config["budget"],
	overBudget: boolean,
): BudgetState {
	let warning: string | null = null;
	let remainingUsd: number | null = null;
	for (const { name, limit, cost, when } of budgetPeriods(spending, budget)) {
		remainingUsd = Math.min(remainingUsd ?? Infinity, limit - cost.usd - claimedUsd);
		const aside =
			claimedUsd > 0 ? `, and ${formatUsd(claimedUsd)} is set aside for runs and batch jobs in progress` : "";
		const spent = `${formatCost(cost)} ${when}${aside}`;
		if (cost.usd + claimedUsd >= limit) {
			const message = `the ${name} budget of ${formatUsd(limit)} is spent: ${spent}`;
			if (!overBudget)
				throw new LlmxError(message, {
					exitCode: exitCodes.costCap,
					hint: `continue with --over-budget, or raise it: llmx config set budget.${name} USD`,
				});
			warning ??= message;
		} else if (cost.usd >= warnFrom * limit) {
			const percent = Math.floor((100 * cost.usd) / limit);
			warning ??= `${percent} % of the ${name} budget of ${formatUsd(limit)} is spent: ${spent}`;
		}
	}
	return { warning, remainingUsd: overBudget ? null : remainingUsd };
}

/** How often a run looks whether it needs more of the budget. */
const topUpMs = 500;
/** A run takes more when it has used this much of what it has. */
const topUpFrom = 0.7;

/** What a guard of spending says of itself and lets be done to it. */
export interface Raisable {
	/** USD spent. */
	readonly spentUsd: number;
	/** USD spent and set aside for what is in flight. */
	readonly committedUsd: number;
	raise(usd: number): void;
}

/** A run's part of the budget: set aside while it runs, topped up as it needs more, and given back at its end. */
export class RunBudget {
	/** In words: `the daily budget of $5.00`. */
	readonly name: string;
	/** USD that the run may spend so far. */
	grantedUsd = 0;
	readonly #claim: BudgetClaim;
	readonly #leftUsd: () => Promise<number>;
	#timer: NodeJS.Timeout | undefined;
	#closed = false;

	private constructor(paths: Paths, name: string, leftUsd: () => Promise<number>) {
		this.name = name;
		this.#claim = new BudgetClaim(paths.claims);
		this.#leftUsd = leftUsd;
	}

	/**
	 * Sets aside what a run will probably cost, or as much as there is; null without a budget.
	 * @throws LlmxError (exit 8) when nothing is left
	 */
	static async open(paths: Paths, budget: Config["budget"], wantedUsd: number): Promise<RunBudget | null> {
		const read = async () => budgetPeriods(await readSpending(paths), budget);
		const nearest = (await read()).toSorted((a, b) => a.limit - a.cost.usd - (b.limit - b.cost.usd))[0];
		if (nearest === undefined) return null;
		const jobs = new JobLog(paths.jobs);
		const left = async () =>
			Math.min(...(await read()).map(({ limit, cost }) => limit - cost.usd)) - jobs.openUsd();
		const name = `the ${nearest.name} budget of ${formatUsd(nearest.limit)}`;
		const run = new RunBudget(paths, name, left);
		run.grantedUsd = await run.#claim.add(wantedUsd, left);
		if (run.grantedUsd > 0 || wantedUsd === 0) return run;
		await run.close();
		throw new LlmxError(`the rest of ${name} is set aside for other runs and batch jobs in progress`, {
			exitCode: exitCodes.costCap,
			hint: "wait for them, or go on with --over-budget",
		});
	}

	/** Keeps the part that others see up to date, and takes more of the budget as the guard comes near its cap. */
	watch(guard: Raisable): void {
		const tick = async () => {
			if (this.#closed) return;
			this.#claim.keep(this.grantedUsd - guard.spentUsd);
			if (guard.committedUsd > this.grantedUsd * topUpFrom) {
				const more = await this.#claim.add(this.grantedUsd, this.#leftUsd);
				this.grantedUsd += more;
				guard.raise(more);
			}
			if (this.#closed) return await this.#claim.release();
			this.#timer = setTimeout(() => void tick(), topUpMs);
			this.#timer.unref();
		};
		this.#timer = setTimeout(() => void tick(), topUpMs);
		this.#timer.unref();
	}

	/** A batch job stands for so much of it from now on, until its results are fetched. */
	handOver(usd: number): void {
		this.#claim.keep(this.#claim.usd - usd);
	}

	/** Gives back what is left. */
	async close(): Promise<void> {
		this.#closed = true;
		clearTimeout(this.#timer);
		await this.#claim.release();
	}
}
