import { spawn } from "node:child_process";
import { LlmxError } from "../../errors.ts";
import type { Io } from "../io.ts";

/** Terminals ignore or cut longer OSC 52 sequences. */
const terminalLimit = 74_000;

const tools: readonly (readonly [string, ...string[]])[] = [
	["pbcopy"],
	["wl-copy"],
	["xclip", "-selection", "clipboard"],
	["xsel", "--clipboard", "--input"],
	["clip.exe"],
];

/**
 * Puts text on the clipboard of the machine that the user sits at: with its own tool, or over SSH, and where there is
 * none, through the terminal (OSC 52). Returns how, for people.
 * @throws LlmxError when there is no way
 */
export async function copyText(io: Io, text: string): Promise<string> {
	const isRemote = Boolean(io.env.SSH_CONNECTION || io.env.SSH_TTY);
	if (!isRemote) {
		for (const [command, ...args] of tools)
			if (usesDisplay(command, io.env) && (await feed(command, args, text))) return "copied to the clipboard";
	}
	if (!io.stdout.isTTY)
		throw new LlmxError("no clipboard available", { hint: "use /export to write a file instead" });
	const encoded = Buffer.from(text, "utf8").toString("base64");
	if (encoded.length > terminalLimit)
		throw new LlmxError("the answer is too long for the terminal's clipboard", {
			hint: "use /export to write a file instead",
		});
	io.stdout.write(`\x1b]52;c;${encoded}\x07`);
	return "copied through the terminal, if it allows that (OSC 52)";
}

/** X11 and Wayland tools hang or fail without their display. */
function usesDisplay(command: string, env: Io["env"]): boolean {
	if (command === "wl-copy") return Boolean(env.WAYLAND_DISPLAY);
	if (command === "xclip" || command === "xsel") return Boolean(env.DISPLAY);
	if (command === "pbcopy") return process.platform === "darwin";
	return process.platform === "win32" || Boolean(env.WSL_DISTRO_NAME);
}

function feed(command: string, args: readonly string[], text: string): Promise<boolean> {
	return new Promise((resolve) => {
		const child = spawn(command, args, { stdio: ["pipe", "ignore", "ignore"] });
		child.on("error", () => resolve(false));
		child.on("close", (code) => resolve(code === 0));
		child.stdin.on("error", () => resolve(false));
		child.stdin.end(bytesFor(command, text));
	});
}

/** clip.exe takes bytes for text of the console's old code page, unless a byte order mark says that they are UTF-16. */
export function bytesFor(command: string, text: string): Buffer {
	return command === "clip.exe" ? Buffer.from(`\uFEFF${text}`, "utf16le") : Buffer.from(text, "utf8");
}

const imageTools: readonly (readonly [string, ...string[]])[] = [
	["pngpaste", "-"],
	["wl-paste", "--no-newline", "--type", "image/png"],
	["xclip", "-selection", "clipboard", "-t", "image/png", "-o"],
];

/** The picture on the clipboard, as PNG; undefined when there is none, or no tool that reads it. */
export async function readClipboardImage(io: Io): Promise<Uint8Array | undefined> {
	for (const [command, ...args] of imageTools) {
		const isUsable =
			command === "pngpaste"
				? process.platform === "darwin"
				: usesDisplay(command.replace("paste", "copy"), io.env);
		if (!isUsable) continue;
		const bytes = await output(command, args);
		if (bytes !== undefined && bytes.length > 0) return bytes;
	}
	return undefined;
}

function output(command: string, args: readonly string[]): Promise<Uint8Array | undefined> {
	return new Promise((resolve) => {
		const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
		const chunks: Buffer[] = [];
		child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
		child.on("error", () => resolve(undefined));
		child.on("close", (code) => resolve(code === 0 ? Buffer.concat(chunks) : undefined));
	});
}
