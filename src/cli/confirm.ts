import { sanitizeLine } from "../terminal/sanitize.ts";
import type { Io } from "./io.ts";
import { wrapForStderr } from "./message.ts";

/** Asks a question on stderr and reads a line from the terminal. Only `y` and `yes` agree. */
export async function confirm(io: Io, question: string): Promise<boolean> {
	io.stderr.write(`${await wrapForStderr(io, `${sanitizeLine(question)} [y/N]`)} `);
	let answer = "";
	for await (const chunk of io.stdin) {
		answer += String(chunk);
		if (/[\r\n]/.test(answer)) break;
	}
	return /^\s*y(es)?\s*$/i.test(answer.split(/[\r\n]/)[0] ?? "");
}

/** Whether something may be deleted: a person at a terminal is asked, unless `--yes` was given; scripts mean it. */
export async function agreeToDelete(io: Io, yes: boolean | undefined, question: string): Promise<boolean> {
	if (yes || io.stdin.isTTY !== true || !io.stderr.isTTY) return true;
	if (await confirm(io, question)) return true;
	io.stderr.write("llmx: nothing was deleted\n");
	return false;
}
