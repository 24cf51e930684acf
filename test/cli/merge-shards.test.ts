import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { temporaryName } from "../../src/state/replace.ts";
import { afterTest } from "../helpers/cleanup.ts";
import { createTestIo } from "../helpers/io.ts";

const count = 4;
let whole: string;
let cwd: string;

async function llmx(argv: string[], env: Record<string, string> = {}) {
	const io = createTestIo({ cwd, env: { LLMX_HOME: join(cwd, "home"), ...env } });
	const code = await main(["batch", ...argv], io);
	return { code, err: io.err() };
}

const read = (name: string) => readFileSync(join(cwd, name), "utf8");
const records = (name: string): { id: string }[] =>
	read(name)
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
const merge = (...more: string[]) =>
	llmx(["merge", "out.*-of-4.jsonl", "-o", "all.jsonl", "--input", "p.jsonl", ...more]);

/** Every tenth row fails; the array of four tasks writes `out.I-of-4.jsonl`. */
beforeAll(async () => {
	whole = mkdtempSync(join(tmpdir(), "llmx-merge-"));
	cwd = whole;
	const rows = Array.from({ length: 120 }, (_, index) => {
		const fault = index % 10 === 9 ? " [[fault:400]]" : "";
		return JSON.stringify({ id: `r${index}`, prompt: `row ${index}${fault}` });
	});
	writeFileSync(join(cwd, "p.jsonl"), `${rows.join("\n")}\n`);
	for (let index = 0; index < count; index++) {
		const env = { JOB_COMPLETION_INDEX: `${index}`, JOB_COMPLETIONS: `${count}` };
		const argv = [
			"p.jsonl",
			"-m",
			"sim/echo",
			"--shard",
			"auto",
			"-o",
			"out.jsonl",
			"--summary-json",
			"sum.json",
			"-q",
		];
		await llmx(argv, env);
	}
});
afterAll(() => rmSync(whole, { recursive: true, force: true }));

beforeEach(() => {
	cwd = mkdtempSync(join(tmpdir(), "llmx-merge-"));
	afterTest(() => rmSync(cwd, { recursive: true, force: true }));
	cpSync(whole, cwd, { recursive: true });
});

it("merges results, failures, summaries and a report of all shards that a pattern names", async () => {
	const { code, err } = await merge("--summary-json", "sum.json", "--report");
	expect(err).toContain(
		"108 results, each once; no row of the prompts is missing → all.jsonl; 12 failed → all.errors.jsonl",
	);
	expect(code).toBe(0);
	expect(records("all.jsonl").map(({ id }) => id)).toEqual(
		Array.from({ length: 120 }, (_, index) => index)
			.filter((index) => index % 10 !== 9)
			.map((index) => `r${index}`),
	);
	expect(records("all.errors.jsonl").map(({ id }) => id)).toEqual(
		Array.from({ length: 12 }, (_, index) => `r${10 * index + 9}`),
	);
	const summary = JSON.parse(read("sum.json"));
	expect(summary).toMatchObject({
		shards: 4,
		rows: 120,
		answered: 108,
		failed: 12,
		missing: 0,
		cost_usd: 0,
		stopped: null,
	});
	expect(summary.failures).toEqual({ invalid_request: 12 });
	expect(summary.models["sim/echo"]).toMatchObject({ answered: 108, latency_p50_ms: null });
	expect(summary.exit_code).toBe(1);
	expect(read("all.html")).toContain("<!doctype html>");
	// The same again, over what is there.
	const before = read("all.jsonl");
	expect((await merge("--overwrite")).code).toBe(0);
	expect(read("all.jsonl")).toBe(before);
});

/** What a merge that is killed leaves: the failures are written first, the results then, the summary last. */
const outputs = ["all.errors.jsonl", "all.jsonl", "sum.json"];
it("may be repeated wherever it was killed, and replaces nothing but what it has written itself", async () => {
	const again = () => merge("--summary-json", "sum.json");
	expect((await again()).code).toBe(0);
	const whole = outputs.map(read);
	for (let kept = 0; kept <= outputs.length; kept++) {
		for (const name of outputs.slice(kept)) rmSync(join(cwd, name));
		const ours = temporaryName(join(cwd, "all.jsonl"));
		const dead = ours.replace(`.${process.pid}.`, `.${spawnSync("true").pid}.`);
		for (const name of [ours, dead]) writeFileSync(name, "half of it");
		const { code, err } = await again();
		expect(code, err).toBe(0);
		expect(err.includes("→ all.errors.jsonl, unchanged")).toBe(kept >= 2);
		expect(outputs.map(read)).toEqual(whole);
		// One that may be at work is left alone.
		expect([ours, dead].map((name) => existsSync(name))).toEqual([true, process.platform !== "linux"]);
		rmSync(ours);
	}
	for (const [index, name] of outputs.entries()) {
		writeFileSync(join(cwd, name), `${whole[index]}{}\n`);
		const { code, err } = await again();
		expect(code).toBe(2);
		expect(err).toContain(`${name} already exists and is not what this merge makes`);
		expect(read(name)).toBe(`${whole[index]}{}\n`);
		writeFileSync(join(cwd, name), whole[index] as string);
	}
});

