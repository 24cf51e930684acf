/** The blocks of code in an answer, numbered as they are on the screen. */

import { closesFence, expandTabs, fenceStart, indentation } from "../terminal/markdown/lines.ts";

export interface CodeBlock {
	/** What stands behind the fence's marker. */
	readonly info: string;
	/** Without a newline at its end. */
	readonly code: string;
}

const containers = /^ {0,3}(?:> ?|(?:[-*+]|\d{1,9}[.)]) {1,4})/;

/** Finds the fenced blocks of a markdown text, also those in quotes and lists, and one that has no end yet. */
export function codeBlocks(markdown: string): CodeBlock[] {
	const blocks: CodeBlock[] = [];
	let open: { marker: string; info: string; indent: number; prefix: string; lines: string[] } | undefined;
	const close = () => {
		if (open !== undefined) blocks.push({ info: open.info, code: open.lines.join("\n") });
		open = undefined;
	};
	for (const source of markdown.split("\n")) {
		const line = expandTabs(source.replace(/\r$/, ""));
		if (open !== undefined) {
			const isQuote = open.prefix.includes(">");
			const inner = isQuote ? line.replace(/^ {0,3}> ?/, "") : line;
			if (isQuote && inner === line) close();
			else if (closesFence(inner, open.marker)) {
				close();
				continue;
			} else {
				open.lines.push(inner.slice(Math.min(open.indent, indentation(inner))));
				continue;
			}
		}
		let rest = line;
		let prefix = "";
		for (let found = containers.exec(rest); found !== null; found = containers.exec(rest)) {
			prefix += found[0];
			rest = rest.slice(found[0].length);
		}
		// In an item the fence is indented as deep as the item's text.
		const start = fenceStart(rest) ?? fenceStart(rest.trimStart());
		if (start === undefined) continue;
		const indent = prefix.replace(/> ?/g, "").length + indentation(rest);
		open = { marker: start.marker, info: start.info, indent, prefix, lines: [] };
	}
	close();
	return blocks;
}

/** `ts 14 lines`, `sh curl -sS…`: what a block is, in a few words. */
export function describeBlock({ info, code }: CodeBlock): string {
	const lines = code.split("\n");
	const language = info.split(/\s/, 1)[0] ?? "";
	const what = lines.length > 1 ? `${lines.length} lines` : (lines[0] ?? "").trim().slice(0, 40);
	return [language, what].filter((part) => part !== "").join(" ");
}
