import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { DatabaseSync, StatementSync } from "node:sqlite";
import { afterEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo } from "../helpers/io.ts";
import { ledgerLines, temporaryFolder } from "../llm/harness.ts";

/** The calls by which the ledger and the cache touch the disk. */
const names = [
	"openSync",
	"fstatSync",
	"fchmodSync",
	"readSync",
	"writeSync",
	"closeSync",
	"mkdirSync",
	"chmodSync",
] as const;
const originals = Object.fromEntries(names.map((name) => [name, fs[name]]));

afterEach(() => {
	Object.assign(fs, originals);
	syncBuiltinESMExports();
});

/** Makes the nth call that touches the ledger or the cache of a home fail; returns how many there were. */
function failNth(home: string, n: number): () => number {
	let count = 0;
	const ours = new Set<unknown>();
	for (const name of names) {
		const original = originals[name] as (...values: unknown[]) => unknown;
		const wrapped = (...values: unknown[]) => {
			const [target] = values;
			const isOurs =
				typeof target === "string"
					? target === home || /ledger\.jsonl$|responses\.sqlite/.test(target)
					: ours.has(target);
			if (isOurs && ++count === n) {
				// What cannot be closed is closed all the same: the test must not run out of descriptors.
				if (name === "closeSync") original(...values);
				throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: "EIO" });
			}
			const result = original(...values);
			if (isOurs && name === "openSync") ours.add(result);
			if (isOurs && name === "closeSync") ours.delete(target);
			return result;
		};
		Object.assign(fs, { [name]: wrapped });
	}
	syncBuiltinESMExports();
	return () => count;
}

async function ask(home: string, question: string) {
	const io = createTestIo({ env: { LLMX_HOME: home }, cwd: home });
	const exitCode = await main(["ask", "-m", "sim/echo", question], io);
	return { exitCode, out: io.out(), err: io.err() };
}

/** One line for the ledger, one for the cache, at the most. */
const warnings =
	/^(llmx: (the ledger cannot be written|continuing without the response cache)[^\n]*\n){0,2}$/;

describe("a disk that fails", () => {
	it.each([
		"in a new home",
		"in a home that is used",
	])("at any moment, %s, costs no answer and is told once", async (kind) => {
		// The first round is one without a failure, which counts the calls.
		let total = 1;
		let told = 0;
		for (let n = 0; n <= total; n += 1) {
			const home = join(temporaryFolder(), "home");
			if (kind === "in a home that is used") await ask(home, "before");
			const count = failNth(home, n);
			const { exitCode, out, err } = await ask(home, "hello");
			if (n === 0) total = count();
			Object.assign(fs, originals);
			syncBuiltinESMExports();
			expect([n, exitCode, out]).toEqual([n, 0, "hello\n"]);
			expect(err).toMatch(n === 0 ? /^$/ : warnings);
			if (err !== "") told += 1;
			// And afterwards all is well again.
			expect(await ask(home, "again")).toEqual({ exitCode: 0, out: "again\n", err: "" });
			expect(ledgerLines(home).every((line) => JSON.parse(line))).toBe(true);
		}
		expect(total).toBeGreaterThan(5);
		expect(told).toBe(total);
	});

	it("below the cache's database costs no answer and is told once", async () => {
		const targets = [
			[DatabaseSync.prototype, "exec"],
			[DatabaseSync.prototype, "prepare"],
			[StatementSync.prototype, "run"],
			[StatementSync.prototype, "get"],
			[StatementSync.prototype, "all"],
		] as const;
		let total = 1;
		let told = 0;
		for (let n = 0; n <= total; n += 1) {
			const home = join(temporaryFolder(), "home");
			let count = 0;
			const restore = targets.map(([prototype, name]) => {
				const methods = prototype as unknown as Record<string, (...values: unknown[]) => unknown>;
				const original = methods[name] as (...values: unknown[]) => unknown;
				methods[name] = function (this: unknown, ...values: unknown[]) {
					if (++count === n) throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
					return original.apply(this, values);
				};
				return () => {
					methods[name] = original;
				};
			});
			const { exitCode, out, err } = await ask(home, "hello");
			for (const undo of restore) undo();
			if (n === 0) total = count;
			expect([n, exitCode, out]).toEqual([n, 0, "hello\n"]);
			expect(err).toMatch(n === 0 ? /^$/ : warnings);
			if (err !== "") told += 1;
			expect(await ask(home, "again")).toEqual({ exitCode: 0, out: "again\n", err: "" });
		}
		expect(total).toBeGreaterThan(3);
		expect(told).toBe(total);
	});
});
