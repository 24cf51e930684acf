import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { applyDiff, diffOf, root } from "../helpers/contributing.ts";

/** A copy of the whole project, as it is checked out, with a diff of CONTRIBUTING.md applied. */
function patchedCheckout(heading: string): string {
	const folder = mkdtempSync(join(tmpdir(), "llmx-checkout-"));
	onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
	for (const name of readdirSync(root)) {
		if (name === ".git" || name === "node_modules" || name === "dist") continue;
		cpSync(join(root, name), join(folder, name), { recursive: true });
	}
	symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
	applyDiff(diffOf(heading), folder);
	return folder;
}

function run(folder: string, script: string, ...argv: readonly string[]) {
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(root, "node_modules", script), ...argv],
		{
			cwd: folder,
			encoding: "utf8",
		},
	);
	return { status, output: stdout + stderr };
}

it.each([
	"A parameter",
	"An OpenAI-compatible provider",
	"A slash command",
])("the diff under %s passes the type checker, and every test but the transcripts it says it changes", (heading) => {
	const folder = patchedCheckout(heading);
	expect(run(folder, "typescript/bin/tsc", "--noEmit")).toEqual({ status: 0, output: "" });
	const exclude = heading === "A slash command" ? ["--exclude", "test/chat/golden.test.ts"] : [];
	const { status, output } = run(folder, "vitest/vitest.mjs", "run", ...exclude);
	expect(status, output.slice(-5_000)).toBe(0);
});

it("the diff under A wire leaves the new adapter to be written, and nothing else", () => {
	const { output } = run(patchedCheckout("A wire"), "typescript/bin/tsc", "--noEmit");
	expect(output.match(/error TS\d+: .*/g)).toEqual([expect.stringContaining("'./cohere/cohere.ts'")]);
});
