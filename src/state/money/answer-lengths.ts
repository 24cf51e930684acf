import { statSync } from "node:fs";
import { scanLedger } from "../ledger.ts";

/** This much of the end of the ledger tells how long answers have been lately; older ones say less. */
const readBytes = 8 << 20;
/** Fewer answers are chance. */
const leastAnswers = 20;

/** How long the answers of a model have been: between so many output tokens. */
export interface AnswerLengths {
	readonly low: number;
	readonly high: number;
	readonly answers: number;
}

/**
 * What the ledger's last rows say of the lengths of answers, by `provider/modelId`; nothing of models with too few of
 * them. The upper end is the longest, and a quarter above what 99 of 100 were.
 */
export async function readAnswerLengths(ledger: string): Promise<ReadonlyMap<string, AnswerLengths>> {
	const size = statSync(ledger, { throwIfNoEntry: false })?.size ?? 0;
	const lengths = new Map<string, number[]>();
	await scanLedger(
		ledger,
		({ provider, model_id: modelId, status, cached, output_tokens: tokens }) => {
			if (status !== "ok" || cached || tokens === null || tokens === 0) return;
			const name = `${provider}/${modelId}`;
			const known = lengths.get(name);
			if (known === undefined) lengths.set(name, [tokens]);
			else known.push(tokens);
		},
		Math.max(0, size - readBytes),
	);
	const ranges = new Map<string, AnswerLengths>();
	for (const [name, known] of lengths) {
		if (known.length < leastAnswers) continue;
		known.sort((a, b) => a - b);
		const at = (share: number) =>
			known[Math.min(known.length - 1, Math.floor(known.length * share))] as number;
		const high = Math.max(known.at(-1) as number, Math.ceil(at(0.99) * 1.25));
		ranges.set(name, { low: at(0.05), high, answers: known.length });
	}
	return ranges;
}
