import { describe, expect, it } from "vitest";
import { Halt, parseHaltPolicy } from "../../src/batch/halt.ts";
import { AbortedError, CacheMissError, UnsupportedError } from "../../src/errors.ts";
import { answer, failure, idsIn, runFake } from "./helpers/fake-run.ts";
import { MemoryFiles } from "./helpers/memory-files.ts";

const names = (count: number) => Array.from({ length: count }, (_, index) => `r${index}`);

function withRows(ids: readonly string[], edit: (id: string) => string = (id) => `p ${id}`): MemoryFiles {
	const files = new MemoryFiles();
	files.set("in", ids.map((id) => `${JSON.stringify({ id, prompt: edit(id) })}\n`).join(""));
	return files;
}

describe("a run", () => {
	it("answers every row once and leaves the results in the order of the input", async () => {
		const files = withRows(names(10));
		const outcome = await runFake(files);
		expect(outcome).toMatchObject({ exitCode: 0, missing: 0, failed: 0, stats: { answered: 10 } });
		expect(idsIn(files, "out")).toEqual(names(10));
		expect([...files.content.keys()].toSorted()).toEqual(["in", "out"]);
		expect(files.openHandles).toBe(0);
		const [first] = (files.text("out") as string).split("\n");
		expect(JSON.parse(first as string)).toEqual({
			id: "r0",
			model: "m",
			text: "to r0",
			finish_reason: "stop",
			usage: expect.objectContaining({ input_tokens: 10, output_tokens: 10 }),
			cost_usd: 0.01,
			cached: false,
			attempts: 1,
			latency_ms: 5,
			hash: expect.stringMatching(/^[0-9a-f]{32}$/),
		});
	});

	it("sends nothing the second time, and exactly one row when one prompt was changed", async () => {
		const files = withRows(names(10));
		await runFake(files);
		const before = files.text("out");
		expect((await runFake(files)).sent).toEqual([]);
		expect(files.text("out")).toBe(before);
		files.set("in", (files.text("in") as string).replace('"p r3"', '"p r3, please"'));
		const again = await runFake(files, { answer: () => answer("new") });
		expect(again.sent).toEqual(["r3"]);
		expect(idsIn(files, "out")).toEqual(names(10));
		expect(JSON.parse((files.text("out") as string).split("\n")[3] as string).text).toBe("new");
	});

	it("sends again when a parameter, the system text or the number of answers changed, and not for metadata", async () => {
		const files = withRows(["a"]);
		await runFake(files);
		files.set("in", '{"prompt":"p a","note":"new","id":"a"}\n');
		expect((await runFake(files)).sent).toEqual([]);
		expect((await runFake(files, { rows: { system: "s" } })).sent).toEqual(["a"]);
		expect((await runFake(files, { rows: { parameters: { temperature: 1 } } })).sent).toEqual(["a"]);
	});

	it("keeps failures apart, leaves them alone, and sends exactly them with retryFailed", async () => {
		const files = withRows(names(300));
		const fails = (id: string) => Number(id.slice(1)) % 3 === 0;
		const first = await runFake(files, {
			answer: ({ row }) => {
				if (fails(row.id)) throw failure(`no ${row.id}`);
				return answer("yes");
			},
		});
		expect(first).toMatchObject({
			exitCode: 1,
			failed: 100,
			missing: 0,
			stats: { answered: 200, failed: 100 },
		});
		expect(first.stats.failures.get("server")).toBe(100);
		expect(idsIn(files, "errors")).toEqual(names(300).filter(fails));
		expect(JSON.parse((files.text("errors") as string).split("\n")[0] as string)).toEqual({
			id: "r0",
			model: "m",
			error: { class: "server", status: 500, message: "no r0" },
			maybe_billed: false,
			attempts: 1,
			usage: null,
			cost_usd: 0,
			partial_text: null,
			hash: expect.any(String),
		});
		const second = await runFake(files);
		expect(second).toMatchObject({ sent: [], exitCode: 1, failed: 100 });
		const third = await runFake(files, { retryFailed: true });
		expect(third.sent).toHaveLength(100);
		expect(third.sent.every(fails)).toBe(true);
		expect(third).toMatchObject({ exitCode: 0, failed: 0 });
		expect(idsIn(files, "out")).toEqual(names(300));
		expect(files.text("errors")).toBeUndefined();
	});

	it("replaces the record of a row that failed again", async () => {
		const files = withRows(["a", "b"]);
		const fail = (message: string) => ({ answer: () => Promise.reject(failure(message)) });
		await runFake(files, fail("first"));
		await runFake(files, { ...fail("second"), retryFailed: true });
		expect(idsIn(files, "errors")).toEqual(["a", "b"]);
		expect(files.text("errors")).not.toContain("first");
	});

	it("begins anew with overwrite, whatever was there", async () => {
		const files = withRows(["a", "b"]);
		files.set("out", "my notes\n");
		files.set("errors", "more notes");
		await expect(runFake(files)).rejects.toThrow("out:1: this line is not a result");
		expect((await runFake(files, { overwrite: true })).sent).toEqual(["a", "b"]);
		expect(idsIn(files, "out")).toEqual(["a", "b"]);
		expect(files.text("errors")).toBeUndefined();
	});

	it("keeps what answers no row of the input behind what does", async () => {
		const files = withRows(names(5));
		await runFake(files);
		files.set("in", '{"id":"new","prompt":"x"}\n{"id":"r3","prompt":"p r3"}\n');
		expect((await runFake(files)).sent).toEqual(["new"]);
		expect(idsIn(files, "out")).toEqual(["new", "r3", "r0", "r1", "r2", "r4"]);
	});

	it("sends rows times models, and each row's own model only where it names one", async () => {
		const files = new MemoryFiles();
		files.set("in", '{"id":"a","prompt":"x"}\n{"id":"b","prompt":"x","model":"own"}\n');
		const outcome = await runFake(files, { models: ["m", "n"], table: "out.csv" });
		expect(outcome.sent).toHaveLength(3);
		const records = (files.text("out") as string)
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line));
		expect(records.map(({ id, model }) => [id, model])).toEqual([
			["a", "m"],
			["a", "n"],
			["b", "own"],
		]);
		expect(files.text("out.csv")).toBe(
			"id,prompt,model,model_1,answer\r\na,x,,m,to a\r\na,x,,n,to a\r\nb,x,own,own,to b\r\n",
		);
		expect((await runFake(files, { models: ["m", "n"] })).sent).toEqual([]);
	});

	it("stops cleanly when the file changes under it", async () => {
		const files = withRows(names(50));
		const outcome = await runFake(files, {
			width: 1,
			onSend: ({ row }) => {
				// Nothing is read twice from the first chunk, so the file must be longer than that to be caught late.
				if (row.id === "r3") files.set("in", "");
			},
		});
		expect(outcome.stats.answered).toBe(50);
		const large = withRows(names(20_000));
		const stopped = await runFake(large, {
			onSend: ({ row }) => {
				if (row.id !== "r3") return;
				const file = large.content.get("in") as { bytes: Buffer };
				file.bytes = Buffer.from(file.bytes.toString().replaceAll("r19999", "r-other"));
			},
		});
		expect(stopped).toMatchObject({ exitCode: 2, stopped: expect.stringMatching(/^in:20000 was changed/) });
		expect(idsIn(large, "out").length).toBeGreaterThan(19_990);
	});
});

