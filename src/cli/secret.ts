import { AbortedError, UsageError } from "../errors.ts";
import type { Io } from "./io.ts";

/** Longer input is not a key, so reading stops here. */
const maxLength = 64 << 10;

/**
 * Asks for something secret: typed on the terminal without echo, or piped in.
 * @throws AbortedError on Ctrl-C; UsageError when nothing is given
 */
export async function readSecret(io: Io, prompt: string): Promise<string> {
	if (io.stdin.isTTY !== true) return readPiped(io);
	if (io.terminal === undefined) throw new UsageError("no terminal to type the key on");
	const { stdin } = io.terminal;
	// Before the prompt: what is pasted as soon as it shows must not be echoed.
	stdin.setRawMode(true);
	stdin.setEncoding("utf8");
	try {
		io.stderr.write(prompt);
		return await readHidden(stdin);
	} finally {
		stdin.setRawMode(false);
		stdin.pause();
		io.stderr.write("\n");
	}
}

function readHidden(stdin: NodeJS.ReadStream): Promise<string> {
	return new Promise((resolve, reject) => {
		let typed = "";
		const onData = (chunk: string) => {
			// A terminal in bracketed-paste mode wraps what is pasted.
			for (const character of chunk.replace(/\x1b\[20[01]~/g, "")) {
				if (character === "\x03") return end(() => reject(new AbortedError()));
				if (character === "\r" || character === "\n" || character === "\x04")
					return end(() => resolve(typed));
				if (character === "\x7f" || character === "\b") typed = typed.slice(0, -1);
				else if (character === "\x15") typed = "";
				else typed += character;
			}
		};
		const end = (settle: () => void) => {
			stdin.off("data", onData);
			settle();
		};
		stdin.on("data", onData);
		stdin.resume();
	});
}

async function readPiped(io: Io): Promise<string> {
	const chunks: Buffer[] = [];
	let length = 0;
	for await (const chunk of io.stdin) {
		const bytes = Buffer.from(chunk);
		length += bytes.length;
		if (length > maxLength) throw new UsageError("the key is too long");
		chunks.push(bytes);
	}
	return Buffer.concat(chunks).toString("utf8");
}
