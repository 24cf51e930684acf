import {
	chmodSync,
	closeSync,
	existsSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmSync,
	statSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/server.ts";
import { describeWith } from "../helpers/skipping.ts";
import { type Running, readRecords, startLlmx, until } from "./helpers/process.ts";

let folder: string;
let simulator: Simulator;

beforeEach(async () => {
	folder = mkdtempSync(join(tmpdir(), "llmx-process-"));
	simulator = await startSimulator({ latency: { medianMs: 30, p95Ms: 60 } });
});
afterEach(async () => {
	await simulator.close();
	rmSync(folder, { recursive: true, force: true });
});

function start(args: readonly string[], rows = 150, stdout?: number, model = "local/echo"): Running {
	const lines = Array.from({ length: rows }, (_, index) => `prompt ${index}\n`);
	writeFileSync(join(folder, "prompts.txt"), lines.join(""));
	const url = `${simulator.url}/v1`;
	const env = { LOCAL_BASE_URL: url, OPENAI_BASE_URL: url, OPENAI_API_KEY: "sk-test" };
	return startLlmx(["batch", "prompts.txt", "-m", model, ...args], folder, env, stdout);
}

const results = () => readRecords(join(folder, "prompts.results.jsonl"));

describe("signals", () => {
	it.each([
		["SIGINT", 130],
		["SIGTERM", 143],
	] as const)("%s lets what is in flight land, says how to go on, and has its exit code", async (signal, exitCode) => {
		const first = start(["--concurrency", "8"]);
		await until(first, () => simulator.stats.answered > 30);
		first.child.kill(signal);
		expect(await first.ended).toBe(exitCode);
		expect(first.err()).toContain(`stopping (${signal})`);
		expect(first.err()).toMatch(/stopped +by SIG/);
		expect(first.err()).toMatch(/again +llmx batch prompts\.txt -m local\/echo --concurrency 8\n/);
		const landed = results().length;
		// Nothing was broken off: it took less than the time that is given.
		expect(landed).toBe(simulator.stats.answered);
		expect(existsSync(join(folder, "prompts.results.errors.jsonl"))).toBe(false);
		const second = start(["--concurrency", "8"]);
		expect(await second.ended).toBe(0);
		expect(results()).toHaveLength(150);
		expect(simulator.stats.requests).toBe(150);
	});

	it("SIGHUP is for those who have a terminal: without one the run goes on", async () => {
		const running = start(["--concurrency", "8"], 100);
		await until(running, () => simulator.stats.answered > 10);
		running.child.kill("SIGHUP");
		expect(await running.ended).toBe(0);
		expect(results()).toHaveLength(100);
	});

	it("breaks off what does not land in time, notes it as maybe billed, and sends it again", async () => {
		await simulator.close();
		simulator = await startSimulator({ latency: 60_000 });
		const first = start(["--concurrency", "4"], 10, undefined, "gpt-4.1-mini");
		await until(first, () => simulator.stats.requests === 4);
		first.child.kill("SIGINT");
		expect(await first.ended).toBe(130);
		expect(first.err()).toMatch(/missing +10 rows: 4 interrupted and maybe billed, 6 not sent/);
		const errors = readRecords(join(folder, "prompts.results.errors.jsonl"));
		expect(errors).toHaveLength(4);
		expect(errors[0]).toMatchObject({ error: { class: "interrupted" }, maybe_billed: true });
		await simulator.close();
		simulator = await startSimulator();
		const second = start([], 10, undefined, "gpt-4.1-mini");
		expect(await second.ended).toBe(0);
		expect(results()).toHaveLength(10);
		expect(existsSync(join(folder, "prompts.results.errors.jsonl"))).toBe(false);
	});

	it("leaves at once when told twice, with everything on disk that was answered", async () => {
		await simulator.close();
		simulator = await startSimulator({ latency: 60_000 });
		const running = start(["--concurrency", "4"], 10);
		await until(running, () => simulator.stats.requests === 4);
		running.child.kill("SIGINT");
		await until(running, () => running.err().includes("stopping"));
		running.child.kill("SIGINT");
		expect(await running.ended).toBe(130);
		expect(running.err()).not.toContain("maybe billed");
	});
});

describe("two runs at once", () => {
	it("are not possible on one output, and the second says which process has it", async () => {
		const first = start(["--concurrency", "4"]);
		await until(first, () => simulator.stats.requests > 0);
		const second = start([]);
		expect(await second.ended).toBe(2);
		expect(second.err()).toContain(`prompts.results.jsonl is in use by process ${first.child.pid}`);
		const elsewhere = start(["-o", "other.jsonl", "--limit", "3"]);
		expect(await elsewhere.ended).toBe(0);
		expect(await first.ended).toBe(0);
		expect(results()).toHaveLength(150);
	});
});

describe("a reader of stdout that goes away", () => {
	it("stops the run with exit 1", async () => {
		const running = start(["-o", "-", "--concurrency", "4"]);
		await until(running, () => running.out().includes("\n"));
		running.child.stdout?.destroy();
		expect(await running.ended).toBe(1);
		expect(running.err()).toMatch(/stopped +stdout was closed/);
		expect(simulator.stats.requests).toBeLessThan(150);
	});
});

describeWith(existsSync("/dev/full"), "this system has no /dev/full")("a full disk", () => {
	it("behind stdout ends the run before all is paid for", async () => {
		const full = openSync("/dev/full", "w");
		const running = start(["-o", "-", "--concurrency", "4"], 300, full);
		closeSync(full);
		expect(await running.ended).toBe(1);
		expect(running.err()).toMatch(/stopped +cannot write the output: the disk is full/);
		expect(simulator.stats.requests).toBeLessThan(150);
	});

	it("is a clean error and nothing is sent", async () => {
		const running = start(["-o", "/dev/full"]);
		expect(await running.ended).toBe(2);
		expect(running.err()).toContain("/dev/full is not a regular file");
		expect(simulator.stats.requests).toBe(0);
	});

	it.each(["-o", "--summary-json"])("is told from a pipe that the shell has made (%s)", async (option) => {
		const running = start([option, "/dev/fd/2"]);
		expect(await running.ended).toBe(2);
		expect(running.err()).toContain(
			"/dev/fd/2 is not a regular file\n  choose another; results go into a pipe",
		);
		expect(simulator.stats.requests).toBe(0);
	});
});

describe("files", () => {
	it("keep their mode when they are put in order, and leave nothing beside them", async () => {
		const running = start(["--concurrency", "8"], 50);
		await until(running, () => simulator.stats.answered > 10);
		chmodSync(join(folder, "prompts.results.jsonl"), 0o640);
		expect(await running.ended).toBe(0);
		expect(statSync(join(folder, "prompts.results.jsonl")).mode & 0o777).toBe(0o640);
		expect(results().map(({ id }) => id)).toEqual(
			Array.from({ length: 50 }, (_, index) => String(index + 1)),
		);
		expect(readdirSync(folder).toSorted()).toEqual(["home", "prompts.results.jsonl", "prompts.txt"]);
	});
});

describeWith(process.platform !== "win32", "Windows keeps a folder that is in use")(
	"a working folder that is gone",
	() => {
		it("is said to be", async () => {
			const wrapper = ["sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; exec "$0" "$@"'];
			const run = startLlmx(["ask", "-m", "sim/echo", "hello"], folder, {}, "pipe", wrapper);
			expect([await run.ended, run.err()]).toEqual([
				1,
				"llmx: the working folder is gone\n  cd to another one, and run the command again\n",
			]);
		});
	},
);

describe("limits of time", () => {
	it("--max-duration lets what is in flight land and exits 10", async () => {
		await simulator.close();
		simulator = await startSimulator({ latency: 400 });
		const running = start(["--max-duration", "0.9", "--concurrency", "4"], 20);
		expect(await running.ended).toBe(10);
		expect(running.err()).toMatch(/stopped +--max-duration of 0\.9 s reached/);
		expect(simulator.stats.answered).toBeLessThan(20);
		expect(results()).toHaveLength(simulator.stats.answered);
	});
});

describe("a run that is killed", () => {
	it("tells the next one how many requests were on their way, and the ledger", async () => {
		await simulator.close();
		simulator = await startSimulator({ latency: 60_000 });
		const first = start(["--concurrency", "4"], 10, undefined, "gpt-4.1-mini");
		await until(first, () => simulator.stats.requests === 4);
		first.child.kill("SIGKILL");
		expect(await first.ended).toBe("SIGKILL");
		await simulator.close();
		simulator = await startSimulator();
		const second = start([], 10, undefined, "gpt-4.1-mini");
		expect(await second.ended).toBe(0);
		expect(second.err()).toContain(
			"the previous run was killed with 4 requests in flight: they may be billed",
		);
		const ledger = readFileSync(join(folder, "home", "ledger.jsonl"), "utf8")
			.trim()
			.split("\n");
		const maybe = ledger.map((line) => JSON.parse(line)).filter(({ status }) => status === "maybe_billed");
		expect(maybe).toHaveLength(4);
		expect(maybe[0]).toMatchObject({ model: "gpt-4.1-mini", cost_usd: null, command: "batch" });
		expect(maybe[0].input_tokens).toBeGreaterThan(0);
		expect(readdirSync(folder).toSorted()).toEqual(["home", "prompts.results.jsonl", "prompts.txt"]);
		const third = start([], 10, undefined, "gpt-4.1-mini");
		expect(await third.ended).toBe(0);
		expect(third.err()).not.toContain("the run before");
	});
});

describeWith(process.platform !== "win32", "Windows has no such limit")(
	"a system with few descriptors",
	() => {
		it("keeps fewer requests in flight, also where the server is in the process, and says so", async () => {
			writeFileSync(
				join(folder, "prompts.txt"),
				Array.from({ length: 150 }, (_, row) => `${row}\n`).join(""),
			);
			const args = ["batch", "prompts.txt", "-m", "sim/echo", "--no-cache"];
			const run = startLlmx(args, folder, {}, "pipe", ["sh", "-c", 'ulimit -n 64; exec "$0" "$@"']);
			expect(await run.ended).toBe(0);
			expect(results()).toHaveLength(150);
			expect(run.err()).toContain("too many open files (raise ulimit -n, or lower --concurrency)");
			expect(run.err()).not.toContain("pausing");
		});
	},
);
