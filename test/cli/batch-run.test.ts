import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "../../src/simulator/server.ts";
import { createTestIo, type TestIo, type TestIoOptions } from "../helpers/io.ts";

let folder: string;
let simulator: Simulator;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "llmx-batch-"));
	simulator = await startSimulator();
});
afterEach(async () => {
	await simulator.close();
	rmSync(folder, { recursive: true, force: true });
});

async function restart(options: SimulatorOptions): Promise<void> {
	await simulator.close();
	simulator = await startSimulator(options);
}

function ioFor(options: TestIoOptions = {}): TestIo {
	return createTestIo({
		cwd: folder,
		...options,
		env: {
			LLMX_HOME: join(folder, "home"),
			OPENAI_API_KEY: "sk-test",
			OPENAI_BASE_URL: `${simulator.url}/v1`,
			LOCAL_BASE_URL: `${simulator.url}/v1`,
			...options.env,
		},
	});
}

async function run(args: readonly string[], options: TestIoOptions = {}) {
	const io = ioFor(options);
	const exitCode = await main(["batch", ...args], io);
	return { exitCode, out: io.out(), err: io.err() };
}

/** Rows of about a hundred tokens each way. */
function writeRows(count: number, name = "prompts.txt"): void {
	const lines = Array.from({ length: count }, (_, index) => `${index} ${"word ".repeat(80)}\n`);
	writeFileSync(join(folder, name), lines.join(""));
}

const file = (name: string) => readFileSync(join(folder, name), "utf8");
const records = (name: string) =>
	file(name)
		.split("\n")
		.slice(0, -1)
		.map((line) => JSON.parse(line) as Record<string, unknown>);

describe("--max-cost", () => {
	it("stops before the cap, counting what is in flight, and the same command goes on from there", async () => {
		await restart({ latency: 5 });
		writeRows(60);
		// About 100 tokens in and 100 out at $0.4 and $1.6 a million: $0.0002 a row.
		const args = ["prompts.txt", "-m", "gpt-4.1-mini", "--max-tokens", "200", "--concurrency", "8"];
		const first = await run([...args, "--max-cost", "0.004", "--summary-json", "s.json"]);
		expect(first.exitCode, first.err).toBe(8);
		const summary = JSON.parse(file("s.json"));
		expect(summary.cost_usd).toBeLessThanOrEqual(0.004);
		expect(summary.cost_usd).toBeGreaterThan(0.002);
		expect(summary).toMatchObject({ exit_code: 8, overshoot_usd: 0, answered: simulator.stats.answered });
		expect(first.err).toMatch(/again +llmx batch prompts\.txt/);
		const second = await run([...args, "--max-cost", "1"]);
		expect(second.exitCode).toBe(0);
		expect(simulator.stats.answered).toBe(60);
		const total = records("prompts.results.jsonl").reduce((sum, row) => sum + (row.cost_usd as number), 0);
		expect(total).toBeCloseTo(60 * 0.0002, 2);
	});

	it("sends one probe first where nothing bounds the answers", async () => {
		await restart({ latency: 30 });
		writeRows(20);
		const running = run(["prompts.txt", "-m", "gpt-4.1-mini", "--max-cost", "1", "--concurrency", "8"]);
		await expect.poll(() => simulator.stats.answered).toBeGreaterThan(0);
		expect(simulator.requests.length).toBeGreaterThan(0);
		expect((await running).exitCode).toBe(0);
		// The second request came only after the first had been answered.
		const [first, second] = simulator.requests;
		expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(30);
	});

	it("does not stop what is free", async () => {
		writeRows(5);
		expect((await run(["prompts.txt", "-m", "local/echo", "--max-cost", "0.000001"])).exitCode).toBe(0);
	});
});

