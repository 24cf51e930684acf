import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

const ask = ["ask", "-m", "sim/echo", "hi"];
const sessions = [
	["ask", "-m", "sim/echo", "--session", "old", "hi"],
	["sessions", "list"],
	["sessions", "search", "whole"],
	["sessions", "show", "old"],
];

/** Files of a home, and the commands that use them besides `ask`. */
const users: Readonly<Record<string, readonly string[][]>> = {
	"config.json": [
		["config", "show"],
		["chat", "sim/echo"],
	],
	"keys.json": [["keys", "list"], ["models"]],
	"ledger.jsonl": [["cost"], ["doctor"]],
	"ledger.totals.json": [],
	sessions,
	"sessions/old.jsonl": sessions,
	history: [["chat", "sim/echo"]],
	"responses.sqlite": [["cache", "stats"], ["doctor"]],
	slots: [],
	compile: [["doctor"]],
};

const oddities: Readonly<Record<string, (path: string) => void>> = {
	"a folder": (path) => mkdirSync(path),
	"a link to nowhere": (path) => symlinkSync("/nonexistent/file", path),
	"bytes of anything": (path) =>
		writeFileSync(path, Buffer.from('\xff\n{"type":"message","at":"2026-11', "latin1"), { mode: 0o600 }),
	"of another shape": (path) =>
		writeFileSync(
			path,
			[
				'{"type":"set","at":5,"messages":"gone"}',
				'{"type":"set","at":"2026-11-22T10:00:00Z","messages":"gone","name":5}',
				'{"type":"message","at":"2026-11-22T10:00:00Z","role":"user","content":5}',
				'{"type":"message","at":"2026-11-22T10:00:00Z","role":"user","content":"whole"}',
				"[1]",
				"null",
				"",
			].join("\n"),
			{ mode: 0o600 },
		),
};

async function run(home: string, args: readonly string[]) {
	const io = createTestIo({ env: { LLMX_HOME: home }, cwd: home, stdin: "" });
	const exitCode = await main(args, io);
	return { exitCode, out: io.out(), err: io.err() };
}

describe.each(Object.keys(oddities))("a home in which something is %s", (kind) => {
	it("is never an unexpected error, and costs no answer that does not need it", async () => {
		for (const [file, others] of Object.entries(users)) {
			for (const command of [ask, ...others]) {
				const home = join(temporaryFolder(), "home");
				mkdirSync(dirname(join(home, file)), { recursive: true });
				oddities[kind]?.(join(home, file));
				const { exitCode, out, err } = await run(home, command);
				const what = `${file}: ${command.join(" ")}: ${err}`;
				expect(err, what).not.toContain("unexpected error");
				if (command === ask) {
					const needed = ["config.json", "keys.json"].includes(file);
					if (!needed) expect(out, what).toBe("hi\n");
					// What could not be used is named.
					if (exitCode !== 0) expect(err, what).toContain(join(home, file));
				}
			}
		}
	}, 60_000);
});

describe("a session with lines that are none", () => {
	it("is shown without them, and the first is named", async () => {
		const home = join(temporaryFolder(), "home");
		mkdirSync(join(home, "sessions"), { recursive: true });
		oddities["of another shape"]?.(join(home, "sessions", "old.jsonl"));
		const { exitCode, out, err } = await run(home, ["sessions", "show", "old"]);
		expect(exitCode).toBe(0);
		expect(out).toContain("whole");
		expect(err).toBe(
			`llmx: ${join(home, "sessions", "old.jsonl")}:1 and 3 more are not lines of a session and were left out\n`,
		);
	});
});
