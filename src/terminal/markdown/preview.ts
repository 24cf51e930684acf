/** The block that is not finished, and how it looks so far. */

import type { Containers } from "./containers.ts";
import { flowText } from "./flow.ts";
import type { CodeHighlighter } from "./highlight.ts";
import type { InlineReader } from "./inline-reader.ts";
import { renderCodeLine } from "./leaves.ts";
import { closesFence } from "./lines.ts";
import type { BlockOptions, BlockOutput } from "./output.ts";
import type { Paragraph } from "./paragraph.ts";
import type { Table } from "./table.ts";

export type Leaf =
	| {
			readonly kind: "paragraph";
			/** Undefined as long as nothing has gone into it. */
			paragraph: Paragraph | undefined;
			/** A line that the next one may turn into a heading or the header of a table. */
			held: string | undefined;
	  }
	| {
			readonly kind: "fence";
			readonly marker: string;
			readonly indent: number;
			readonly code: CodeHighlighter;
	  }
	| { readonly kind: "math"; readonly close: string }
	| { readonly kind: "table"; readonly table: Table };

/** How much of an endless line a preview shows. */
const previewLimit = 2_000;

export interface PreviewOptions extends BlockOptions {
	readonly containers: Containers;
	readonly output: BlockOutput;
	readonly inline: InlineReader;
}

/** An unfinished block, with the line behind it that has no end yet. */
export function previewLeaf(leaf: Leaf | undefined, partial: string, options: PreviewOptions): string {
	const { containers, output, inline } = options;
	const line = partial.slice(-previewLimit);
	switch (leaf?.kind) {
		case "fence":
			if (line === "" || closesFence(line, leaf.marker.slice(0, 1))) return "";
			return renderCodeLine(leaf.code.peek(line), options).join("\n");
		case "math":
			return line;
		case "table":
			return output.preview(leaf.table.preview(line, output.tableOptions));
		default: {
			const held = leaf?.held ?? "";
			const open =
				leaf?.paragraph?.preview(held === "" ? "" : `\n${held}`) ??
				(held === "" ? [] : flowText(inline.preview(held), { width: output.proseWidth }));
			if (line.trim() === "") return output.preview(open);
			const { rest } = containers.continue(line);
			const next = flowText(inline.preview(rest.trim()), { width: output.proseWidth });
			return output.preview([...open, ...next]);
		}
	}
}
