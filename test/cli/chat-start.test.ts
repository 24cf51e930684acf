import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { temporaryFolder } from "../llm/harness.ts";

/** Chats in a home of its own: every run is a process with these lines on its stdin. */
function prepare() {
	const cwd = temporaryFolder();
	const env = { LLMX_HOME: join(cwd, "home") };
	mkdirSync(join(env.LLMX_HOME, "prompts"), { recursive: true });
	const chat = async (stdin: string, ...argv: readonly string[]) => {
		const io = createTestIo({ env, cwd, stdin });
		return { exitCode: await main(["chat", ...argv], io), out: io.out(), err: io.err() };
	};
	return { cwd, env, chat };
}

describe("llmx chat", () => {
	it("attaches what the input of an own command mentions", async () => {
		const { cwd, env, chat } = prepare();
		writeFileSync(join(env.LLMX_HOME, "prompts/review.md"), "Review this: {{input}}\n");
		for (const name of ["a.txt", "b.txt"]) writeFileSync(join(cwd, name), `text of ${name}\n`);
		const { exitCode, out } = await chat("/review @*.txt\n", "sim/echo");
		expect(exitCode).toBe(0);
		expect(out).toContain("text of a.txt");
		expect(out).toContain("text of b.txt");
		expect(out).toContain("Review this: @*.txt");
	});

	it("opens the list of sessions without a default model, which they have themselves", async () => {
		const { chat } = prepare();
		expect((await chat("remember me\n", "sim/history", "--session", "notes")).exitCode).toBe(0);
		expect((await chat("go on\n")).exitCode).toBe(2);
		const { exitCode, out, err } = await chat("/load notes\nand?\n", "-r");
		expect({ exitCode, err }).toMatchObject({ exitCode: 0 });
		expect(out).toContain("remember me");
	});
});
