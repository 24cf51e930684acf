/** A screen, as `tmux capture-pane -e` prints it, to a picture. */

/** What a terminal makes of its sixteen colours. */
export interface Theme {
	readonly background: string;
	readonly frame: string;
	readonly text: string;
	/** SGR 30 to 37: black, red, green, yellow, blue, magenta, cyan, white. */
	readonly palette: readonly string[];
}

export const dark: Theme = {
	background: "#1a1b26",
	frame: "#2f334d",
	text: "#c8d0f0",
	palette: ["#414868", "#f7768e", "#9ece6a", "#e0af68", "#7aa2f7", "#bb9af7", "#7dcfff", "#c8d0f0"],
};
export const light: Theme = {
	background: "#ffffff",
	frame: "#d0d7de",
	text: "#24292f",
	palette: ["#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#1b7c83", "#6e7781"],
};

/** Cells and margins, in pixels; a monospaced font is about six tenths as wide as it is high. */
const [cellWidth, cellHeight, fontSize, margin] = [8.4, 18, 14, 14];

interface Style {
	color: number | undefined;
	bold: boolean;
	dim: boolean;
	italic: boolean;
	underline: boolean;
	inverse: boolean;
	struck: boolean;
}

const plain: Style = {
	...{ color: undefined, bold: false, dim: false, italic: false, underline: false },
	...{ inverse: false, struck: false },
};

/** One SGR code over a style. */
function restyle(style: Style, code: number): Style {
	if (code === 0) return plain;
	if (code >= 30 && code <= 37) return { ...style, color: code - 30 };
	switch (code) {
		case 1:
			return { ...style, bold: true };
		case 2:
			return { ...style, dim: true };
		case 3:
			return { ...style, italic: true };
		case 4:
			return { ...style, underline: true };
		case 7:
			return { ...style, inverse: true };
		case 9:
			return { ...style, struck: true };
		case 22:
			return { ...style, bold: false, dim: false };
		case 23:
			return { ...style, italic: false };
		case 24:
			return { ...style, underline: false };
		case 27:
			return { ...style, inverse: false };
		case 29:
			return { ...style, struck: false };
		case 39:
			return { ...style, color: undefined };
		default:
			return style;
	}
}

/** Spaces that no viewer joins or drops. */
const escaped = (text: string) =>
	text
		.replaceAll(" ", "\u00a0")
		.replace(/[&<>]/g, (character) => ({ "&": "&amp;", "<": "&lt;" })[character] ?? "&gt;");

function attributesOf({ color, bold, dim, italic, underline, inverse, struck }: Style, theme: Theme): string {
	const ink = color === undefined ? theme.text : (theme.palette[color] ?? theme.text);
	const lines = [underline ? "underline" : "", struck ? "line-through" : ""].filter((line) => line !== "");
	return [
		` fill="${inverse ? theme.background : ink}"`,
		bold ? ' font-weight="bold"' : "",
		italic ? ' font-style="italic"' : "",
		dim ? ' opacity="0.6"' : "",
		lines.length > 0 ? ` text-decoration="${lines.join(" ")}"` : "",
	].join("");
}

/** The picture of `lines`, in a window of so many columns. */
export function pictureOf(lines: readonly string[], columns: number, theme: Theme): string {
	const width = Math.ceil(columns * cellWidth + 2 * margin);
	const height = Math.ceil(lines.length * cellHeight + 2 * margin);
	const parts: string[] = [];
	let style = plain;
	for (const [row, line] of lines.entries()) {
		let column = 0;
		const y = margin + row * cellHeight;
		for (const [, codes, text = ""] of line.matchAll(/\x1b\[([\d;]*)m|([^\x1b]+)/g)) {
			if (codes !== undefined) {
				for (const code of codes.split(";")) style = restyle(style, Number(code));
				continue;
			}
			const x = (margin + column * cellWidth).toFixed(1);
			const span = (text.length * cellWidth).toFixed(1);
			if (style.inverse) {
				const ink = style.color === undefined ? theme.text : (theme.palette[style.color] ?? theme.text);
				parts.push(`<rect x="${x}" y="${y}" width="${span}" height="${cellHeight}" fill="${ink}"/>`);
			}
			// The length is given, so that columns meet whatever the font.
			if (text.trim() !== "") {
				const place = `x="${x}" y="${y + 13.5}" textLength="${span}" lengthAdjust="spacingAndGlyphs"`;
				parts.push(`<text ${place}${attributesOf(style, theme)}>${escaped(text)}</text>`);
			}
			column += text.length;
		}
	}
	const fonts = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
		`<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8" fill="${theme.background}" stroke="${theme.frame}"/>`,
		`<g font-family="${fonts}" font-size="${fontSize}">`,
		...parts,
		"</g>",
		"</svg>",
		"",
	].join("\n");
}
