import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { shareOneHome } from "../helpers/one-home.ts";
import { programPath, runProgram, runShell, startProgram } from "../helpers/program.ts";
import { itWith } from "../helpers/skipping.ts";
import { readLedger, setup, temporaryFolder } from "../llm/harness.ts";

const llama = "sambanova/Meta-Llama-3.3-70B-Instruct";

describe("the built program", () => {
	it("asks SambaNova once with the right model, key and prompt, streams, prices, and then has it in its cache", async () => {
		const { env, simulator } = await setup();
		const argv = ["ask", "summarise", "-m", llama, "-u"];
		const first = await runProgram(argv, { env, input: "text\n" });
		expect(first).toMatchObject({ code: 0, out: "summarise\n\ntext\n" });
		expect(first.err).toMatch(/^4 in · 4 out · \$0\.0000072 · \S+ m?s · [\d,]+ tok\/s\n$/);
		expect(simulator.requests).toMatchObject([
			{
				path: "/v1/chat/completions",
				model: "Meta-Llama-3.3-70B-Instruct",
				key: env.SAMBANOVA_API_KEY,
				stream: true,
				body: { messages: [{ role: "user", content: "summarise\n\ntext" }] },
			},
		]);

		const second = await runProgram(argv, { env, input: "text\n" });
		expect(second).toMatchObject({ code: 0, out: first.out, err: "4 in · 4 out · $0 · from the cache\n" });
		expect(simulator.stats.requests).toBe(1);
		expect(await readLedger(env.LLMX_HOME)).toMatchObject([
			{ command: "ask", cached: false, cost_usd: 0.0000072 },
			{ command: "ask", cached: true, cost_usd: 0, saved_usd: 0.0000072 },
		]);
	});

	it("has a simulator that dates its jobs by the clock on the wall", async () => {
		const running = startProgram(["simulate"]);
		await expect.poll(() => running.out(), { timeout: 30_000 }).toMatch(/127\.0\.0\.1:\d+/);
		const jobs = `${running.out().trim()}/openrouter/v1/batches`;
		await fetch(jobs, { method: "POST", body: JSON.stringify({ model: "echo", requests: [] }) });
		const { data } = (await (await fetch(jobs)).json()) as { data: { created_at: number }[] };
		expect(Math.abs((data[0]?.created_at ?? 0) * 1000 - Date.now())).toBeLessThan(600_000);
		running.child.kill("SIGINT");
		await running.ended;
	});

	it("shows an answer as it comes", async () => {
		const { env, simulator } = await setup({ tokensPerSecond: 40 });
		const running = startProgram(["ask", "-m", "openai/words-20", "count"], { env });
		await expect.poll(running.out).not.toBe("");
		expect(simulator.stats.inFlight).toBe(1);
		expect(await running.ended).toMatchObject({ code: 0, err: "" });
	});

	it("leaves quietly when its reader has seen enough, every time", async () => {
		const { env } = await setup();
		const script = `for i in $(seq 3); do
			seq 20000 | llmx ask -m openai/echo --no-cache | head -1
			echo "\${PIPESTATUS[*]}"
		done`;
		const { out, err } = await runShell(script, { env });
		expect(err).toBe("");
		expect(out).toBe("1\n0 0 0\n".repeat(3));
	});

	itWith(existsSync("/dev/full"), "this system has no /dev/full")(
		"says that it cannot write, and fails",
		async () => {
			const { env } = await setup();
			const full = openSync("/dev/full", "w");
			try {
				const { code, err } = await runProgram(["ask", "-m", "openai/echo", "hello"], { env, stdout: full });
				expect(code).toBe(1);
				expect(err).toBe("llmx: cannot write the output: the disk is full\n");
				for (const argv of [["ask", "--help"], ["--version"]]) {
					expect(await runProgram(argv, { env, stdout: full })).toMatchObject({
						code: 1,
						err: "llmx: cannot write the output: the disk is full\n",
					});
				}
			} finally {
				closeSync(full);
			}
		},
	);
});

describe("a home", () => {
	it("is shared by processes without a lost row or answer and without a complaint", async () => {
		await shareOneHome(temporaryFolder(), 3, 15);
	});
});

describe("a signal", () => {
	it.each([
		["SIGINT", 130, "interrupted"],
		["SIGTERM", 143, "terminated"],
	] as const)("%s stops an answer that streams: exit %i, what came is kept, and the ledger knows", async (signal, code, word) => {
		const { env, simulator } = await setup({ tokensPerSecond: 20 });
		const running = startProgram(["ask", "-m", "openai/words-500", "go on"], { env });
		await expect.poll(running.out).not.toBe("");
		running.child.kill(signal);
		const result = await running.ended;
		expect(result).toMatchObject({ code, signal: null, err: `llmx: ${word}\n` });
		expect(result.out).toMatch(/^time.*\n$/);
		const [row, ...others] = await readLedger(env.LLMX_HOME);
		expect(others).toEqual([]);
		expect(row).toMatchObject({ status: "maybe_billed", cost_usd: null, command: "ask" });
		expect(row?.output_tokens).toBeGreaterThan(0);
		await expect.poll(() => simulator.stats.inFlight).toBe(0);
	});

	it("stops one that has not begun, and one of several models", async () => {
		const { env, simulator } = await setup();
		const silent = "[[fault:no-answer]]";
		const argv = ["ask", "-m", "openai/echo", "-m", "gemini/echo", "--json", silent];
		const running = startProgram(argv, { env });
		await expect.poll(() => simulator.stats.requests).toBe(2);
		running.child.kill("SIGINT");
		expect(await running.ended).toEqual({ code: 130, signal: null, out: "", err: "llmx: interrupted\n" });
		expect(await readLedger(env.LLMX_HOME)).toMatchObject([
			{ status: "maybe_billed" },
			{ status: "maybe_billed" },
		]);
	});

	it("ends a wait for the next try", async () => {
		const { env } = await setup();
		const argv = ["ask", "-m", "openai/echo", "[[fault:429-retry-after=100]]"];
		const running = startProgram(argv, { env });
		await expect.poll(running.err).toContain("trying again in");
		running.child.kill("SIGINT");
		const { code, err } = await running.ended;
		expect(code).toBe(130);
		expect(err).toMatch(/trying again in \d+\.\d s\nllmx: interrupted\n$/);
		expect((await readLedger(env.LLMX_HOME)).every(({ cost_usd }) => cost_usd === 0)).toBe(true);
	});
});

describe("an old Node", () => {
	const complaint = (version: string) =>
		`llmx: needs Node 22.19 or newer, and this is ${version}\n  get a newer one from https://nodejs.org\n`;

	it.each(["18.20.8", "20.20.2", "22.18.0"])("%s is told in one line what is needed", (version) => {
		const code = `Object.defineProperty(process, "versions", { value: { node: "${version}" } });
			await import(${JSON.stringify(pathToFileURL(programPath).href)});`;
		const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
			encoding: "utf8",
		});
		expect({ status, stdout, stderr }).toEqual({ status: 1, stdout: "", stderr: complaint(version) });
	});

	const system = spawnSync("/usr/bin/node", ["-p", "process.versions.node"], { encoding: "utf8" });
	const version = system.stdout?.trim() ?? "";
	itWith(Number(version.split(".")[0]) < 22, "/usr/bin/node is not older than Node 22")(
		"of this machine is told so too",
		async () => {
			expect(await runProgram(["ask", "hello"], { node: "/usr/bin/node" })).toMatchObject({
				code: 1,
				out: "",
				err: complaint(version),
			});
		},
	);
});
