import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PtyChat } from "../helpers/pty.ts";

let home: string;
let llmx: PtyChat;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-first-"));
	const bin = new URL("../../bin/llmx.js", import.meta.url).pathname;
	llmx = new PtyChat([], { home, command: [process.execPath, bin] });
});
afterEach(async () => {
	await llmx.dispose();
	rmSync(home, { recursive: true, force: true });
});

it("the first minute: what does not work out is said, and another way can be chosen", async () => {
	await llmx.until("1, 2 or 3:");
	llmx.type("1\r");
	await llmx.until("key (it is not shown):");
	llmx.type("not a key of anybody\r");
	await llmx.until("cannot tell which provider this key is for");
	await llmx.until(({ lines }) => lines.filter((line) => line.startsWith("1, 2 or 3:")).length === 2);
	llmx.type("3\r");
	await llmx.ready();
	llmx.type("hello\r");
	await llmx.until(/ in · \d+ out/);
});

it("the first minute: a key that tells whose it is begins a chat", async () => {
	await llmx.until("1, 2 or 3:");
	llmx.type("1\r");
	await llmx.until("key (it is not shown):");
	llmx.type("sk-ant-planted-0123456789\r");
	await llmx.until("stored the key for anthropic");
	await llmx.ready();
	expect(llmx.raw).not.toContain("planted");
	expect(readFileSync(join(home, "keys.json"), "utf8")).toContain("sk-ant-planted-0123456789");
});
