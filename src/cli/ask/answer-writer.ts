import { type Colors, createColors, wantsColor } from "../../terminal/colors.ts";
import { createSanitizer } from "../../terminal/sanitize.ts";
import type { Io, OutputStream } from "../io.ts";

/** Writes one streamed answer to stdout, safe for where it goes. */
export interface AnswerWriter {
	push(text: string): void;
	/** Writes what was held back; the answer then ends with a newline. */
	end(): void;
}

/** Wider prose is tiring to read. */
const MAX_WIDTH = 100;

export function colorsFor(io: Io, output: "stdout" | "stderr"): Colors {
	return createColors(wantsColor(io.env, io[output].isTTY));
}

/**
 * `raw` writes the text as it is. Otherwise escape sequences go, and on a terminal that can show it, Markdown is
 * rendered line by line as it streams.
 */
export async function createAnswerWriter(io: Io, raw: boolean): Promise<AnswerWriter> {
	const { stdout } = io;
	if (raw) return rawWriter(stdout);
	const sanitizer = createSanitizer(stdout.isTTY ? "terminal" : "pipe");
	if (stdout.isTTY && io.env.TERM !== "dumb") {
		const { createMarkdownStream } = await import("../../terminal/markdown.ts");
		const width = Math.min(stdout.columns ?? 80, MAX_WIDTH);
		const markdown = createMarkdownStream({ width, colors: colorsFor(io, "stdout") });
		return {
			push: (text) => void stdout.write(markdown.push(sanitizer.push(text))),
			end: () => void stdout.write(markdown.push(sanitizer.end()) + markdown.end()),
		};
	}
	const lines = lineWriter(stdout);
	return {
		push: (text) => lines.push(sanitizer.push(text)),
		end: () => {
			lines.push(sanitizer.end());
			lines.end();
		},
	};
}

/** The text as it is; only what follows it on a terminal begins on a line of its own. */
function rawWriter(stdout: OutputStream): AnswerWriter {
	const lines = lineWriter(stdout);
	return stdout.isTTY ? lines : { push: lines.push, end: () => {} };
}

/** Ends the last line when the text does not. */
function lineWriter(stdout: OutputStream): AnswerWriter {
	let last = "\n";
	const push = (text: string) => {
		if (text === "") return;
		last = text.at(-1) as string;
		stdout.write(text);
	};
	return {
		push,
		end: () => {
			if (last !== "\n") push("\n");
		},
	};
}
