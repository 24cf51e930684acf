import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isFinal } from "../../src/jobs/contract.ts";
import { stateOf } from "../../src/jobs/dialects/common.ts";
import { PartGauge } from "../../src/jobs/part-splitter.ts";
import { costOf } from "../../src/models/cost.ts";
import { findPrice } from "../../src/models/pricing.ts";
import { seededRandom } from "../../src/simulator/random.ts";
import { jobBench, prompts } from "./harness.ts";

/**
 * What batch APIs do to careless clients, and the test of each: its file and the beginning of its name. All of them go
 * over a socket but those that say why not.
 */
const traps: readonly (readonly [trap: string, file: string, test: string])[] = [
	[
		"a create that is sent twice makes two jobs",
		"cycle",
		"is found again when the answer to its creation is lost",
	],
	["nobody can tell whether a job was created", "traps", "stops and asks when two jobs could be the one"],
	["a list lags behind what was created", "creation", "is looked for until a minute has passed"],
	["clocks differ", "creation", "is asked about where only the time speaks against it"],
	["an upload succeeds without a file", "creation", "is made again, for it costs nothing"],
	["what was made a moment ago is not found yet", "faults", "%s: every row is answered in the end"],
	["a job of a file that is not there fails late", "faults", "%s: every row is answered in the end"],
	["the file's name, and how it is uploaded", "traps", "goes by file where it is large"],
	["one bad line kills the whole job", "faults", "a line that may not be"],
	["the queue is full, now or later", "faults", "no room in the queue"],
	[
		"bytes bind before rows (a law of the splitter: jobs of 190 MB are too large for a test)",
		"traps",
		"no part is larger",
	],
	["ids on the wire, and rows that ask the same", "traps", "sends ids that every provider takes"],
	["a job that never ends", "faults", "one that never ends can be left"],
	["counts that are 0 until the end", "traps", "does not count where the provider does not"],
	["words of states (a table: no server says all of them)", "traps", "only four states are ends"],
	["a look is answered by somebody else", "faults", "%s: every row is answered in the end"],
	["results are a page, or not all there", "faults", "%s: every row is answered in the end"],
	["no credit when a job is created", "faults", "no credit for the second of three jobs"],
	["completed is not succeeded", "faults", "all rows fail"],
	["an expired or cancelled job holds rows that were paid for", "cycle", "keeps what a job brought"],
	["results are in no order, or have no id", "traps", "keeps lines that name no row"],
	["results that come twice, or of other rows", "retention", "are kept in a file of their own"],
	["the ids of rows are changed", "faults", "results under other ids alone"],
	["large results are cut", "faults", "%s: every row is answered in the end"],
	["the address of the results has another host", "traps", "does not show the key to another host"],
	["results vanish", "retention", "makes of a job that is not there any more"],
	["a key of another project does not see the job", "faults", "another key does not find the job"],
	["no credit comes as thousands of failed rows", "traps", "counts rows without credit as missing"],
	[
		"the price of jobs is no half of the other",
		"money",
		"is known of both ways only where both are published",
	],
	[
		"cached tokens have the discounts of both (the price alone: the simulator caches nothing)",
		"traps",
		"halves cached tokens",
	],
	["what is fetched twice is booked once", "cycle", "brings every answer under the user's own id"],
	["the input changes between submit and fetch", "underway", "are kept beside the results and booked once"],
	["rows of a job are sent again by somebody else", "underway", "are not sent live, nor into other results"],
	["a job that runs cannot be capped", "traps", "is refused when it might cost more than the cap"],
	["Ctrl-C neither orphans nor cancels", "faults", "one that never ends can be left"],
];

const args = (model: string) => ["batch", "in.jsonl", "-m", model, "-o", "out.jsonl", "--no-cache"];

describe("the traps of batch APIs", () => {
	it.each(traps)("%s: has a test", (_trap, file, test) => {
		const source = readFileSync(new URL(`./${file}.test.ts`, import.meta.url), "utf8");
		expect(source).toContain(`("${test}`);
	});
});

