import { PendingAnswer } from "./answer.ts";
import type { AskContext } from "./ask.ts";
import type { Question } from "./question.ts";
import type { SharedPrompt } from "./shared-prompts.ts";

/** A row as a question that can be asked. */
export interface RowQuestion<Row> {
	/** Counts from 0 in the order of the input. */
	readonly index: number;
	readonly row: Row;
	readonly pending: PendingAnswer;
	/** The cache key; undefined when every row is a sample of its own. */
	readonly key: string | undefined;
	/** The system prompt that it shares with others, where the provider is asked to keep that. */
	readonly shared?: SharedPrompt | undefined;
}

/** A row that cannot be asked, which is a failure of that row alone. */
export interface RefusedRow<Row> {
	readonly index: number;
	readonly row: Row;
	readonly error: unknown;
}

export interface RowQuestionOptions<Row> extends Pick<AskContext, "cached" | "cache"> {
	readonly toQuestion: (row: Row) => Question;
}

/** Rows taken at once from an iterable that has them at hand. */
const rowsAtOnce = 64;

/**
 * Rows with their cache keys: several at a time where that makes nobody wait, so that one query serves them.
 * `onRefused` hears of rows that cannot be asked.
 * @throws what the caller's iterable throws, after the rows before it
 */
export async function* questionsOf<Row>(
	rows: Iterable<Row> | AsyncIterable<Row>,
	options: RowQuestionOptions<Row>,
	onRefused: (refused: RefusedRow<Row>) => void,
): AsyncGenerator<readonly RowQuestion<Row>[], void> {
	let index = 0;
	let questions: RowQuestion<Row>[] = [];
	const take = (row: Row) => {
		try {
			questions.push(toRowQuestion(row, index, options));
		} catch (error) {
			onRefused({ index, row, error });
		}
		index += 1;
	};
	const taken = () => {
		const before = questions;
		questions = [];
		return before;
	};
	if (Symbol.asyncIterator in rows) {
		for await (const row of rows) {
			take(row);
			yield taken();
		}
		return;
	}
	let failure: { readonly error: unknown } | undefined;
	try {
		for (const row of rows) {
			take(row);
			if (index % rowsAtOnce === 0) yield taken();
		}
	} catch (error) {
		failure = { error };
	}
	// The rows before the one that could not be read are asked like any others.
	if (questions.length > 0) yield taken();
	if (failure) throw failure.error;
}

function toRowQuestion<Row>(
	row: Row,
	index: number,
	{ cached, toQuestion, cache }: RowQuestionOptions<Row>,
): RowQuestion<Row> {
	const pending = new PendingAnswer(toQuestion(row));
	const key = cache === false ? undefined : cached.key(pending.question);
	return { index, row, pending, key };
}
