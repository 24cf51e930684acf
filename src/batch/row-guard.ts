import type { RequestOutcome } from "../ask/run-control.ts";
import { exitCodes } from "../errors.ts";
import type { BatchRow } from "../prompts/row-builder.ts";
import type { CostGuard, GuardedRequest, GuardVerdict } from "./cost-guard.ts";
import type { Halt } from "./halt.ts";
import type { TokenCounter } from "./input-tokens.ts";
import type { PricedModel } from "./priced-model.ts";
import { rowBounds } from "./row-bounds.ts";
import type { RunStats } from "./run-stats.ts";

export interface RowGuardOptions {
	readonly halt: Halt;
	/** What the guard keeps, in words. */
	readonly capName: string;
	readonly countTokens: TokenCounter | undefined;
}

interface GuardedModel extends PricedModel {
	readonly model: string;
	readonly stats: RunStats;
}

interface GuardedRow {
	readonly row: BatchRow;
}

/** Asks the guard of a run's cost about the rows of one model. */
export class RowGuard {
	readonly #guard: CostGuard;
	readonly #options: RowGuardOptions;
	readonly #model: GuardedModel;
	/** What it was asked, for a row that has to wait is asked about again and again. */
	readonly #asked = new WeakMap<GuardedRow, GuardedRequest>();

	constructor(guard: CostGuard, options: RowGuardOptions, model: GuardedModel) {
		this.#guard = guard;
		this.#options = options;
		this.#model = model;
	}

	/** Whether a row may be sent now; ends the run softly when its answer could exceed the cap. */
	admit(sent: GuardedRow): GuardVerdict {
		const { countTokens, halt, capName } = this.#options;
		const { model, stats } = this.#model;
		let request = this.#asked.get(sent);
		if (request === undefined) {
			const bounds = rowBounds(sent.row, this.#model, countTokens);
			request = {
				inputTokens: bounds.inputTokens.high,
				worstOutputTokens: bounds.worstOutput,
				isBounded: bounds.isBounded,
				// What has no price is not held back by a budget, and does not run under a cap of the user's own.
				isPriced: bounds.usdOf(bounds.worstOutput) !== null,
				model,
				usdOf: (output, input) => bounds.usdOf(output, input) ?? 0,
			};
			this.#asked.set(sent, request);
		}
		const verdict = this.#guard.admit(sent, request);
		if (verdict === "stop")
			halt.soon({ text: `the next answer could exceed ${capName}`, exitCode: exitCodes.costCap });
		// What another model has in flight may leave something; no end of this model's own would ask again.
		return verdict === "wait" && stats.inFlight === 0 ? "hold" : verdict;
	}

	/** What a sending of a row came to. */
	settle(sent: GuardedRow, { usage, cost, error }: RequestOutcome): void {
		this.#guard.settle(sent, {
			usd: cost.unknownCalls > 0 ? null : cost.usd,
			inputTokens: error === undefined ? (usage?.inputTokens ?? null) : null,
			outputTokens: error === undefined && usage !== null ? usage.outputTokens / sent.row.n : null,
		});
	}
}
