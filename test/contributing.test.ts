import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyDiff, copyProject, diffOf, root } from "./helpers/contributing.ts";
import { createTestIo } from "./helpers/io.ts";

interface Run {
	readonly out: string;
	readonly err: string;
}

/** Runs command lines one after the other from a folder's sources, each with its input. */
async function runFrom(folder: string, commands: readonly (readonly [argv: string[], input?: string])[]) {
	const { main }: typeof import("../src/cli/main.ts") = await import(join(folder, "src/cli/main.ts"));
	const runs: Run[] = [];
	for (const [argv, stdin = ""] of commands) {
		const io = createTestIo({ env: { LLMX_HOME: join(folder, "home") }, stdin });
		await main(argv, io);
		runs.push({ out: io.out(), err: io.err() });
	}
	return runs;
}

describe("CONTRIBUTING.md", () => {
	/** A copy of what the diffs touch, with all of them applied but the wire's, which does not run as it is. */
	let folder: string;
	let touched: Record<string, readonly string[]>;
	let runs: Run[];

	beforeAll(async () => {
		folder = mkdtempSync(join(tmpdir(), "llmx-contributing-"));
		copyProject(folder, [
			"src",
			"package.json",
			"prices.csv",
			"README.md",
			"test/parameters/parameters.test.ts",
			"test/models/router.test.ts",
		]);
		const headings = ["A parameter", "An OpenAI-compatible provider", "A slash command"];
		touched = Object.fromEntries(headings.map((heading) => [heading, applyDiff(diffOf(heading), folder)]));
		runs = await runFrom(folder, [
			[["ask", "-m", "sim/request", "--no-stream", "--min-p", "0.1", "hi"]],
			[["ask", "-m", "anthropic/x", "--min-p", "2", "hi"]],
			[["doctor", "-m", "acme/large"]],
			[["chat", "sim/echo"], "hi\n/set min_p 0.1\n/turns\n/help\n"],
		]);
	}, 120_000);
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	it("names files and folders that exist", () => {
		const page = readFileSync(join(root, "CONTRIBUTING.md"), "utf8").replace(/```diff.*?```/gs, "");
		const names = [...page.matchAll(/`((?:src|test|docs|scripts|bin)\/[\w./-]*)`|\]\(([\w./-]+)\)/g)];
		expect(names.length).toBeGreaterThan(5);
		for (const [, name, link] of names)
			expect([name ?? link, existsSync(join(root, name ?? (link as string)))]).toEqual([name ?? link, true]);
	});

	it("adds a parameter with one row and one test", () => {
		expect(touched["A parameter"]).toEqual(["src/parameters/table.ts", "test/parameters/parameters.test.ts"]);
		const [asked, refused, , chat] = runs;
		expect(JSON.parse(asked?.out ?? "")).toMatchObject({ min_p: 0.1 });
		expect(refused?.err).toContain("--min-p must be a number from 0 to 1, not 2");
		expect(chat?.err).toContain("min_p = 0.1");
	});

	it("adds a provider with one row, one row of the README and one test", () => {
		expect(touched["An OpenAI-compatible provider"]).toEqual([
			"src/providers/registry.ts",
			"README.md",
			"test/models/router.test.ts",
		]);
		expect(runs[2]?.out).toContain("Acme at https://api.acme.example/v1 (default)");
	});

	it("adds a slash command with one object", () => {
		expect(touched["A slash command"]).toEqual(["src/chat/commands/settings.ts"]);
		expect(runs[3]?.err).toContain("questions so far: 1");
		expect(runs[3]?.err).toMatch(/\/turns +count the questions so far/);
	});

	it("adds a wire where the compiler asks for it, after the model of those that are there", () => {
		expect(applyDiff(diffOf("A wire"), folder)).toEqual([
			"src/providers/adapters.ts",
			"src/parameters/table.ts",
		]);
		for (const file of ["request.ts", "reader.ts", "anthropic.ts"])
			expect(existsSync(join(folder, "src/providers/anthropic", file))).toBe(true);
	});
});