describe("the end of a run", () => {
	it("comes softly: what is in flight lands, the rest stays missing, and the order is left for later", async () => {
		const files = withRows(names(20));
		const halt = new Halt();
		const outcome = await runFake(files, {
			halt,
			width: 5,
			onSend: ({ row }) => {
				if (row.id === "r7") halt.soon({ text: "by SIGINT", exitCode: 130 });
			},
		});
		expect(outcome).toMatchObject({
			exitCode: 130,
			stopped: "by SIGINT",
			missing: 12,
			stats: { answered: 8 },
		});
		expect(idsIn(files, "out")).not.toEqual(idsIn(files, "out").toSorted());
		expect((await runFake(files)).sent).toHaveLength(12);
		expect(idsIn(files, "out")).toEqual(names(20));
	});

	it("comes at once: rows that were broken off are noted as maybe billed, and sent again by a plain resume", async () => {
		const files = withRows(names(10));
		const halt = new Halt();
		const outcome = await runFake(files, {
			halt,
			width: 5,
			answer: ({ row }) => {
				if (row.id === "r7") halt.now({ text: "by SIGINT", exitCode: 130 });
				if (Number(row.id.slice(1)) > 5) throw new AbortedError();
				return answer("yes");
			},
		});
		expect(outcome).toMatchObject({
			exitCode: 130,
			missing: 4,
			failed: 0,
			stats: { interrupted: 2, unknownCosts: 2 },
		});
		const [line] = (files.text("errors") as string).split("\n");
		expect(JSON.parse(line as string)).toMatchObject({
			error: { class: "interrupted" },
			maybe_billed: true,
			cost_usd: null,
		});
		const again = await runFake(files);
		expect(again.sent).toHaveLength(4);
		expect(again.exitCode).toBe(0);
		expect(files.text("errors")).toBeUndefined();
	});

	it("is what --halt says", async () => {
		const halted = async (policy: string) => {
			const halt = new Halt();
			const outcome = await runFake(withRows(names(100)), {
				halt,
				width: 1,
				haltPolicy: parseHaltPolicy(policy),
				answer: ({ row }) => {
					if (Number(row.id.slice(1)) % 4 === 3) throw failure("no");
					return answer("yes");
				},
			});
			return [outcome.stats.finished, outcome.exitCode, halt.abortSignal.aborted, outcome.stopped];
		};
		expect(await halted("now,fail=1")).toEqual([4, 1, true, "1 rows failed (--halt now at 1)"]);
		expect(await halted("soon,fail=5")).toEqual([20, 1, false, "5 rows failed (--halt soon at 5)"]);
		expect(await halted("soon,fail=25%")).toEqual([12, 1, false, "3 rows failed (--halt soon at 25 %)"]);
		expect(await halted("soon,fail=26%")).toEqual([100, 1, false, undefined]);
		for (const wrong of ["now", "fail=1", "later,fail=1", "now,fail=0", "now,fail=1.5", "now,fail=101%"]) {
			expect(() => parseHaltPolicy(wrong)).toThrow("is not understood");
		}
	});

	it("is the cap of --max-cost, before it can be crossed", async () => {
		// At $0.4 and $1.6 a million tokens: 1,000 of output are $0.0016.
		const files = withRows(names(100));
		const priced = answer("x", { costUsd: 0.0016 });
		const outcome = await runFake(files, {
			maxCost: 0.01,
			rows: { parameters: { maxTokens: 1000 } },
			answer: () => priced,
		});
		expect(outcome).toMatchObject({ exitCode: 8, stopped: expect.stringContaining("--max-cost") });
		expect(outcome.stats.usd).toBeLessThanOrEqual(0.01);
		expect(outcome.stats.answered).toBe(6);
	});
});

