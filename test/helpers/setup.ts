import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, aroundEach } from "vitest";
import { cleaningUp } from "./cleanup.ts";

// Every test file gets a home of its own, so that no test reads or writes the developer's state.
const home = mkdtempSync(join(tmpdir(), "llmx-test-"));
process.env.LLMX_HOME = home;
for (const name of Object.keys(process.env)) {
	if (/(_API_KEY|_KEYS|_BASE_URL|_TOKEN)$/.test(name) || (name.startsWith("LLMX_") && name !== "LLMX_HOME"))
		delete process.env[name];
}
aroundEach(cleaningUp);
afterAll(() => rmSync(home, { recursive: true, force: true }));
