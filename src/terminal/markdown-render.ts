/** Markdown blocks to lines of ANSI text of a given width, on the lexer of marked. */

import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import type { Colors } from "./colors.ts";
import { CodeHighlighter, fenceLabel } from "./highlight.ts";
import { renderTable } from "./markdown-table.ts";
import { sanitize, sanitizeLine } from "./sanitize.ts";
import { breakText, wrapText } from "./width.ts";

export interface MarkdownOptions {
	/** Columns of the terminal. */
	readonly width: number;
	readonly colors: Colors;
	/** Break lines of code at the width too. Without it the terminal does, and a copied line stays whole. */
	readonly wrapCode?: boolean | undefined;
}

const codeIndent = "  ";
const narrowest = 16;
/** Nesting without an end would overflow the lexer's stack: such a block is shown as it is. */
const tooDeep = /(?:(?:>|[-*+]|\d[.)])[ \t]*){24}|^[ \t]{160}/m;

/** Renders complete markdown; the lines carry no newline. */
export function renderBlocks(markdown: string, options: MarkdownOptions): string[] {
	if (tooDeep.test(markdown)) return wrapLines(markdown, options.width);
	return renderTokens(new Lexer({ gfm: true, breaks: true }).lex(markdown), options);
}

/** One line of code, indented; more than one where it is broken at the width. */
export function renderCodeLine(line: string, options: MarkdownOptions): string[] {
	if (line === "") return [""];
	const text = line.replaceAll("\t", "    ");
	if (!options.wrapCode) return [codeIndent + text];
	return breakText(text, options.width - codeIndent.length)
		.split("\n")
		.map((part) => codeIndent + part);
}

function renderTokens(tokens: readonly Token[], options: MarkdownOptions): string[] {
	const lines: string[] = [];
	let raw = "";
	for (const token of tokens) {
		if (token.type !== "space") {
			// Space between blocks follows the source, at most one empty line.
			if (lines.length > 0 && /\n[ \t]*\n[ \t]*$/.test(raw)) lines.push("");
			lines.push(...renderBlock(token as MarkedToken, options));
			raw = "";
		}
		raw += token.raw;
	}
	return lines;
}

function renderBlock(token: MarkedToken, options: MarkdownOptions): string[] {
	const { colors, width } = options;
	switch (token.type) {
		case "heading":
			return wrapLines(renderHeading(token, colors), width);
		case "paragraph":
			return wrapLines(renderInline(token.tokens, colors), width);
		case "text":
			return wrapLines(token.tokens ? renderInline(token.tokens, colors) : safe(token.text), width);
		case "code": {
			const info = safe(token.lang ?? "");
			const highlighter = new CodeHighlighter(info, colors);
			const code = safe(token.text.replace(/\n+$/, "")).split("\n");
			const lines = code.flatMap((line) => renderCodeLine(highlighter.push(line), options));
			return [...renderFenceLabel(info, options), ...lines];
		}
		case "blockquote": {
			const bar = colors.dim("│ ");
			return renderTokens(token.tokens, nested(options, 2)).map((line) => bar + line);
		}
		case "list":
			return renderList(token, options);
		case "table":
			return renderTable(token, width, colors, (tokens) => renderInline(tokens, colors));
		case "hr":
			return [colors.dim("─".repeat(Math.max(1, Math.min(width, 40))))];
		default:
			return wrapLines(safe(token.raw.trimEnd()), width);
	}
}

/** The line above a block of code, where its fence says more than a known language. */
export function renderFenceLabel(info: string, options: MarkdownOptions): string[] {
	const label = fenceLabel(info);
	return label === "" ? [] : renderCodeLine(options.colors.dim(label), options);
}

function renderHeading(token: Tokens.Heading, colors: Colors): string {
	const text = renderInline(token.tokens, colors);
	if (!colors.enabled) return `${"#".repeat(token.depth)} ${text}`;
	return token.depth === 1 ? colors.bold(colors.underline(text)) : colors.bold(text);
}

function renderList(token: Tokens.List, options: MarkdownOptions): string[] {
	const lines: string[] = [];
	const start = token.start === "" ? 1 : token.start;
	for (const [index, item] of token.items.entries()) {
		const marker = token.ordered ? `${start + index}. ` : "• ";
		const tokens = item.tokens.filter(({ type }) => type !== "checkbox");
		const body = renderTokens(tokens, nested(options, marker.length));
		// In a tight list the box stands beside the text, in a loose one it is part of it.
		if (item.task && tokens.length < item.tokens.length) {
			body[0] = `${item.checked ? "[x]" : "[ ]"} ${body[0] ?? ""}`.trimEnd();
		}
		const hang = " ".repeat(marker.length);
		lines.push(options.colors.cyan(marker.trimEnd()) + (body.length > 0 ? ` ${body[0]}` : ""));
		for (const line of body.slice(1)) lines.push(line === "" ? "" : hang + line);
		if (index < token.items.length - 1 && /\n[ \t]*\n$/.test(item.raw)) lines.push("");
	}
	return lines;
}

function nested(options: MarkdownOptions, indent: number): MarkdownOptions {
	return { ...options, width: Math.max(options.width - indent, Math.min(options.width, narrowest)) };
}

function wrapLines(text: string, width: number): string[] {
	return wrapText(text, width).split("\n");
}

/** marked resolves character references, `&#27;` too: what it hands out is untrusted again. */
const safe = (text: string) => sanitize(text);

const references: Readonly<Record<string, string>> = {
	amp: "&",
	lt: "<",
	gt: ">",
	quot: '"',
	apos: "'",
	nbsp: " ",
};

function decode(text: string): string {
	return safe(text.replace(/&(amp|lt|gt|quot|apos|nbsp);/g, (all, name: string) => references[name] ?? all));
}

/** Renders inline tokens to ANSI text, not wrapped yet. */
function renderInline(tokens: readonly Token[], colors: Colors): string {
	return tokens.map((token) => renderInlineToken(token as MarkedToken, colors)).join("");
}

function renderInlineToken(token: MarkedToken, colors: Colors): string {
	switch (token.type) {
		case "strong":
			return colors.bold(renderInline(token.tokens, colors));
		case "em":
			return colors.italic(renderInline(token.tokens, colors));
		case "del":
			return colors.strikethrough(renderInline(token.tokens, colors));
		case "codespan":
			return colors.enabled ? colors.cyan(safe(token.text)) : `\`${safe(token.text)}\``;
		case "br":
			return "\n";
		case "checkbox":
			return token.checked ? "[x] " : "[ ] ";
		case "link":
			return renderLink(renderInline(token.tokens, colors), token.text, token.href, colors);
		case "image":
			return renderLink(`image: ${safe(token.text)}`, token.text, token.href, colors);
		case "html":
			return /^<br\s*\/?>$/i.test(token.text) ? "\n" : safe(token.text);
		case "text":
			return token.tokens ? renderInline(token.tokens, colors) : decode(token.text);
		case "escape":
			return safe(token.text);
		default:
			return decode(token.raw);
	}
}

/** The address is always shown: a model must not hide where a link leads. */
function renderLink(label: string, text: string, href: string, colors: Colors): string {
	const address = sanitizeLine(href);
	if (text === href || `mailto:${text}` === href) return colors.underline(address);
	return `${label} (${colors.underline(address)})`;
}
