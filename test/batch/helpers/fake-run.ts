import type { RowOutcome } from "../../../src/ask/run-control.ts";
import { type CheckOptions, checkPrompts } from "../../../src/batch/check.ts";
import { CostGuard } from "../../../src/batch/cost-guard.ts";
import { executeRun, type RunOutcome } from "../../../src/batch/execute.ts";
import type { Expectation } from "../../../src/batch/expectation.ts";
import { Halt, type HaltPolicy } from "../../../src/batch/halt.ts";
import type { BatchModel, ModelRun, SentRow } from "../../../src/batch/run.ts";
import { RunStats } from "../../../src/batch/run-stats.ts";
import { settleResults } from "../../../src/batch/settle.ts";
import { AbortedError, LlmxError, RequestError } from "../../../src/errors.ts";
import { plainDialect } from "../../../src/prompts/csv-line.ts";
import { type InputFormat, openInput } from "../../../src/prompts/input.ts";
import { PromptsFile, type Selection } from "../../../src/prompts/prompts-file.ts";
import { createReader } from "../../../src/prompts/reader.ts";
import { RowBuilder, type RowOptions } from "../../../src/prompts/row-builder.ts";
import { SchemaSet } from "../../../src/prompts/schemas.ts";
import { readTableShape } from "../../../src/prompts/table.ts";
import { type OutputFormat, recordFormats } from "../../../src/results/records.ts";
import type { Result } from "../../../src/types.ts";
import { addCost, noCost } from "../../../src/types.ts";
import { MemoryFiles } from "./memory-files.ts";

/** A result with some text and ten tokens each way. */
export function answer(text: string, overrides: Partial<Result> = {}): Result {
	const tokens = { inputTokens: 10, cachedInputTokens: 0, cacheWriteTokens: 0, audioInputTokens: 0 };
	return {
		model: "m",
		text,
		texts: [text],
		reasoning: null,
		finishReason: "stop",
		usage: { ...tokens, outputTokens: 10, reasoningTokens: 0 },
		costUsd: 0.01,
		cached: false,
		attempts: 1,
		latencyMs: 5,
		...overrides,
	};
}

export function failure(
	message: string,
	overrides: Partial<ConstructorParameters<typeof RequestError>[1]> = {},
) {
	return new RequestError(message, {
		provider: "fake",
		errorClass: "server",
		status: 500,
		advice: { retry: "never", key: "keep" },
		maybeBilled: false,
		...overrides,
	});
}

export type Answerer = (sent: SentRow, sent_before: number) => Result | Promise<Result>;

/** A model that answers `width` rows at a time, the last of them first. */
class FakeModel implements BatchModel {
	readonly #answer: Answerer;
	readonly #width: number;
	readonly #onSend: (sent: SentRow) => void;
	readonly #attempts: number;
	#count = 0;

	constructor(answerer: Answerer, width: number, attempts: number, onSend: (sent: SentRow) => void) {
		this.#attempts = attempts;
		this.#answer = answerer;
		this.#width = width;
		this.#onSend = onSend;
	}

