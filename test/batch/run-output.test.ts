import { describe, expect, it } from "vitest";
import { Expectation } from "../../src/batch/expectation.ts";
import { answer, failure, names, runFake, withRows } from "./helpers/fake-run.ts";
import { MemoryFiles } from "./helpers/memory-files.ts";

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
				"id,prompt,answer,answer_1,answer_2,finish_reason,error",
				'1,=SUM(A1),x,\'=1+1,"say ""hi"",\nplease",stop,',
				'2,"a\nb",y,\'=1+1,"say ""hi"",\nplease",stop,',
				"3,c,z,,,,server: =cmd",
				"",
			].join("\n"),
		);
		expect(JSON.parse((files.text("out") as string).split("\n")[0] as string).metadata).toEqual({
			answer: "x",
		});
	});

	it.each([
		"llmx",
		"openai",
	] as const)("follows the metadata of the input, and sends nothing for it (%s)", async (outFormat) => {
		const files = new MemoryFiles();
		const write = (label: string | undefined) =>
			files.set(
				"in",
				`{"id":"a","prompt":"x","label":${JSON.stringify(label) ?? 1}}\n{"id":"b","prompt":"}}"}\n`,
			);
		write("old");
		await runFake(files, { outFormat });
		const before = files.text("out") as string;
		write('new "}}');
		expect((await runFake(files, { outFormat })).sent).toEqual([]);
		const [a, b] = (files.text("out") as string).split("\n");
		expect(JSON.parse(a as string)).toMatchObject(
			outFormat === "llmx"
				? { metadata: { label: 'new "}}' } }
				: { llmx: { metadata: { label: 'new "}}' } } },
		);
		expect(b).toBe(before.split("\n")[1]);
		write("old");
		await runFake(files, { outFormat });
		expect(files.text("out")).toBe(before);
	});

	it("says whether answers are as expected, also of those that earlier runs got", async () => {
		const files = new MemoryFiles();
		const write = (...expected: string[]) =>
			files.set("in", `id,prompt,want\n${expected.map((want, at) => `${at},p${at},${want}\n`).join("")}`);
		const run = (failUnder?: number) =>
			runFake(files, {
				format: "csv",
				rows: { expect: "want", fieldsAreData: true },
				table: "out.csv",
				expectation: new Expectation("contains"),
				...(failUnder !== undefined && { failUnder }),
				answer: ({ row }) => {
					if (row.id === "3") throw failure("no");
					return answer(`it is ${row.id}`);
				},
			});
		write("0", "x", "", "3");
		expect(await run()).toMatchObject({ exitCode: 1, stats: { expecting: 3, passed: 1 } });
		const passes = () => (files.text("out.csv") as string).split("\n").map((line) => line.split(",")[5]);
		expect(passes()).toEqual(["pass", "true", "false", "", "", undefined]);
		write("0", "1", "2");
		expect(await run(1)).toMatchObject({ exitCode: 0, sent: [], stats: { expecting: 3, passed: 3 } });
		expect(passes()).toEqual(["pass", "true", "true", "true", undefined]);
		expect((files.text("out") as string).match(/"pass":true/g)).toHaveLength(3);
		write("0", "1", "x");
		expect(await run(0.95)).toMatchObject({ exitCode: 1, stats: { passed: 2 } });
		expect(await run(0.6)).toMatchObject({ exitCode: 0 });
		write("", "", "");
		expect(await run(0.6)).toMatchObject({ exitCode: 1, stats: { expecting: 0 } });
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
