/** The block that is not finished, and how it looks so far. */

import type { Colors } from "../colors.ts";
import type { Containers } from "./containers.ts";
import { flowText } from "./flow.ts";
import type { CodeHighlighter } from "./highlight.ts";
import { renderInline } from "./inline.ts";
import { renderCodeLine } from "./leaves.ts";
import { closesFence } from "./lines.ts";
import type { BlockOutput } from "./output.ts";
import type { Paragraph } from "./paragraph.ts";
import { renderTable } from "./table.ts";

export interface BlockOptions {
	readonly width: number;
	readonly colors: Colors;
	readonly breakWords?: boolean | undefined;
}

export type Leaf =
	| {
			readonly kind: "paragraph";
			readonly paragraph: Paragraph;
			/** A line that the next one may turn into a heading or the header of a table. */
			held: string | undefined;
			/** Nothing of it has gone into the paragraph. */
			isFirst: boolean;
	  }
	| {
			readonly kind: "fence";
			readonly marker: string;
			readonly indent: number;
			readonly code: CodeHighlighter;
	  }
	| { readonly kind: "math"; readonly close: string }
	| { readonly kind: "table"; lines: string[] };

/** How many rows of an unfinished table are looked at for a preview. */
const previewRows = 40;
/** How much of an endless line a preview shows. */
const previewLimit = 2_000;

export interface PreviewOptions extends BlockOptions {
	readonly containers: Containers;
	readonly output: BlockOutput;
}

/** An unfinished block, with the line behind it that has no end yet. */
export function previewLeaf(leaf: Leaf | undefined, partial: string, options: PreviewOptions): string {
	const { containers, output, colors } = options;
	const line = partial.slice(-previewLimit);
	switch (leaf?.kind) {
		case "fence":
			if (line === "" || closesFence(line, leaf.marker.slice(0, 1))) return "";
			return renderCodeLine(leaf.code.peek(line), options).join("\n");
		case "math":
			return line;
		case "table": {
			const [head = "", rule = "", ...rows] = leaf.lines;
			const recent = [head, rule, ...rows.slice(-previewRows), ...(line.includes("|") ? [line] : [])];
			return output.preview(renderTable(recent, { ...options, width: output.innerWidth }));
		}
		default: {
			const held = leaf?.held === undefined ? "" : (leaf.isFirst ? "" : "\n") + leaf.held;
			const open = leaf?.paragraph.preview(held) ?? [];
			if (line.trim() === "") return output.preview(open);
			const { rest } = containers.continue(line);
			const next = flowText(renderInline(rest.trim(), colors).text, { width: output.proseWidth });
			return output.preview([...open, ...next]);
		}
	}
}