describe("a job", () => {
	it("stops and asks when two jobs could be the one whose answer was lost, and submits nothing again", async () => {
		const bench = await jobBench({ jobs: { faults: ["none", "lost"] } });
		bench.writeRows(prompts(2));
		const elsewhere = join(bench.folder, "another-home");
		const home = bench.env.LLMX_HOME as string;
		bench.env.LLMX_HOME = elsewhere;
		await bench.run(["batch", "in.jsonl", "-m", "anthropic/echo", "-o", "other.jsonl", "--detach"]);
		bench.env.LLMX_HOME = home;
		for (let runs = 0; runs < 2; runs++) {
			// A list is believed a minute after the create.
			bench.age(60_000);
			const { exitCode, err } = await bench.run(args("anthropic/echo"));
			expect(exitCode, err).toBe(5);
			expect(err).toContain("2 jobs at Anthropic match");
			expect(err).toContain("llmx jobs rm");
		}
		expect(bench.submitted()).toBe(4);
	});

	it("goes by file where it is large, and its results come by file", async () => {
		const bench = await jobBench();
		const large = prompts(3).map((prompt) => prompt.padEnd(2_000_000, " and so on"));
		bench.writeRows(large);
		const { exitCode, err } = await bench.run(args("gemini/echo"));
		expect(exitCode, err).toBe(0);
		expect(bench.read("out.jsonl").map(({ text }) => text)).toEqual(large);
	});

	it("sends ids that every provider takes, and keeps rows apart that ask the same", async () => {
		const bench = await jobBench({ jobs: { faults: ["stuck"] } });
		bench.writeRows(["same", "same", "other ✓"]);
		await bench.run([...args("openai/echo"), "--detach"]);
		const get = async (path: string) => (await fetch(`${bench.simulator.url}/v1${path}`)).text();
		const { data } = JSON.parse(await get("/batches")) as { data: { input_file_id: string }[] };
		const lines = (await get(`/files/${data[0]?.input_file_id}/content`)).trim().split("\n");
		const ids = lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
		expect(new Set(ids).size).toBe(3);
		for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
	});

	it("does not count where the provider does not", async () => {
		const bench = await jobBench({ jobs: { faults: ["stuck"], lifeMs: 20 } });
		bench.writeRows(prompts(2));
		await bench.run([...args("anthropic/echo"), "--detach"]);
		const { id } = JSON.parse((await bench.run(["jobs", "list", "--json"])).out) as { id: string };
		expect((await bench.run(["jobs", "status", id])).out).toContain("unknown answered, unknown failed");
	});

	it("keeps lines that name no row in a file of their own", async () => {
		const bench = await jobBench({ jobs: { faults: ["no-id"] } });
		bench.writeRows(prompts(3));
		const { exitCode, err } = await bench.run(args("openai/echo"));
		expect(exitCode).toBe(1);
		const [, name] = /they are kept in \S*\/(out\.foreign-\w{8}\.jsonl)/.exec(err) ?? [];
		expect(bench.read(name as string)).toMatchObject([{ custom_id: "", response: { status_code: 200 } }]);
		expect(bench.read("out.jsonl")).toHaveLength(2);
	});

	it("does not show the key to another host, whatever the server says of where results are", async () => {
		const bench = await jobBench({ jobs: { faults: ["other-host"] } });
		bench.writeRows(prompts(2));
		const { exitCode, err } = await bench.run(args("anthropic/echo"));
		expect(exitCode, err).toBe(0);
		expect(bench.read("out.jsonl")).toHaveLength(2);
	});

	it("counts rows without credit as missing, ends with exit code 7, and keeps what was paid for", async () => {
		const bench = await jobBench({ jobs: { faults: ["credit"] } });
		bench.writeRows(prompts(4));
		const { exitCode, err } = await bench.run(args("anthropic/echo"));
		expect(exitCode, err).toBe(7);
		expect(bench.read("out.jsonl")).toHaveLength(2);
		expect(bench.read("out.errors.jsonl")).toEqual([]);
	});

	it("is refused when it might cost more than the cap, or nobody knows what, before it is submitted", async () => {
		const bench = await jobBench();
		bench.writeRows(prompts(2));
		const batch = ["batch", "in.jsonl", "--max-tokens", "1000", "--max-cost"];
		const dear = await bench.run([...batch, "0.0001", "-m", "gpt-4.1-mini"]);
		expect(dear.exitCode).toBe(8);
		expect(dear.err).toContain("nothing was submitted");
		const unknown = await bench.run([...batch, "5", "-m", "openrouter/openai/gpt-4o-mini"]);
		expect(unknown.exitCode).toBe(2);
		expect(bench.submitted()).toBe(0);
	});
});

describe("what batch APIs say", () => {
	it("only four states are ends, however they are spelled; a word that nobody knows is none", () => {
		const ends = [
			..."completed COMPLETED SUCCESS JOB_STATE_SUCCEEDED BATCH_STATE_PARTIALLY_SUCCEEDED ended".split(" "),
			..."failed FAILED BATCH_STATE_FAILED expired TIMEOUT_EXCEEDED JOB_STATE_EXPIRED".split(" "),
			..."cancelled canceled CANCELLED JOB_STATE_CANCELLED JOB_STATE_DELETED JOB_STATE_EARLY_STOPPED".split(
				" ",
			),
		];
		for (const word of ends) expect(isFinal(stateOf(word)), word).toBe(true);
		const others = [
			..."validating in_progress finalizing cancelling canceling QUEUED RUNNING BATCH_STATE_PENDING".split(
				" ",
			),
			..."CANCELLATION_REQUESTED JOB_STATE_PAUSED JOB_STATE_WRITING_RESULTS hibernating constructor".split(
				" ",
			),
			"",
		];
		for (const word of others) expect(isFinal(stateOf(word)), word).toBe(false);
		expect(stateOf("hibernating")).toBe("unknown");
	});

	it("no part is larger than the limits, unless one row is, and no part could take the next one's first row", () => {
		for (let seed = 1; seed <= 200; seed++) {
			const random = seededRandom(seed);
			const draw = (most: number) => 1 + Math.floor(random() * most);
			const limits = { rows: draw(8), bytes: draw(300), inputTokens: draw(100) };
			const gauge = new PartGauge(limits);
			for (let row = 0; row < 60; row++) {
				const [bytes, tokens] = [draw(120), draw(40)];
				if (!gauge.fits(bytes, tokens)) gauge.reset();
				gauge.add(bytes, tokens);
				const isWithin =
					gauge.rows <= limits.rows && gauge.bytes <= limits.bytes && gauge.inputTokens <= limits.inputTokens;
				expect(isWithin || gauge.rows === 1, `seed ${seed}`).toBe(true);
			}
		}
	});

	it("halves cached tokens, too, where jobs cost half", () => {
		const price = findPrice("openai", "gpt-4.1-mini");
		if (price === null) throw new Error("the table has lost gpt-4.1-mini");
		const usage = {
			inputTokens: 1_000_000,
			cachedInputTokens: 600_000,
			cacheWriteTokens: 0,
			audioInputTokens: 0,
			outputTokens: 100_000,
			reasoningTokens: 0,
		};
		const [live, job] = [costOf(usage, price), costOf(usage, price, { charges: { tier: "batch" } })];
		expect(job).toBeCloseTo((live as number) / 2, 9);
	});
});