	async *generateTogether(
		rows: Iterable<SentRow> | AsyncIterable<SentRow>,
		...[options, control]: Parameters<BatchModel["generateTogether"]> extends [unknown, ...infer Rest]
			? Rest
			: never
	): AsyncGenerator<readonly RowOutcome<SentRow>[], void> {
		let flight: Promise<RowOutcome<SentRow>>[] = [];
		const land = async () => {
			const landed = await Promise.all(flight);
			flight = [];
			return landed.toReversed();
		};
		for await (const row of rows) {
			if (control.stop?.aborted || options.signal?.aborted) break;
			let verdict = control.admit?.(row) ?? "go";
			if (verdict === "wait") {
				yield await land();
				verdict = control.admit?.(row) ?? "go";
			}
			if (verdict !== "go") break;
			flight.push(this.#send(row, control));
			if (flight.length === this.#width) yield await land();
		}
		yield await land();
	}

	async #send(
		row: SentRow,
		control: Parameters<BatchModel["generateTogether"]>[2],
	): Promise<RowOutcome<SentRow>> {
		const index = this.#count++;
		control.onLeave?.();
		this.#onSend(row);
		try {
			const result = await this.#answer(row, index);
			const spent = addCost(noCost, result.costUsd);
			control.onSent?.(row, { usage: result.usage, cost: spent, error: undefined });
			try {
				return { ok: true, index, row, result: control.judge?.(row, result) ?? result };
			} catch (refusal) {
				const error = refusal as LlmxError;
				return { ok: false, index, row, error, attempts: this.#attempts, partial: null, spent };
			}
		} catch (error) {
			if (!(error instanceof LlmxError)) throw error;
			const isKnown = error instanceof RequestError ? !error.maybeBilled : !(error instanceof AbortedError);
			const spent = addCost(noCost, isKnown ? 0 : null);
			control.onSent?.(row, { usage: null, cost: spent, error });
			return { ok: false, index, row, error, attempts: this.#attempts, partial: null, spent };
		}
	}
}

export interface FakeRun {
	readonly format?: InputFormat;
	readonly outFormat?: OutputFormat;
	readonly models?: readonly string[];
	readonly rows?: Partial<RowOptions>;
	readonly selection?: Partial<Selection>;
	readonly retryFailed?: boolean;
	readonly overwrite?: boolean;
	readonly answer?: Answerer;
	/** In flight at once. */
	readonly width?: number;
	readonly halt?: Halt;
	readonly claim?: { isHeld(): boolean };
	readonly haltPolicy?: HaltPolicy;
	readonly maxCost?: number;
	/** The name of a table beside the journal. */
	readonly table?: string;
	/** What a failed row says it took. */
	readonly attempts?: number;
	readonly expectation?: Expectation;
	readonly failUnder?: number;
	readonly onSend?: (sent: SentRow) => void;
	/** The outputs are open, and nothing is sent yet. */
	readonly onOpened?: () => void;
	/** Where records go that have no place where they belong. */
	readonly rescueFolders?: readonly string[];
}

/** What came of a run, and the ids that were sent. */
export interface FakeOutcome extends RunOutcome {
	readonly sent: readonly string[];
}

/** Runs the file `in` of a file system in memory to `out` and `errors`, with a model that answers at once. */
export async function runFake(files: MemoryFiles, run: FakeRun = {}): Promise<FakeOutcome> {
	const models = run.models ?? ["m"];
	const input = openInput(files, "in", "in", { format: run.format ?? "jsonl" });
	try {
		const builder = new RowBuilder({
			column: "prompt",
			template: undefined,
			preset: undefined,
			system: undefined,
			parameters: {},
			n: 1,
			attachments: undefined,
			...run.rows,
		});
		const shape = input.format === "csv" ? readTableShape(files, input) : undefined;
		const prompts = new PromptsFile({
			input,
			read: await createReader(files, input),
			builder,
			selection: { shard: undefined, limit: undefined, ...run.selection },
			models,
			table: shape,
		});
		const format = recordFormats[run.outFormat ?? "llmx"];
		const output = {
			results: "out",
			failures: "errors",
			resultsName: "out",
			failuresName: "errors",
			superseded: "superseded",
			supersededName: "superseded",
			rescueFolders: run.rescueFolders ?? [],
		};
		const schemas = new SchemaSet();
		const checkOptions: CheckOptions = {
			files,
			prompts,
			primaryModel: models[0] ?? "",
			output,
			format,
			retryFailed: run.retryFailed ?? false,
			overwrite: run.overwrite ?? false,
			onRow: (row) => schemas.add(row.parameters, row.line),
			random: () => 0.25,
		};
		const first = checkPrompts(checkOptions);
		await schemas.compile((problem) => first.problems.add(problem));
		first.problems.throwIfAny();
		const checked = settleResults(checkOptions, first);
		const sent: string[] = [];
		const model = new FakeModel(
			run.answer ?? (({ row }) => answer(`to ${row.id}`)),
			run.width ?? 4,
			run.attempts ?? 1,
			(row) => {
				sent.push(row.row.id);
				run.onSend?.(row);
			},
		);
		const modelRuns: ModelRun[] = checked.models.map((name) => ({
			model: name,
			llm: model,
			defaults: {},
			provider: "openai",
			modelId: "gpt-4.1-mini",
			isFree: false,
			stats: new RunStats(),
		}));
		const { table } = run;
		const outcome = await executeRun({
			files,
			output: {
				files: output,
				rendered:
					table === undefined
						? undefined
						: {
								path: table,
								name: table,
								kind: "table",
								style: {
									dialect: shape?.dialect ?? plainDialect,
									severalModels: models.length > 1,
									hasPass: run.expectation !== undefined,
									escapesFormulas: true,
								},
							},
			},
			prompts,
			checked,
			modelRuns,
			format,
			schemas,
			halt: run.halt ?? new Halt(),
			haltPolicy: run.haltPolicy,
			claim: run.claim,
			guard: run.maxCost === undefined ? undefined : new CostGuard({ capUsd: run.maxCost, allowanceUsd: 1 }),
			capName: "--max-cost",
			countTokens: (text) => text.length,
			cache: true,
			expectation: run.expectation,
			failUnder: run.failUnder,
			stringify: (record) => JSON.stringify(record),
			onPause: () => {},
			onOpened: async () => run.onOpened?.(),
			onServer: () => {},
		});
		return { ...outcome, sent };
	} finally {
		files.close(input.file);
	}
}

/** The ids r0, r1 and so on. */
export function names(count: number): string[] {
	return Array.from({ length: count }, (_, index) => `r${index}`);
}

/** A file system with a prompts file `in` that has a row for each id. */
export function withRows(
	ids: readonly string[],
	edit: (id: string) => string = (id) => `p ${id}`,
): MemoryFiles {
	const files = new MemoryFiles();
	files.set("in", ids.map((id) => `${JSON.stringify({ id, prompt: edit(id) })}\n`).join(""));
	return files;
}

/** The ids in a file of records, in their order. */
export function idsIn(files: MemoryFiles, path: string): string[] {
	const text = files.text(path) ?? "";
	if (text !== "" && !text.endsWith("\n")) throw new Error(`${path} ends with a torn line`);
	return text
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line).id as string);
}
