import papaparse from "papaparse";

/**
 * Rows as CSV with a header. A text that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab
 * or a return) gets a quote in front; numbers stay numbers.
 */
export function toCsv(
	columns: readonly string[],
	rows: readonly (readonly (string | number | null)[])[],
): string {
	if (rows.length === 0) return `${columns.join()}\n`;
	const safe = rows.map((row) => row.map((cell) => (typeof cell === "string" ? defuse(cell) : cell)));
	return `${papaparse.unparse({ fields: [...columns], data: safe }, { newline: "\n" })}\n`;
}

function defuse(text: string): string {
	return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}
