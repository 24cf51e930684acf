import { type Colors, createColors, wantsColor } from "../../terminal/colors.ts";
import { createSanitizer, sanitize } from "../../terminal/sanitize.ts";
import type { Io, OutputStream } from "../io.ts";

/** Writes one streamed answer to stdout, safe for where it goes. */
export interface AnswerWriter {
	push(text: string): void;
	/** Writes what was held back; the answer then ends with a newline. */
	end(): Promise<void>;
}

/** Rendering gives way to signals after this long, in ms… */
const renderBudget = 12;
/** …and checks the clock after this many characters. */
const sliceLength = 2_048;

export function colorsFor(io: Io, output: "stdout" | "stderr"): Colors {
	return createColors(wantsColor(io.env, io[output].isTTY));
}

/** What an answer is: text to be written as it is, Markdown, or JSON that somebody asked for. */
export type AnswerForm = "raw" | "markdown" | "json";

/**
 * `raw` writes the text as it is. Otherwise escape sequences go, and on a terminal that can show it, Markdown is
 * rendered line by line as it streams; JSON is indented there, for its stars and underscores are no Markdown.
 */
export async function createAnswerWriter(io: Io, form: AnswerForm): Promise<AnswerWriter> {
	const { stdout } = io;
	if (form === "raw") return rawWriter(stdout);
	if (form === "json" && stdout.isTTY) return createJsonWriter(stdout);
	const sanitizer = createSanitizer(stdout.isTTY ? "terminal" : "pipe");
	if (stdout.isTTY && io.env.TERM !== "dumb") {
		const { createMarkdownStream } = await import("../../terminal/markdown/markdown.ts");
		const markdown = createMarkdownStream({ width: widthOf(stdout), colors: colorsFor(io, "stdout") });
		return createPacedWriter({
			push: (text) => void stdout.write(markdown.push(sanitizer.push(text))),
			end: () => void stdout.write(markdown.push(sanitizer.end()) + markdown.end()),
		});
	}
	const lines = lineWriter(stdout);
	return {
		push: (text) => lines.push(sanitizer.push(text)),
		end: async () => {
			lines.push(sanitizer.end());
			await lines.end();
		},
	};
}

async function createJsonWriter(stdout: OutputStream): Promise<AnswerWriter> {
	const { indentJson } = await import("../../terminal/indent-json.ts");
	let json = "";
	return {
		push(text) {
			json += text;
		},
		async end() {
			if (json !== "") stdout.write(`${sanitize(indentJson(json))}\n`);
		},
	};
}

/** Renders a long text in slices, so that a signal that comes meanwhile is heard. */
function createPacedWriter(target: { push(text: string): void; end(): void }): AnswerWriter {
	let waiting = "";
	let running = Promise.resolve();
	let isRunning = false;
	const run = async () => {
		isRunning = true;
		let since = performance.now();
		while (waiting !== "") {
			const slice = waiting.slice(0, sliceLength);
			waiting = waiting.slice(sliceLength);
			target.push(slice);
			if (performance.now() - since < renderBudget) continue;
			await new Promise((resolve) => setImmediate(resolve));
			since = performance.now();
		}
		isRunning = false;
	};
	return {
		push(text) {
			waiting += text;
			if (!isRunning) running = run();
		},
		async end() {
			await running;
			target.end();
		},
	};
}

/** Columns of a terminal; those that report none, as in containers and CI, have 80. */
export function widthOf(output: OutputStream): number {
	return output.columns || 80;
}

/** The text as is; on a terminal, what follows it starts on a new line. */
function rawWriter(stdout: OutputStream): AnswerWriter {
	const lines = lineWriter(stdout);
	return stdout.isTTY ? lines : { push: lines.push, end: async () => {} };
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
		end: async () => {
			if (last !== "\n") push("\n");
		},
	};
}
