import type { Environment } from "../types.ts";
/**
 * Colours and styles, or none. Only the sixteen colours of the user's own palette, and of those only the ones that
 * read on light and on dark backgrounds: no white, no black, no bright shades.
 */

export type Style = (text: string) => string;

export interface Colors {
	/** False when every style returns its text as it is. */
	readonly enabled: boolean;
	readonly bold: Style;
	readonly dim: Style;
	readonly italic: Style;
	readonly underline: Style;
	readonly strikethrough: Style;
	readonly inverse: Style;
	readonly red: Style;
	readonly green: Style;
	readonly yellow: Style;
	readonly blue: Style;
	readonly magenta: Style;
	readonly cyan: Style;
}

/**
 * Whether to colour output: FORCE_COLOR decides when set (`0` and `false` mean no), then NO_COLOR, then TERM=dumb,
 * then whether it is a terminal that knows colours.
 */
export function wantsColor(environment: Environment, isTerminal: boolean): boolean {
	const forced = environment.FORCE_COLOR;
	if (forced !== undefined) return forced !== "0" && forced !== "false";
	if (environment.NO_COLOR) return false;
	if (!isTerminal || environment.TERM === "dumb") return false;
	return Boolean(environment.TERM || environment.COLORTERM || environment.WT_SESSION);
}

/** A style that stays on after a nested one has ended with the same closing code; nested in itself it adds nothing. */
function style(open: number, close: number): Style {
	const start = `\x1b[${open}m`;
	const stop = `\x1b[${close}m`;
	return (text) => {
		if (text === "") return "";
		const inner = text.includes(stop) ? text.replaceAll(start, "").replaceAll(stop, stop + start) : text;
		return start + inner + stop;
	};
}

const plain: Style = (text) => text;

/** The styles, or for `enabled: false` styles that do nothing. */
export function createColors(enabled: boolean): Colors {
	const pick = (open: number, close: number) => (enabled ? style(open, close) : plain);
	return {
		enabled,
		bold: pick(1, 22),
		dim: pick(2, 22),
		italic: pick(3, 23),
		underline: pick(4, 24),
		inverse: pick(7, 27),
		strikethrough: pick(9, 29),
		red: pick(31, 39),
		green: pick(32, 39),
		yellow: pick(33, 39),
		blue: pick(34, 39),
		magenta: pick(35, 39),
		cyan: pick(36, 39),
	};
}
