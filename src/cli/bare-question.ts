import { nearestNames } from "../state/nearest.ts";
import type { Io } from "./io.ts";

/** Options of the program itself: what follows them is a command. */
const own = new Set(["-h", "--help", "-V", "--version", "--debug"]);

/**
 * The command line that is meant by one without a command: `llmx "why is the sky blue?"` and `… | llmx` ask. Anything
 * that may be a mistyped command stays as it is.
 */
export async function withCommand(
	argv: readonly string[],
	known: readonly string[],
	io: Io,
): Promise<readonly string[]> {
	const [first] = argv;
	if (first === undefined) {
		const piped = io.stdin.isTTY === true ? "" : await readAll(io);
		return piped.trim() === "" ? argv : ["ask", "--no-stdin", "--", piped.replace(/\n$/, "")];
	}
	if (known.includes(first) || first === "help" || own.has(first)) return argv;
	if (first.startsWith("-")) return ["ask", ...argv];
	const isSentence = /\s|[?!]$/.test(first) || (argv.length > 2 && nearestNames(first, known).length === 0);
	return isSentence ? ["ask", ...argv] : argv;
}

async function readAll(io: Io): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of io.stdin) chunks.push(Buffer.from(chunk as Buffer));
	return Buffer.concat(chunks).toString("utf8");
}