describe("the sum of a run", () => {
	it("is that of the ledger, whatever went wrong, and error rows say what they cost", async () => {
		const rows = [
			{ id: "fine", prompt: "one two three" },
			{ id: "blocked", prompt: "four five [[fault:content-filter]]" },
			{ id: "refused", prompt: "six [[fault:400 x9]]" },
			{ id: "again", prompt: "seven [[fault:503 x1]]" },
			{ id: "cut", prompt: "eight [[fault:short-content-length]]" },
			{ id: "several", prompt: "nine ten [[fault:503 x1]]", n: 3 },
		];
		writeFileSync(join(folder, "faults.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
		const models = ["-m", "gpt-4.1-mini", "-m", "anthropic/claude-haiku-4-5"];
		const env = { ANTHROPIC_BASE_URL: simulator.url, ANTHROPIC_API_KEY: "sk-ant-test" };
		const args = ["faults.jsonl", ...models, "--concurrency", "8", "--max-tokens", "50"];
		const { err } = await run([...args, "--summary-json", "s.json"], { env });
		const summary = JSON.parse(file("s.json"));
		expect(summary, err).toMatchObject({ answered: 6, failed: 6 });
		const io = ioFor();
		expect(await main(["cost", "--json"], io)).toBe(0);
		const { total } = JSON.parse(io.out());
		expect(summary.cost_usd).toBeGreaterThan(0);
		expect(summary.cost_usd).toBeCloseTo(total.cost_usd, 12);
		expect(summary.unknown_cost_requests).toBe(total.unknown_calls);
		const errors = records("faults.results.errors.jsonl").filter(({ model }) => model === "gpt-4.1-mini");
		expect(errors).toMatchObject([
			{ id: "blocked", maybe_billed: false, cost_usd: 0.000018, usage: { output_tokens: 9 } },
			{ id: "refused", maybe_billed: false, cost_usd: 0, usage: null },
			{ id: "cut", maybe_billed: true, cost_usd: null, attempts: 2 },
		]);
	});
});

describe("the question what a run may cost", () => {
	const dear = ["prompts.txt", "-m", "gpt-4.1-mini", "--max-tokens", "30000"];

	it("is asked on a terminal, and only yes sends", async () => {
		writeRows(40);
		const terminal = { columns: 100, rows: 30 };
		const asked = (text: string) => {
			const stdin = Object.assign(
				(async function* () {
					yield Buffer.from(text);
				})(),
				{ isTTY: true },
			);
			return run(dear, { terminal, stdin: stdin as never });
		};
		const refused = await asked("no\n");
		expect(refused.err).toMatch(/Send 40 rows for \$\d.* to \$\d.*\? \[y\/N\]/);
		expect(refused.err).toContain("nothing was sent");
		expect([refused.exitCode, simulator.stats.requests]).toEqual([0, 0]);
		expect((await asked("y\n")).exitCode).toBe(0);
		expect(simulator.stats.requests).toBe(40);
		// Everything is in the cache now: there is nothing to ask.
		rmSync(join(folder, "prompts.results.jsonl"));
		const again = await asked("");
		expect(again.err).not.toContain("[y/N]");
		expect(again.exitCode).toBe(0);
	});

	it("is an error elsewhere, which --yes and --max-cost answer", async () => {
		writeRows(40);
		const refused = await run(dear);
		expect([refused.exitCode, simulator.stats.requests]).toEqual([2, 0]);
		expect(refused.err).toMatch(/may cost \$.* to \$.*, and there is no terminal to confirm on/);
		expect((await run([...dear, "--limit", "1", "--yes"])).exitCode).toBe(0);
	});
});

describe("budgets", () => {
	it("cap a run, and a spent one refuses it", async () => {
		writeRows(60);
		mkdirSync(join(folder, "home"), { mode: 0o700 });
		writeFileSync(join(folder, "home", "config.json"), JSON.stringify({ budget: { daily: 0.003 } }), {
			mode: 0o600,
		});
		const args = ["prompts.txt", "-m", "gpt-4.1-mini", "--max-tokens", "200", "--yes", "--concurrency", "4"];
		const capped = await run(args);
		expect(capped.exitCode, capped.err).toBe(8);
		const spent = records("prompts.results.jsonl").reduce((sum, row) => sum + (row.cost_usd as number), 0);
		expect(spent).toBeLessThanOrEqual(0.003);
		expect(spent).toBeGreaterThan(0.001);
	});
});

describe("answers", () => {
	it("to identical prompts are paid for once, and the others say that they were cached", async () => {
		await restart({ latency: 20 });
		writeFileSync(join(folder, "same.txt"), "same prompt\n".repeat(20));
		expect((await run(["same.txt", "-m", "gpt-4.1-mini"])).exitCode).toBe(0);
		expect(simulator.stats.requests).toBe(1);
		const rows = records("same.results.jsonl");
		expect(rows.filter(({ cached }) => cached)).toHaveLength(19);
		expect(rows.filter(({ cost_usd }) => cost_usd === 0)).toHaveLength(19);
		// Without the cache every row is a sample of its own.
		expect((await run(["same.txt", "-m", "gpt-4.1-mini", "--no-cache", "-o", "x.jsonl"])).exitCode).toBe(0);
		expect(simulator.stats.requests).toBe(21);
	});

	it("come in number with -n, per row and for all", async () => {
		writeFileSync(join(folder, "n.jsonl"), '{"prompt":"a","n":3}\n{"prompt":"b"}\n');
		expect((await run(["n.jsonl", "-m", "sim/words-2", "-n", "2"])).exitCode).toBe(0);
		expect(records("n.results.jsonl").map(({ texts }) => (texts as string[]).length)).toEqual([3, 2]);
	});

	it("satisfy the schema or are failures, and a failure is asked for afresh", async () => {
		writeFileSync(
			join(folder, "s.jsonl"),
			'{"id":"good","prompt":"x"}\n{"id":"bad","prompt":"x","max_tokens":1}\n',
		);
		const schema = JSON.stringify({
			type: "object",
			properties: { a: { type: "integer" } },
			required: ["a"],
		});
		const first = await run(["s.jsonl", "-m", "sim/json", "--schema", schema]);
		expect(first.exitCode, first.err).toBe(1);
		expect(records("s.results.jsonl").map(({ id }) => id)).toEqual(["good"]);
		expect(records("s.results.errors.jsonl")).toMatchObject([{ id: "bad", error: { class: "schema" } }]);
		const again = await run([
			"s.jsonl",
			"-m",
			"sim/json",
			"--schema",
			schema,
			"--retry-failed",
			"--summary-json",
			"j",
		]);
		expect(again.exitCode).toBe(1);
		expect(JSON.parse(file("j"))).toMatchObject({ requests: 1, cached: 0 });
	});

	it("to presets come with the row's fields in them", async () => {
		mkdirSync(join(folder, "home"), { mode: 0o700 });
		const presets = { tr: { system: "Be brief", prompt: "Into {{language}}: {{input}}", model: "sim/echo" } };
		writeFileSync(join(folder, "home", "config.json"), JSON.stringify({ presets }), { mode: 0o600 });
		writeFileSync(
			join(folder, "p.jsonl"),
			'{"prompt":"hello","language":"French"}\n{"prompt":"bye","language":"German"}\n',
		);
		expect((await run(["p.jsonl", "--preset", "tr"])).exitCode).toBe(0);
		expect(records("p.results.jsonl").map(({ text }) => text)).toEqual([
			"Into French: hello",
			"Into German: bye",
		]);
		const missing = await run([
			"p.jsonl",
			"--preset",
			"tr",
			"--template",
			"{{prompt}}",
			"--var",
			"language=Thai",
			"-o",
			"t.jsonl",
		]);
		expect(missing.exitCode).toBe(0);
		expect(records("t.jsonl")[0]?.text).toBe("Into Thai: hello");
	});
});

describe("the cache alone", () => {
	it("answers what it has and leaves the rest missing, without a key", async () => {
		writeFileSync(join(folder, "a.txt"), "one\n");
		writeFileSync(join(folder, "b.txt"), "one\ntwo\n");
		await run(["a.txt", "-m", "gpt-4.1-mini"]);
		const result = await run(["b.txt", "-m", "gpt-4.1-mini", "--cache-only"], {
			env: { OPENAI_API_KEY: "" },
		});
		expect(result.exitCode, result.err).toBe(1);
		expect(result.err).toMatch(/missing +1 row not sent/);
		expect(records("b.results.jsonl").map(({ id }) => id)).toEqual(["1"]);
		expect(simulator.stats.requests).toBe(1);
	});
});

describe("prompts on stdin", () => {
	it("are checked whole before anything is sent, and leave no copy behind", async () => {
		const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith("llmx-stdin-")).length;
		const before = copies();
		const bad = await run(["-", "--format", "jsonl", "-m", "local/echo"], { stdin: '"fine"\n{bad\n' });
		expect(bad.exitCode).toBe(2);
		expect(bad.err).toContain("stdin:2: not valid JSON");
		expect(simulator.stats.requests).toBe(0);
		const good = await run(["-", "--format", "csv", "-m", "local/echo", "-o", "x.jsonl"], {
			stdin: "prompt,note\nhello,1\nbye,2\n",
		});
		expect(good.exitCode).toBe(0);
		expect(records("x.jsonl")).toMatchObject([{ text: "hello", metadata: { note: "1" } }, { text: "bye" }]);
		expect(copies()).toBe(before);
	});
});

describe("what would end a run at once", () => {
	it("is said before the question what it may cost", async () => {
		writeRows(3);
		const args = ["prompts.txt", "-m", "gpt-4.1-mini", "--max-tokens", "1000000"];
		const { exitCode, err } = await run(args, { env: { LLM_GLOBAL_CONCURRENCY: "many" } });
		expect(exitCode).toBe(2);
		expect(err).toBe('llmx: LLM_GLOBAL_CONCURRENCY must be a positive integer, not "many"\n');
	});
});

describe("keys", () => {
	it("that are refused end the run with exit 4, and rows stay missing", async () => {
		await restart({ keys: ["sk-right"] });
		writeRows(10);
		const refused = await run(["prompts.txt", "-m", "gpt-4.1-mini"]);
		expect(refused.exitCode, refused.err).toBe(4);
		expect(refused.err).not.toContain("sk-test");
		const mended = await run(["prompts.txt", "-m", "gpt-4.1-mini"], { env: { OPENAI_API_KEY: "sk-right" } });
		expect(mended.exitCode).toBe(0);
		expect(records("prompts.results.jsonl")).toHaveLength(10);
	});
});

describe("progress", () => {
	it("is drawn on a terminal and gone at the end; a pipe gets lines", async () => {
		await restart({ latency: 300 });
		writeRows(8);
		const onTerminal = await run(["prompts.txt", "-m", "local/echo", "--concurrency", "4"], {
			terminal: { columns: 80, rows: 24 },
			env: { NO_COLOR: "1", TERM: "xterm" },
		});
		expect(onTerminal.err).toContain("4 in flight");
		expect(onTerminal.err).not.toMatch(/\x1b\[\d+m/);
		const [, summary] = onTerminal.err.split(/\x1b\[J(?=answered)/);
		expect(summary).toMatch(/^answered +8 of 8/);
		rmSync(join(folder, "prompts.results.jsonl"));
		const inPipe = await run(["prompts.txt", "-m", "local/echo"]);
		expect(inPipe.err).not.toContain("\x1b");
		expect((await run(["prompts.txt", "-m", "local/echo", "-q", "--overwrite"])).err).toBe("");
	});
});
