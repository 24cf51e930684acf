/** What the benches share: figures and tables. */

export function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	const middle = sorted.length >> 1;
	return sorted.length % 2 === 1
		? (sorted[middle] as number)
		: ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Prints rows under a head, the first column left and the others right. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
	const widths = head.map((title, column) =>
		Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
	);
	for (const row of [head, ...rows]) {
		const cells = widths.map((width, column) =>
			column === 0 ? (row[column] ?? "").padEnd(width) : (row[column] ?? "").padStart(width),
		);
		console.log(cells.join("  ").trimEnd());
	}
}
