import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { shareOneHome } from "../helpers/one-home.ts";
import { runShell } from "../helpers/program.ts";

let home: string;
beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-one-home-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it("16 processes on one home lose no ledger row and no cached answer, and complain of nothing", async () => {
	await shareOneHome(home, 16, 500);
});

it("ask leaves a reader that has seen enough quietly, 100 times", async () => {
	const script = `for i in $(seq 100); do seq 20000 | llmx ask -m sim/echo --no-cache | head -1; echo "\${PIPESTATUS[*]}"; done`;
	const { out, err } = await runShell(script, { env: { LLMX_HOME: home } });
	expect(err).toBe("");
	expect(out).toBe("1\n0 0 0\n".repeat(100));
});