describe("a run in which nothing works", () => {
	it("ends after fifty failures, with the reason and its exit code", async () => {
		const files = withRows(names(200));
		const outcome = await runFake(files, {
			answer: () => Promise.reject(failure("no such model", { errorClass: "not_found", status: 404 })),
		});
		expect(outcome.stopped).toBe("the first 50 rows of m all failed: no such model");
		expect(outcome).toMatchObject({ exitCode: 1, hint: expect.stringContaining("mend that first") });
		expect(outcome.stats.failed).toBeLessThan(60);
		expect(outcome.missing).toBeGreaterThan(140);
	});

	it("goes on when it was told how much may fail, or when something was answered", async () => {
		const told = await runFake(withRows(names(200)), {
			haltPolicy: parseHaltPolicy("soon,fail=150"),
			answer: () => Promise.reject(failure("no")),
		});
		expect(told.stats.failed).toBeGreaterThanOrEqual(150);
		const mixed = await runFake(withRows(names(200)), {
			answer: ({ row }) => (row.id === "r10" ? answer("yes") : Promise.reject(failure("no"))),
		});
		expect(mixed).toMatchObject({ missing: 0, failed: 199, stopped: undefined });
	});

	it("counts what is refused before it is sent as free", async () => {
		const files = withRows(["a"]);
		const outcome = await runFake(files, {
			answer: () => Promise.reject(new UnsupportedError("this model takes no temperature")),
		});
		expect(outcome.stats).toMatchObject({ failed: 1, unknownCosts: 0 });
		expect(JSON.parse(files.text("errors") as string)).toMatchObject({
			error: { class: "other", status: null },
			maybe_billed: false,
			cost_usd: 0,
		});
	});

	it("leaves rows missing that only the cache was asked for", async () => {
		const files = withRows(["a", "b"]);
		const outcome = await runFake(files, {
			answer: ({ row }) =>
				row.id === "a" ? answer("yes") : Promise.reject(new CacheMissError("not in the cache")),
			attempts: 0,
		});
		expect(outcome).toMatchObject({ exitCode: 1, missing: 1, failed: 0 });
		expect(files.text("errors")).toBeUndefined();
	});
});

