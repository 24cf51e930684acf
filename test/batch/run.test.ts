import { describe, expect, it } from "vitest";
import type { SentRow } from "../../src/batch/run.ts";
import { answer, failure, idsIn, names, runFake, withRows } from "./helpers/fake-run.ts";
import { MemoryFiles } from "./helpers/memory-files.ts";

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

	it("sets results aside that the input no longer asks for, and brings them back when it does again", async () => {
		const files = withRows(names(4));
		await runFake(files);
		// r0 is edited and fails, r1 gets another model, r2 is removed.
		files.set(
			"in",
			'{"id":"r0","prompt":"new"}\n{"id":"r1","prompt":"p r1","model":"n"}\n{"id":"r3","prompt":"p r3"}\n',
		);
		const someFails = ({ row }: SentRow) => {
			if (row.id === "r0") throw failure("no");
			return answer(`new ${row.id}`);
		};
		expect((await runFake(files, { answer: someFails })).sent).toEqual(["r0", "r1"]);
		const texts = (path: string) =>
			(files.text(path) ?? "")
				.split("\n")
				.slice(0, -1)
				.map((line) => JSON.parse(line))
				.map(({ id, model, text }) => `${id} ${model}: ${text}`);
		expect(texts("out")).toEqual(["r1 n: new r1", "r3 m: to r3"]);
		expect(texts("superseded")).toEqual(["r0 m: to r0", "r1 m: to r1", "r2 m: to r2"]);
		expect(idsIn(files, "errors")).toEqual(["r0"]);
		// As it was: nothing is paid for twice.
		files.set(
			"in",
			names(4)
				.map((id) => `${JSON.stringify({ id, prompt: `p ${id}` })}\n`)
				.join(""),
		);
		expect((await runFake(files)).sent).toEqual([]);
		expect(texts("out")).toEqual(["r0 m: to r0", "r1 m: to r1", "r2 m: to r2", "r3 m: to r3"]);
		expect(texts("superseded")).toEqual(["r1 n: new r1"]);
		expect((await runFake(files, { models: ["n"], answer: someFails })).sent.toSorted()).toEqual([
			"r0",
			"r2",
			"r3",
		]);
	});

	it("leaves the results of rows alone that its selection leaves out", async () => {
		const files = withRows(names(4));
		await runFake(files);
		files.set(
			"in",
			names(4)
				.map((id) => `${JSON.stringify({ id, prompt: id === "r0" ? "new" : `p ${id}` })}\n`)
				.join(""),
		);
		expect((await runFake(files, { selection: { limit: 2 } })).sent).toEqual(["r0"]);
		expect(idsIn(files, "out")).toEqual(["r0", "r1", "r2", "r3"]);
		expect(idsIn(files, "superseded")).toEqual(["r0"]);
		expect((await runFake(files)).sent).toEqual([]);
	});

	it("loses no record when it is killed at any moment of setting some aside", async () => {
		const edited = '{"id":"r0","prompt":"new"}\n{"id":"r1","prompt":"p r1"}\n';
		const prepare = async () => {
			const files = withRows(names(3));
			await runFake(files);
			return files;
		};
		const whole = await prepare();
		const before = whole.operations;
		whole.set("in", edited);
		await runFake(whole);
		for (let moment = before; moment <= whole.operations; moment++) {
			const files = await prepare();
			files.set("in", edited);
			files.onOperation = (number) => {
				if (number >= moment) throw Object.assign(new Error("killed"), { code: "EIO" });
			};
			await runFake(files).catch(() => {});
			files.onOperation = () => {};
			const kept = `${files.text("out")}${files.text("superseded")}`;
			for (const id of names(3)) expect(kept).toContain(`{"id":"${id}","model":"m","text":"to ${id}"`);
			await runFake(files);
			expect(idsIn(files, "out")).toEqual(["r0", "r1"]);
			expect(idsIn(files, "superseded").toSorted()).toEqual(["r0", "r2"]);
		}
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
			"id,prompt,model,model_1,answer,finish_reason,error\r\na,x,,m,to a,stop,\r\na,x,,n,to a,stop,\r\nb,x,own,own,to b,stop,\r\n",
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
		const large = withRows(names(12_000));
		const stopped = await runFake(large, {
			onSend: ({ row }) => {
				if (row.id !== "r3") return;
				const file = large.content.get("in") as { bytes: Buffer };
				file.bytes = Buffer.from(file.bytes.toString().replaceAll("r11999", "r-other"));
			},
		});
		expect(stopped).toMatchObject({ exitCode: 2, stopped: expect.stringMatching(/^in:12000 changed/) });
		expect(idsIn(large, "out").length).toBeGreaterThan(11_990);
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
