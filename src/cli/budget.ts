import { exitCodes, LlmxError } from "../errors.ts";
import type { Config } from "../state/config.ts";
import type { Paths } from "../state/paths.ts";
import { readSpending, type Spending } from "../state/totals.ts";
import { formatCost, formatUsd } from "../terminal/formats.ts";

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

const WARN_FROM = 0.8;

/**
 * Compares what the ledger says was spent with the config's budgets. Reads nothing when there is none. Throws
 * LlmxError (exit 8) when one is spent. Calls of unknown price cannot be counted, and are named.
 */
export async function checkBudget(
	paths: Paths,
	budget: Config["budget"],
	options: BudgetOptions = {},
): Promise<BudgetState> {
	if (budget.daily === undefined && budget.monthly === undefined)
		return { warning: null, remainingUsd: null };
	return judge(await readSpending(paths, options.now), budget, options.overBudget ?? false);
}

function judge(spending: Spending, budget: Config["budget"], overBudget: boolean): BudgetState {
	const periods = [
		{ name: "daily", limit: budget.daily, cost: spending.today, when: "today" },
		{ name: "monthly", limit: budget.monthly, cost: spending.thisMonth, when: "this month" },
	];
	let warning: string | null = null;
	let remainingUsd: number | null = null;
	for (const { name, limit, cost, when } of periods) {
		if (limit === undefined) continue;
		remainingUsd = Math.min(remainingUsd ?? Infinity, limit - cost.usd);
		const spent = `${formatCost(cost)} ${when}`;
		if (cost.usd >= limit) {
			const message = `the ${name} budget of ${formatUsd(limit)} is spent: ${spent}`;
			if (!overBudget) {
				throw new LlmxError(message, {
					exitCode: exitCodes.costCap,
					hint: `go on with --over-budget, or raise it: llmx config set budget.${name} USD`,
				});
			}
			warning ??= message;
		} else if (cost.usd >= WARN_FROM * limit) {
			const percent = Math.floor((100 * cost.usd) / limit);
			warning ??= `${percent} % of the ${name} budget of ${formatUsd(limit)} is spent: ${spent}`;
		}
	}
	return { warning, remainingUsd: overBudget ? null : remainingUsd };
}
