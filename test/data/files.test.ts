import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { dataFiles } from "./files.ts";

describe("prompts files as people have them", () => {
	let folder: string;
	beforeAll(() => {
		folder = mkdtempSync(join(tmpdir(), "llmx-data-"));
	});
	afterAll(() => rmSync(folder, { recursive: true, force: true }));

	const run = async (...args: string[]) => {
		const io = createTestIo({ cwd: folder, env: { LLMX_HOME: join(folder, "home") } });
		return { exitCode: await main(["batch", ...args, "-q", "--no-cache"], io), out: io.out(), err: io.err() };
	};

	it.each(dataFiles)("$name", async ({ name, bytes, expected, ids }) => {
		writeFileSync(join(folder, name), bytes);
		const { exitCode, out, err } = await run(name, "-m", "sim/echo", "-o", "-", "--concurrency", "1");
		if (typeof expected === "string") {
			expect(err).toContain(expected);
			expect([2, 4]).toContain(exitCode);
			// Each line of a refusal says something else.
			expect(new Set(err.split("\n")).size).toBe(err.split("\n").length);
			expect(out).toBe("");
			return;
		}
		expect(err).toBe("");
		expect(exitCode).toBe(0);
		const records = out
			.trimEnd()
			.split("\n")
			.map((line) => JSON.parse(line));
		expect(records.map(({ text }) => text)).toEqual(expected);
		expect(records.map(({ id }) => id)).toEqual(ids ?? expected.map((_, at) => String(at + 1)));
	});
});
