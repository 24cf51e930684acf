import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { spawn } from "@lydell/node-pty";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const bin = fileURLToPath(new URL("../../bin/llmx.js", import.meta.url));
const key = "sk-planted-1234567890abcd";

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-keys-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** Runs `llmx keys set openai` on a terminal and types once it asks. */
function setKey(typed: string): Promise<{ screen: string; exitCode: number; commandLine: string }> {
	return new Promise((resolve) => {
		const env = { ...process.env, LLMX_HOME: home, TERM: "xterm" } as Record<string, string>;
		const terminal = spawn(process.execPath, [bin, "keys", "set", "openai"], { cols: 80, rows: 24, env });
		let screen = "";
		let commandLine = "";
		terminal.onData((data) => {
			const asked = screen.includes("key for OpenAI: ");
			screen += data;
			if (asked || !screen.includes("key for OpenAI: ")) return;
			terminal.write(typed);
			if (process.platform === "linux") commandLine = readFileSync(`/proc/${terminal.pid}/cmdline`, "utf8");
		});
		terminal.onExit(({ exitCode }) => resolve({ screen, exitCode, commandLine }));
	});
}

describe("llmx keys set on a terminal", () => {
	it("takes the key without showing it, and corrections in it", async () => {
		const { screen, exitCode, commandLine } = await setKey(`x\x7f\x1b[200~${key}\x1b[201~\r`);
		expect(exitCode).toBe(0);
		expect(screen).toContain("stored the key …abcd for OpenAI");
		expect(screen).not.toContain("planted");
		expect(commandLine).not.toContain("planted");
		expect(JSON.parse(readFileSync(join(home, "keys.json"), "utf8"))).toEqual({ openai: [key] });
	});

	it("stores nothing after Ctrl-C", async () => {
		const { screen, exitCode } = await setKey(`${key}\x03`);
		expect(exitCode).toBe(130);
		expect(screen).not.toContain("planted");
		expect(() => readFileSync(join(home, "keys.json"))).toThrow("ENOENT");
	});
});
