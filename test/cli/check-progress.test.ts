import { describe, expect, it } from "vitest";
import { CheckProgress } from "../../src/cli/batch/check-progress.ts";
import { createTestIo } from "../helpers/io.ts";

function check(terminal: boolean, quiet = false) {
	const io = createTestIo(terminal ? { terminal: { columns: 80, rows: 24 } } : {});
	let now = 0;
	const progress = new CheckProgress(io, () => now, quiet);
	progress.begin("checking");
	for (let row = 1; row <= 20_000; row++) {
		now += 1;
		progress.tick();
	}
	progress.end();
	return io.err();
}

describe("the progress of a check", () => {
	it("is a line that is drawn again on a terminal and goes away, and one now and then elsewhere", () => {
		expect(check(true)).toMatch(/^(\rchecking: [\d,]+ rows\x1b\[K){18,20}\r\x1b\[K$/);
		expect(check(false)).toBe("llmx: checking: 10,240 rows\n");
		expect(check(true, true)).toBe("");
	});
});
