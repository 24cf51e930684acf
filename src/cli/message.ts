import { sanitize } from "../terminal/sanitize.ts";
import type { Io } from "./io.ts";

/** Tells of something on stderr: `llmx: MESSAGE`, with the next step below it. */
export async function writeMessage(io: Io, message: string, hint?: string | undefined): Promise<void> {
	const lines = [`llmx: ${message}`, ...(hint ? hint.split("\n").map((line) => `  ${line}`) : [])];
	io.stderr.write(`${await wrapForStderr(io, sanitize(lines.join("\n")))}\n`);
}

/** On a terminal lines are broken at spaces, their continuations indented: a name or command stays whole. */
export async function wrapForStderr(io: Io, text: string): Promise<string> {
	const { isTTY, columns = 80 } = io.stderr;
	if (!isTTY || text.split("\n").every((line) => line.length < columns)) return text;
	const { wrapIndented } = await import("../terminal/wrap.ts");
	return text
		.split("\n")
		.flatMap((line) => wrapIndented(line, columns - 1))
		.join("\n");
}
