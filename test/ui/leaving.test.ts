import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PtyChat } from "../helpers/pty.ts";
import { describeWith } from "../helpers/skipping.ts";

const bin = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));
let home: string;
let chats: PtyChat[];

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-leaving-"));
	chats = [];
});
afterEach(async () => {
	await Promise.all(chats.map((chat) => chat.dispose()));
	rmSync(home, { recursive: true, force: true });
});

/** A shell in a terminal that runs the chat and then says how it found the terminal and what the exit code was. */
async function openInShell(model: string, env: Readonly<Record<string, string>> = {}): Promise<PtyChat> {
	const chat = new PtyChat([], { home, command: ["bash", "--norc", "-i"], env: { PS1: "shell> ", ...env } });
	chats.push(chat);
	await chat.until(/^shell>$/m);
	chat.type(
		`"${process.execPath}" "${bin}" chat ${model} --no-cache; echo "code=$?" $(stty -a | grep -oE -- '-?(icanon|echo|isig)\\b' | tr '\\n' ' ')\r`,
	);
	await chat.ready();
	return chat;
}

/** The terminal is as a shell expects it. */
async function expectRestored(chat: PtyChat, code: number): Promise<void> {
	await chat.until(/^code=\d+ .*$/m);
	const line = chat.terminal.lines.find((shown) => /^code=\d/.test(shown)) ?? "";
	expect(line).toContain(`code=${code} `);
	expect(line).toMatch(/ isig/);
	expect(line).toMatch(/ icanon/);
	expect(line).toMatch(/ echo/);
	expect(line).not.toMatch(/-(isig|icanon|echo)/);
	expect(chat.terminal.modes.has("?25")).toBe(true);
	expect(chat.terminal.modes.has("kitty")).toBe(false);
	// The live region is gone; the transcript stays.
	expect(chat.terminal.screen.some((shown) => shown.startsWith("╰"))).toBe(false);
}

function childOf(chat: PtyChat): number {
	const children = readFileSync(`/proc/${chat.pid}/task/${chat.pid}/children`, "utf8").trim().split(" ");
	return Number(children[0]);
}

const onLinux = existsSync("/proc/self/task");

describeWith(onLinux, "only Linux tells of a process's children")("the terminal is given back", () => {
	it("after Ctrl-D, and after exit", async () => {
		const chat = await openInShell("sim/echo");
		chat.type("\x04");
		await expectRestored(chat, 0);
		const other = await openInShell("sim/echo");
		other.type("exit\r");
		await expectRestored(other, 0);
	});

	it.each([
		["SIGTERM", 143],
		["SIGHUP", 129],
		["SIGINT", 130],
	] as const)("after %s, with what came of the answer kept", async (signal, code) => {
		const chat = await openInShell("sim/slow");
		// Five seconds of an answer: a busy machine is slow to send the signal.
		chat.type(`one two three ${"and more ".repeat(50)}\r`);
		await chat.until(/^one two three/m);
		process.kill(childOf(chat), signal);
		await expectRestored(chat, code);
		const [file = ""] = readdirSync(join(home, "sessions")).filter((name) => name.endsWith(".jsonl"));
		const last =
			readFileSync(join(home, "sessions", file), "utf8")
				.trim()
				.split("\n")
				.at(-1) ?? "";
		expect(JSON.parse(last)).toMatchObject({ role: "assistant", interrupted: true });
	});

	it("while it is suspended, and taken again with fg", async () => {
		const chat = await openInShell("sim/echo");
		chat.type("half typed");
		await chat.until("│ › half typed");
		chat.type("\x1a");
		await chat.until(/Stopped/);
		expect(chat.terminal.screen.some((shown) => shown.startsWith("╰"))).toBe(false);
		chat.type("echo back in the shell\r");
		await chat.until(/^back in the shell$/m);
		chat.type("fg\r");
		await chat.until(
			(terminal) => terminal.screen.filter((shown) => shown === "│ › half typed").length === 1,
		);
		chat.type("!\r");
		await chat.until(/^half typed!$/m);
		expect(chat.terminal.lines.filter((shown) => shown === "half typed!")).toHaveLength(1);
		await chat.until(/ in · /);
		chat.type("\x04");
		await chat.until(/^shell>$/m);
	});

	it("to the editor, whose text comes back", async () => {
		const chat = await openInShell("sim/echo", { EDITOR: "sed -i s/a/o/g" });
		chat.type("banana");
		await chat.until("│ › banana");
		chat.type("\x07");
		await chat.until("│ › bonono");
		chat.type("\r");
		await chat.until(/^bonono$/m);
	});

	it("also when the editor fails, with the text kept", async () => {
		const chat = await openInShell("sim/echo", { VISUAL: "false" });
		chat.type("banana");
		await chat.until("│ › banana");
		chat.type("\x07");
		await chat.until("false ended with exit code 1");
		await chat.until("│ › banana");
	});

	it("or left alone when it has vanished: the process ends", async () => {
		const chat = new PtyChat(["sim/slow"], { home });
		chats.push(chat);
		await chat.ready();
		chat.type("one two three four five six\r");
		await chat.until(/^one two/m);
		const { pid } = chat;
		chat.vanish();
		const isGone = () => {
			try {
				process.kill(pid, 0);
				return /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, "utf8"));
			} catch {
				return true;
			}
		};
		const deadline = performance.now() + 45_000;
		while (!isGone() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
		expect(isGone()).toBe(true);
	});
});