it("takes a pattern that also matches failures and the target", async () => {
	const argv = ["merge", "*.jsonl", "-o", "all.jsonl"];
	rmSync(join(cwd, "p.jsonl"));
	expect((await llmx(argv)).code).toBe(0);
	expect(records("all.jsonl")).toHaveLength(108);
	expect((await llmx([...argv, "--overwrite"])).code).toBe(0);
	expect(records("all.jsonl")).toHaveLength(108);
});

/** A way to spoil the shards, and what the merge says of it. */
const attacks: readonly [what: string, spoil: () => void, said: string][] = [
	[
		"a shard that is missing",
		() => rmSync(join(cwd, "out.3-of-4.jsonl")),
		"a shard is missing: out.3-of-4.jsonl",
	],
	[
		"several that are missing",
		() => {
			for (const index of [1, 4]) rmSync(join(cwd, `out.${index}-of-4.jsonl`));
		},
		"2 shards are missing\n  out.1-of-4.jsonl, out.4-of-4.jsonl",
	],
	[
		"a torn record",
		() => writeFileSync(join(cwd, "out.2-of-4.jsonl"), read("out.2-of-4.jsonl").slice(0, -40)),
		"out.2-of-4.jsonl ends in the middle of a record",
	],
	[
		"a last record without its line end",
		() => writeFileSync(join(cwd, "out.2-of-4.jsonl"), read("out.2-of-4.jsonl").trimEnd()),
		"out.2-of-4.jsonl ends in the middle of a record",
	],
	[
		"a run that was killed",
		() => writeFileSync(join(cwd, ".out.2-of-4.jsonl.inflight"), ""),
		"the run that wrote out.2-of-4.jsonl was killed",
	],
	[
		"a run that goes on elsewhere",
		() => writeFileSync(join(cwd, "out.1-of-4.jsonl.lock"), '{"host":"elsewhere","pid":7}'),
		"out.1-of-4.jsonl is being written by another run",
	],
	[
		"results that were rescued",
		() => writeFileSync(join(cwd, "out.1-of-4.recovered.jsonl"), "x"),
		"out.1-of-4.recovered.jsonl has results that a run rescued",
	],
	[
		"a shard that is there twice",
		() => writeFileSync(join(cwd, "out.3-of-4.jsonl"), read("out.2-of-4.jsonl")),
		"is also in out.2-of-4.jsonl",
	],
	[
		"a lost record",
		() =>
			writeFileSync(join(cwd, "out.4-of-4.jsonl"), read("out.4-of-4.jsonl").split("\n").slice(1).join("\n")),
		"1 results are missing",
	],
	[
		"something else in a file",
		() => writeFileSync(join(cwd, "out.4-of-4.jsonl"), `hello\n${read("out.4-of-4.jsonl")}`),
		"out.4-of-4.jsonl:1: this line is not a result",
	],
];
it.each(attacks)("refuses %s, and writes nothing", async (_what, spoil, said) => {
	spoil();
	const { code, err } = await merge();
	expect(err).toContain(said);
	expect(code).toBe(2);
	expect(existsSync(join(cwd, "all.jsonl"))).toBe(false);
	expect(readdirSync(cwd).filter((name) => name.includes(".tmp"))).toEqual([]);
});

it("refuses shards of two runs, and a pattern that matches nothing", async () => {
	writeFileSync(join(cwd, "out.1-of-2.jsonl"), read("out.1-of-4.jsonl"));
	const { err } = await llmx(["merge", "out.*-of-*.jsonl", "-o", "all.jsonl"]);
	expect(err).toMatch(/is one of [24] shards, and others are of [24]/);
	expect((await llmx(["merge", "nothing.*.jsonl", "-o", "all.jsonl"])).err).toContain(
		"no results file matches nothing.*.jsonl",
	);
});

it("merges what is there when that is asked for", async () => {
	rmSync(join(cwd, "out.3-of-4.jsonl"));
	writeFileSync(join(cwd, "out.2-of-4.jsonl"), read("out.2-of-4.jsonl").slice(0, -40));
	const { code, err } = await merge("--allow-missing");
	expect(code).toBe(0);
	expect(err).toMatch(/\d+ results, each once; \d+ missing/);
	expect(new Set(records("all.jsonl").map(({ id }) => id)).size).toBe(records("all.jsonl").length);
});

it("a row that failed first and was answered later is no failure", async () => {
	const errors = readdirSync(cwd).find((name) => name.endsWith(".errors.jsonl")) as string;
	const results = errors.replace(".errors", "");
	const failed = records(errors)[0] as { id: string };
	const answered = { ...(records(results)[0] as object), id: failed.id };
	writeFileSync(join(cwd, results), `${read(results)}${JSON.stringify(answered)}\n`);
	expect((await merge()).err).toContain("109 results");
	expect(records("all.errors.jsonl").map(({ id }) => id)).not.toContain(failed.id);
});
