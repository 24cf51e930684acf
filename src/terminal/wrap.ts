import { flowText } from "./markdown/flow.ts";

/** Breaks a line at spaces; the indentation it has is that of its continuations too. */
export function wrapIndented(line: string, width: number): string[] {
	const indent = /^ */.exec(line)?.[0].slice(0, Math.floor(width / 2)) ?? "";
	return flowText(line.slice(indent.length), { width: width - indent.length }).map((part) => indent + part);
}