describe("answers to a schema", () => {
	const responseFormat = {
		type: "json-schema",
		name: "x",
		schema: { type: "object", required: ["a"] },
	} as const;

	it("are failures when they do not satisfy it, paid all the same, and freed of their fences when they do", async () => {
		const files = withRows(["good", "bad"]);
		const outcome = await runFake(files, {
			rows: { parameters: { responseFormat } },
			answer: ({ row }) => answer(row.id === "good" ? '```json\n{"a":1}\n```' : '{"b":1}'),
		});
		expect(outcome).toMatchObject({ exitCode: 1, failed: 1, stats: { answered: 1, usd: 0.02 } });
		expect(JSON.parse(files.text("out") as string).text).toBe('{"a":1}');
		expect(JSON.parse(files.text("errors") as string)).toMatchObject({
			error: { class: "schema", message: expect.stringContaining("required") },
			partial_text: '{"b":1}',
			cost_usd: 0.01,
			maybe_billed: false,
		});
	});

	it("a schema that is itself invalid is a problem of its line", async () => {
		const files = new MemoryFiles();
		const bad = { type: "json_schema", json_schema: { name: "x", schema: { type: "nonsense" } } };
		files.set("in", `"fine"\n${JSON.stringify({ prompt: "p", response_format: bad })}\n`);
		await expect(runFake(files)).rejects.toThrow(/^in:2: the JSON Schema is invalid/);
	});
});

describe("other shapes of output", () => {
	it("may be OpenAI's, and is resumed all the same", async () => {
		const files = withRows(names(4));
		const run = {
			outFormat: "openai" as const,
			answer: ({ row }: { row: { id: string } }) => {
				if (row.id === "r2") throw failure("no");
				return answer("yes");
			},
		};
		await runFake(files, run);
		const lines = (files.text("out") as string)
			.split("\n")
			.slice(0, -1)
			.map((line) => JSON.parse(line));
		expect(lines[0]).toMatchObject({
			custom_id: "r0",
			error: null,
			response: {
				status_code: 200,
				body: {
					object: "chat.completion",
					choices: [{ index: 0, message: { role: "assistant", content: "yes" }, finish_reason: "stop" }],
					usage: { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 },
				},
			},
		});
		expect(JSON.parse(files.text("errors") as string)).toMatchObject({
			custom_id: "r2",
			response: { status_code: 500 },
			error: { code: "server", message: "no" },
		});
		expect((await runFake(files, { outFormat: "openai" })).sent).toEqual([]);
		expect((await runFake(files, { outFormat: "openai", retryFailed: true })).sent).toEqual(["r2"]);
	});

	it("may be a table with the input's columns, several answers and errors; only answers are kept from running", async () => {
		const files = new MemoryFiles();
		files.set("in", 'id,prompt,answer\n1,"=SUM(A1)",x\n2,"a\nb",y\n3,c,z\n');
		const outcome = await runFake(files, {
			format: "csv",
			rows: { n: 2 },
			table: "out.csv",
			answer: ({ row }) => {
				if (row.id === "3") throw failure("=cmd");
				return answer("=1+1", { texts: ["=1+1", 'say "hi",\nplease'] });
			},
		});
		expect(outcome.exitCode).toBe(1);
		expect(files.text("out.csv")).toBe(
			[
				"id,prompt,answer,answer_1,answer_2,error",
				'1,=SUM(A1),x,"\'=1+1","say ""hi"",\nplease",',
				'2,"a\nb",y,"\'=1+1","say ""hi"",\nplease",',
				"3,c,z,,,server: =cmd",
				"",
			].join("\r\n"),
		);
		expect(JSON.parse((files.text("out") as string).split("\n")[0] as string).metadata).toEqual({
			answer: "x",
		});
	});

	it("keeps every nasty string exactly, from the row to the results", async () => {
		const nasty =
			"\u0000\u0007\u001b[2J\u007f\u0085\u202e\u2066\ud800\udc00\ud800x\u2028\u2029=1+1\r\n\t\"'\\";
		const files = new MemoryFiles();
		files.set("in", `${JSON.stringify({ id: nasty, prompt: nasty, [nasty]: nasty })}\n`);
		await runFake(files, { answer: (sent) => answer(sent.prompt as string) });
		const record = JSON.parse(files.text("out") as string);
		expect(record).toMatchObject({ id: nasty, text: nasty, metadata: { [nasty]: nasty } });
		expect((await runFake(files)).sent).toEqual([]);
	});
});
