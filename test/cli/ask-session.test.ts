import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";

let home: string;

beforeEach(() => {
	home = mkdtempSync(join(tmpdir(), "llmx-ask-session-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it.each([
	[["--max-tokens", "5"], true],
	[[], false],
])("a session of ask says of an answer whether the limit cut it: %j", async (flags, isCut) => {
	const run = async (...argv: string[]) => {
		const io = createTestIo({ env: { LLMX_HOME: home }, cwd: home });
		expect(await main(argv, io)).toBe(0);
		return io.out();
	};
	await run("ask", "-m", "sim/words-60", "--session", "tale", ...flags, "tell me");
	expect((await run("sessions", "show", "tale")).includes("cut off at the token limit")).toBe(isCut);
});
