import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startProgram } from "../helpers/program.ts";
import { setup } from "../llm/harness.ts";

describe("LLM_GLOBAL_CONCURRENCY", () => {
	it("caps what several processes have in flight together", async () => {
		const { env, simulator } = await setup({ latency: 50 });
		const capped = { ...env, LLM_GLOBAL_CONCURRENCY: "2" };
		const runs = ["a", "b"].map((name) => {
			const file = join(env.LLMX_HOME, `${name}.txt`);
			writeFileSync(file, Array.from({ length: 10 }, (_, index) => `${name} ${index}\n`).join(""));
			const argv = ["batch", file, "-m", "openai/echo", "--yes", "--concurrency", "8"];
			return startProgram(argv, { env: capped });
		});
		const asked = startProgram(["ask", "-m", "openai/echo", "--no-stdin", "hello"], { env: capped });
		for (const { ended } of [...runs, asked]) expect(await ended).toMatchObject({ code: 0 });
		expect(simulator.stats.requests).toBe(21);
		expect(simulator.stats.mostInFlight).toBeLessThanOrEqual(2);
	});

	it("counts no process that was killed", async () => {
		const { env, simulator } = await setup();
		const capped = { ...env, LLM_GLOBAL_CONCURRENCY: "2" };
		const ask = (prompt: string) =>
			startProgram(["ask", "-m", "openai/echo", "--no-stdin", prompt], { env: capped });
		const held = [ask("[[fault:no-answer]]"), ask("[[fault:no-answer]]")];
		await expect.poll(() => simulator.stats.requests).toBe(2);
		const waiting = ask("hello");
		for (const { child } of held) child.kill("SIGKILL");
		expect(await waiting.ended).toMatchObject({ code: 0, out: "hello\n" });
		for (const { ended } of held) expect(await ended).toMatchObject({ signal: "SIGKILL" });
	});
});
