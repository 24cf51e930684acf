import { sanitizeLine } from "../../terminal/sanitize.ts";
import type { Io } from "../io.ts";

/** Asks a question on stderr and reads a line from the terminal. Only `y` and `yes` agree. */
export async function confirm(io: Io, question: string): Promise<boolean> {
	io.stderr.write(`${sanitizeLine(question)} [y/N] `);
	let answer = "";
	for await (const chunk of io.stdin) {
		answer += String(chunk);
		if (/[\r\n]/.test(answer)) break;
	}
	return /^\s*y(es)?\s*$/i.test(answer.split(/[\r\n]/)[0] ?? "");
}
