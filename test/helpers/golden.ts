import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "./io.ts";

/**
 * A transcript is a text file of steps that share one home and one working folder:
 *
 *     # anything for the reader
 *     $ printf 'a\nb\xff' | NAME=value llmx ask -m sim/echo "hello"
 *     what it prints on stdout
 *     --- stderr
 *     what it prints on stderr
 *     --- exit 0
 *
 * `$ terminal 80x24` makes the following steps run on a terminal, `$ terminal none` in a pipe again, and
 * `$ file NAME` writes the lines below it, up to `--- end`, to a file. UPDATE_GOLDEN=1 rewrites what was printed.
 */
export interface GoldenOptions {
	readonly env?: Record<string, string>;
	/** Makes output repeatable: replaces times, ports and folders. */
	readonly normalize?: (text: string) => string;
}

interface Step {
	readonly head: string[];
	readonly command: string;
	readonly body: string;
}

/** Replays a transcript once, in its order, and compares each of its steps in a test of its own. */
export function golden(path: string, options: GoldenOptions = {}): void {
	describe(path.replace(/^.*\/golden\//, ""), () => {
		const { steps, rest } = parse(readFileSync(path, "utf8"));
		const printed: string[] = [];
		beforeAll(async () => {
			const folder = mkdtempSync(join(tmpdir(), "llmx-golden-"));
			try {
				for await (const body of replay(steps, folder, options)) printed.push(body);
			} finally {
				rmSync(folder, { recursive: true, force: true });
			}
			if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, transcriptOf(steps, printed));
		});

		if (process.env.UPDATE_GOLDEN === "1") it("is written", () => expect(printed).toHaveLength(steps.length));
		else {
			let section = "";
			for (const [index, { head, command, body }] of steps.entries()) {
				section = head.findLast((line) => line.startsWith("# "))?.slice(2, -1) ?? section;
				// What writes a file or changes the terminal prints nothing.
				if (isPreparation(command)) continue;
				it(`${section} $ ${command}`, () => expect(printed[index]).toBe(body));
			}
			it("ends with a step", () => expect(rest).toEqual([]));
		}
	});
}

const isPreparation = (command: string) => /^(terminal|file) /.test(command);

function transcriptOf(steps: readonly Step[], printed: readonly string[]): string {
	return steps.map(({ head, command }, index) => `${head.join("")}$ ${command}\n${printed[index]}`).join("");
}

/** What each step prints. */
async function* replay(
	steps: readonly Step[],
	folder: string,
	options: GoldenOptions,
): AsyncGenerator<string, void> {
	let terminal: { columns: number; rows: number } | undefined;
	for (const step of steps) {
		const [verb = "", argument = ""] = step.command.split(" ");
		if (verb === "terminal") {
			const [columns, rows] = argument.split("x").map(Number);
			terminal = argument === "none" ? undefined : { columns: columns ?? 80, rows: rows ?? 24 };
			yield "";
			continue;
		}
		if (verb === "file") {
			mkdirSync(dirname(join(folder, argument)), { recursive: true });
			writeFileSync(join(folder, argument), step.body.slice(0, step.body.indexOf("--- end\n")));
			yield step.body;
			continue;
		}
		const { env, stdin, argv } = parseShell(step.command);
		const io = createTestIo({
			cwd: folder,
			env: { LLMX_HOME: join(folder, "home"), ...options.env, ...env },
			...(stdin === undefined ? {} : { stdin }),
			...(terminal && { terminal }),
		});
		const exitCode = await main(argv, io);
		const clean = (text: string) => {
			const own = text
				.replaceAll(folder, "FOLDER")
				.replaceAll(/(?<="id":"[a-z_-]*sim[-_])\d+/g, "N")
				// How old the table is depends on the day of the test,
				.replaceAll(/^llmx: the price of .* was read on .*\n/gm, "")
				// how long ago the step before was, and whether somebody who waits is shown it, on how busy the machine is.
				.replaceAll(/\b\d minutes? ago/g, "just now")
				.replaceAll(/\r\x1b\[J[\s\S]*?(?:\r\x1b\[K|\r\x1b\[\d+A\x1b\[J)/g, "");
			const plain = (options.normalize ?? ((same) => same))(own);
			return plain === "" || plain.endsWith("\n") ? plain : `${plain}\n`;
		};
		yield `${clean(io.out())}--- stderr\n${clean(io.err())}--- exit ${exitCode}\n`;
	}
}

/** Splits a transcript into steps; comment and blank lines before a step are kept with it. `rest`: those before none. */
function parse(transcript: string): { steps: readonly Step[]; rest: readonly string[] } {
	const steps: { head: string[]; command: string; body: string }[] = [];
	let head: string[] = [];
	let open = false;
	for (const line of transcript.split(/(?<=\n)/)) {
		const last = steps.at(-1);
		if (open && last) {
			last.body += line;
			if (/^--- (exit \d+|end)$/m.test(line)) open = false;
		} else if (line.startsWith("$ ")) {
			const command = line.slice(2).trimEnd();
			steps.push({ head, command, body: "" });
			head = [];
			open = !command.startsWith("terminal ");
		} else head.push(line);
	}
	return { steps, rest: head };
}

/** Understands `[printf 'text' |] [NAME=value …] llmx ARGUMENTS…` with shell quotes. */
function parseShell(command: string): {
	env: Record<string, string>;
	stdin: Buffer | undefined;
	argv: string[];
} {
	const words = [...command.matchAll(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g)].map(([word]) =>
		word.replace(
			/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g,
			(_, single, double, escaped) => single ?? double?.replace(/\\(["\\$`])/g, "$1") ?? escaped,
		),
	);
	let stdin: Buffer | undefined;
	if (words[0] === "printf") {
		stdin = printf(words[1] ?? "");
		words.splice(0, 3);
	}
	const env: Record<string, string> = {};
	while (words[0] !== undefined && /^[A-Z_]+=/.test(words[0])) {
		const [name, ...value] = (words.shift() as string).split("=");
		env[name as string] = value.join("=");
	}
	if (words.shift() !== "llmx") throw new Error(`a step must run llmx: ${command}`);
	return { env, stdin, argv: words };
}

/** `\n`, `\t` and `\xff` as the shell's printf understands them. */
function printf(text: string): Buffer {
	const pieces = text.split(/(\\n|\\t|\\x[0-9a-f]{2})/);
	return Buffer.concat(
		pieces.map((piece) => {
			if (piece === "\\n") return Buffer.from("\n");
			if (piece === "\\t") return Buffer.from("\t");
			return /^\\x/.test(piece) ? Buffer.from(piece.slice(2), "hex") : Buffer.from(piece);
		}),
	);
}
