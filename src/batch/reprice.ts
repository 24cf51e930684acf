import { LlmxError } from "../errors.ts";
import { priceCall } from "../models/cost.ts";
import { ownPrices } from "../models/own-prices.ts";
import { configuredRows, rows as providerRows } from "../models/router.ts";
import type { Config } from "../state/config.ts";
import { Ledger, scanLedger } from "../state/ledger.ts";
import { type LedgerRow, unknownReason } from "../state/ledger-row.ts";
import { acquireLock } from "../state/lock.ts";
import type { Paths } from "../state/paths.ts";

/** What a repricing came to. */
export interface Repriced {
	readonly calls: number;
	readonly usd: number;
	/** Calls that still have no price. */
	readonly left: number;
}

/**
 * Gives a price to calls that had none when they were made and have one now: their tokens are in the ledger. Each gets
 * a row more, of its own day and model, so that nothing of the ledger is changed and doing it twice changes nothing.
 * @throws LlmxError when another process is at it
 */
export async function repriceLedger(paths: Paths, config: Config): Promise<Repriced> {
	const taken = await acquireLock(`${paths.ledger}.reprice`);
	if ("held" in taken) throw new LlmxError("another process is pricing the ledger", { hint: "wait for it" });
	const ledger = new Ledger(paths.ledger);
	try {
		const unpriced = await findUnpriced(paths.ledger);
		const rows = new Map(providerRows(configuredRows(config.providers)).map((row) => [row.id, row]));
		let [calls, usd] = [0, 0];
		for (const [offset, row] of unpriced) {
			const provider = rows.get(row.provider);
			if (provider === undefined) continue;
			const named = { model: row.model, provider, modelId: row.model_id };
			const own = ownPrices(named, config.prices);
			const endedAt = Date.parse(row.ts);
			const charges = row.charges ?? {};
			const cost = priceCall({
				provider,
				modelId: row.model_id,
				usage: usageOf(row),
				charges,
				at: endedAt,
				own,
			});
			if (cost.usd === null) continue;
			calls += 1;
			usd += cost.usd;
			ledger.append({ ...entryOf(row), costUsd: cost.usd, endedAt, reprices: offset });
		}
		await ledger.flush();
		return { calls, usd, left: unpriced.size - calls };
	} finally {
		ledger.close();
		await taken.lock.release();
	}
}

/** Rows without a price by their offset, but for those that were priced since. */
async function findUnpriced(ledger: string): Promise<Map<number, LedgerRow>> {
	const unpriced = new Map<number, LedgerRow>();
	await scanLedger(ledger, (row, offset) => {
		if (row.reprices !== null) unpriced.delete(row.reprices);
		else if (unknownReason(row) === "no_price") unpriced.set(offset, row);
	});
	return unpriced;
}

function usageOf(row: LedgerRow) {
	const { input_tokens: inputTokens, output_tokens: outputTokens } = row;
	if (inputTokens === null || outputTokens === null) return null;
	return {
		inputTokens,
		cachedInputTokens: row.cached_input_tokens,
		cacheWriteTokens: row.cache_write_tokens,
		audioInputTokens: row.audio_input_tokens,
		outputTokens,
		reasoningTokens: row.reasoning_tokens,
	};
}

/** The marks of the call that is priced; its tokens were counted with it. */
function entryOf({ command, session, label, model, provider, model_id: modelId, status }: LedgerRow) {
	const none = { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, audioInputTokens: 0 };
	const usage = { ...none, outputTokens: 0, reasoningTokens: 0 };
	return {
		command,
		session,
		label,
		model,
		provider,
		modelId,
		status,
		usage,
		cached: false,
		attempts: 0,
		latencyMs: 0,
	};
}
