import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.ts";
import { createTestIo, type TestIo, type TestIoOptions } from "../helpers/io.ts";
import { ledgerLines, readLedger, setup } from "../llm/harness.ts";

const words = "one two three four five six seven eight";

async function prepare() {
	const { env, simulator } = await setup();
	const io = (options: TestIoOptions = {}) => createTestIo({ env, cwd: env.LLMX_HOME, ...options });
	const ask = (on: TestIo, ...argv: string[]) => main(["ask", "--no-stdin", ...argv], on);
	return { env, simulator, io, ask };
}

/** The one row of JSON on stdout. */
function printedRow(io: TestIo) {
	const lines = io.out().trimEnd().split("\n");
	expect(lines).toHaveLength(1);
	return JSON.parse(lines[0] ?? "");
}

describe("an answer that is cut before any of it is shown", () => {
	it.each([
		[["--json"], (io: TestIo) => expect(printedRow(io)).toMatchObject({ attempts: 2 })],
		[["--schema", '{"type":"object"}'], (io: TestIo) => expect(io.out()).toBe("{}\n")],
	] as const)("is asked for once more: %j", async (flags, check) => {
		const { env, simulator, io, ask } = await prepare();
		const on = io();
		expect(await ask(on, "-m", "openai/echo", ...flags, `${words} [[fault:cut-stream x1]]`)).toBe(0);
		check(on);
		expect(on.err()).toMatch(/trying again in \d+\.\d s\n$/);
		expect(simulator.requests.map(({ stream }) => stream)).toEqual([true, true]);
		expect((await readLedger(env.LLMX_HOME)).map(({ status }) => status)).toEqual(["maybe_billed", "ok"]);
	});

	it("is asked for once more where columns stand side by side", async () => {
		const { simulator, io, ask } = await prepare();
		const on = io({ terminal: { columns: 200, rows: 50 } });
		const models = ["-m", "openai/echo", "-m", "sambanova/echo"];
		expect(await ask(on, ...models, `${words} [[fault:cut-stream x1]]`)).toBe(0);
		expect(on.out()).not.toContain("failed");
		// Both ask the same, and the first of the two is cut.
		expect(simulator.stats.requests).toBe(3);
	});

	it.each([undefined, 40, 200])("is told of for every model that fails, %s columns wide", async (columns) => {
		const { io, ask } = await prepare();
		const on = io(columns === undefined ? {} : { terminal: { columns, rows: 50 } });
		const models = ["-m", "openai/fault:first", "-m", "openai/fault:second"];
		expect(await ask(on, ...models, words)).not.toBe(0);
		const told = on.err().replace(/\s+/g, " ");
		expect(told).toContain("llmx: openai/fault:first: ");
		expect(told).toContain("llmx: openai/fault:second: ");
		const widest = Math.max(
			...on
				.err()
				.split(/[\n\r]/)
				.map((line) => line.replace(/\x1b\[[\d;?]*[A-Za-z]/g, "").length),
		);
		if (columns !== undefined) expect(widest).toBeLessThanOrEqual(columns);
	});

	it("and again is printed as far as it came, and leaves two rows in the ledger", async () => {
		const { env, io, ask } = await prepare();
		const on = io();
		expect(await ask(on, "-m", "openai/echo", "--json", `${words} [[fault:cut-stream]]`)).toBe(1);
		expect(printedRow(on)).toMatchObject({
			error: { class: "incomplete" },
			maybe_billed: true,
			attempts: 2,
			cost_usd: null,
			partial_text: expect.stringMatching(/^one two three/),
		});
		const rows = await readLedger(env.LLMX_HOME);
		expect(rows.map(({ status }) => status)).toEqual(["maybe_billed", "maybe_billed"]);
	});

	it("is not called maybe billed where nothing is ever charged", async () => {
		const { env, simulator, ask } = await prepare();
		const on = createTestIo({ env: { ...env, LOCAL_BASE_URL: `${simulator.url}/v1` }, cwd: env.LLMX_HOME });
		expect(await ask(on, "-m", "local/echo", "--json", `${words} [[fault:cut-stream]]`)).toBe(1);
		expect(printedRow(on)).toMatchObject({ maybe_billed: false, cost_usd: 0, attempts: 2 });
	});

	it("is not asked for again once it streams to the screen", async () => {
		const { simulator, io, ask } = await prepare();
		const on = io();
		expect(await ask(on, "-m", "openai/echo", `${words} [[fault:cut-stream x1]]`)).toBe(1);
		expect(on.out()).toMatch(/^one two three/);
		expect(simulator.stats.requests).toBe(1);
	});
});

describe("Ctrl-C", () => {
	it.each([
		["--json", (io: TestIo) => printedRow(io).partial_text],
		['--schema={"type":"object"}', (io: TestIo) => io.err().split("partial answer:\n")[1]],
	] as const)("between two tries keeps what the first had brought: %s", async (flag, textOf) => {
		const { env, simulator, io, ask } = await prepare();
		const on = io();
		const asking = ask(on, "-m", "openai/echo", flag, "--session", "s", `${words} [[fault:cut-stream]]`);
		await expect.poll(on.err, { timeout: 15_000 }).toContain("trying again in");
		on.raise("SIGINT");
		expect(await asking).toBe(130);
		expect(textOf(on)).toMatch(/[a-z{]/);
		expect(on.err()).toMatch(/llmx: interrupted\n$/);
		expect(simulator.stats.requests).toBe(1);
		expect(await readLedger(env.LLMX_HOME)).toMatchObject([{ status: "maybe_billed", session: "s" }]);
		const shown = io();
		await main(["sessions", "show", "s"], shown);
		expect(shown.out()).toContain("stopped");
	});

	const three = "[[fault:no-answer x1]] x";
	const came = `${three}\n---\n${three}`;
	it.each([
		[[], (io: TestIo) => expect(io.out()).toBe(`${came}\n`)],
		[
			["--json"],
			(io: TestIo) =>
				expect(printedRow(io)).toMatchObject({
					error: { class: "interrupted" },
					maybe_billed: true,
					cost_usd: null,
					partial_text: came,
				}),
		],
	] as const)("keeps those of several answers that had come: %j", async (flags, check) => {
		const { env, io, ask } = await prepare();
		const on = io();
		const asking = ask(on, "-m", "sambanova/echo", "-n", "3", "--session", "s", ...flags, three);
		await expect.poll(() => ledgerLines(env.LLMX_HOME), { timeout: 15_000 }).toHaveLength(2);
		on.raise("SIGINT");
		expect(await asking).toBe(130);
		check(on);
		expect(on.err()).toBe("llmx: interrupted\n");
		const shown = io();
		await main(["sessions", "export", "s", "--format", "json"], shown);
		expect(shown.out()).toContain(JSON.stringify(came).slice(1, -1));
	});
});
