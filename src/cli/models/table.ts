import type { Price } from "../../index.ts";
import { formatTokens, formatUsd } from "../../terminal/formats.ts";
import { sanitizeLine } from "../../terminal/sanitize.ts";
import { colorsFor } from "../ask/answer-writer.ts";
import type { CommandContext } from "../command.ts";
import type { ProviderState } from "../provider-state.ts";
import { renderTextTable, type TableColumn } from "../text-table.ts";

/** A model as it is shown: prices in USD per million tokens, null where unknown. */
export interface ModelRow {
	readonly model: string;
	readonly state: ProviderState;
	readonly price: Price | null;
	/** The prices of longer requests. */
	readonly tiers: readonly Price[];
	readonly contextWindow: number | null;
}

export const isUsable = ({ provider, keys, problem }: ProviderState) =>
	problem === null && (keys.length > 0 || !provider.keyRequired);

export const isRetired = (price: Price | null) =>
	price?.retired != null && price.retired <= new Date().toISOString().slice(0, 10);

/** Prints the models; `long` with all that the table knows of them. */
export function printTable(rows: readonly ModelRow[], { io }: CommandContext, long: boolean): void {
	// A server of the user's own charges nothing, and that is known without a table.
	const usd = (state: ProviderState, value: number | undefined) =>
		formatUsd(state.provider.local || state.provider.free ? 0 : (value ?? null));
	const cells = rows.map((row) => {
		const { model, state, price, contextWindow } = row;
		return [
			sanitizeLine(model),
			usd(state, price?.input),
			usd(state, price?.output),
			optionalUsd(price?.cachedInput),
			...(long ? longCells(row) : []),
			contextWindow === null ? "" : formatTokens(contextWindow),
			isUsable(state) ? "yes" : "",
			noteOf(price),
		];
	});
	const columns: TableColumn[] = [
		{ title: "model" },
		{ title: "in", align: "right" },
		{ title: "out", align: "right" },
		{ title: "cached", align: "right" },
		...(long ? longColumns : []),
		{ title: "context", align: "right" },
		{ title: "key" },
		{ title: "note", flexible: true },
	];
	// A column that says nothing takes no room, but for those that are always there.
	const isShown = columns.map(
		({ title }, index) =>
			(!optionalColumns.has(title) && title !== "note") || cells.some((row) => row[index] !== ""),
	);
	const shown = cells.map((row) => row.filter((_, index) => isShown[index]));
	const width = io.stdout.isTTY ? io.stdout.columns : undefined;
	io.stdout.write(
		renderTextTable(
			columns.filter((_, index) => isShown[index]),
			shown,
			{ width, colors: colorsFor(io, "stdout") },
		),
	);
	const age = ageOf(rows);
	if (age !== undefined && io.stderr.isTTY) io.stderr.write(`${colorsFor(io, "stderr").dim(age)}\n`);
}

const longColumns: readonly TableColumn[] = [
	{ title: "write", align: "right" },
	{ title: "batch", align: "right" },
	{ title: "sound", align: "right" },
	{ title: "long requests" },
	{ title: "until" },
	{ title: "read" },
];

const optionalColumns = new Set(longColumns.map(({ title }) => title));

function longCells({ price, tiers }: ModelRow): string[] {
	const pair = (input: number | null | undefined, output: number | null | undefined) =>
		input == null || output == null ? "" : `${formatUsd(input)}/${formatUsd(output)}`;
	return [
		optionalUsd(price?.cacheWrite),
		pair(price?.batchInput, price?.batchOutput),
		optionalUsd(price?.audioInput),
		tiers
			.map((tier) => `>${formatTokens(tier.aboveInputTokens)} ${pair(tier.input, tier.output)}`)
			.join(", "),
		price?.effectiveTo ?? "",
		price?.date ?? "",
	];
}

const optionalUsd = (value: number | null | undefined) => (value == null ? "" : formatUsd(value));

/** Whether a model can still be asked, and what comes on top of its tokens. */
function noteOf(price: Price | null): string {
	const notes = [
		price?.retired == null ? "" : `${isRetired(price) ? "retired" : "until"} ${price.retired}`,
		price?.perRequest == null ? "" : `+ ${formatUsd(price.perRequest)} a request`,
	];
	return notes.filter((note) => note !== "").join(", ");
}

const dayMs = 86_400_000;

/** `prices read 1 to 67 days ago`; undefined for models without any. */
function ageOf(rows: readonly ModelRow[]): string | undefined {
	const days = rows.flatMap(({ price }) =>
		price === null ? [] : [Math.max(0, Math.floor((Date.now() - Date.parse(price.date)) / dayMs))],
	);
	if (days.length === 0) return undefined;
	const [least, most] = [Math.min(...days), Math.max(...days)];
	if (most === 0) return "prices read today";
	if (most === 1 && least === 1) return "prices read yesterday";
	return `prices read ${least === most ? least : `${least} to ${most}`} days ago`;
}
