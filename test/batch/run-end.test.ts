import { describe, expect, it } from "vitest";
import { Halt, parseHaltPolicy } from "../../src/batch/halt.ts";
import { AbortedError, CacheMissError, UnsupportedError } from "../../src/errors.ts";
import { noUsage } from "../../src/types.ts";
import { answer, failure, idsIn, names, runFake, withRows } from "./helpers/fake-run.ts";

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
		for (const wrong of ["now", "fail=1", "later,fail=1", "now,fail=0", "now,fail=1.5", "now,fail=101%"])
			expect(() => parseHaltPolicy(wrong)).toThrow("invalid --halt policy");
	});

	it("is the cap of --max-cost, before it can be crossed", async () => {
		// At $0.4 and $1.6 a million tokens: 1,000 of output are $0.0016.
		const files = withRows(names(100));
		const usage = { ...noUsage, inputTokens: 1, outputTokens: 1_000 };
		const priced = answer("x", { costUsd: 0.0016, usage });
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
			answer: ({ row }) => Promise.reject(failure(`no ${row.id}`, { errorClass: "not_found", status: 404 })),
		});
		expect(outcome.stopped).toContain("the first 50 rows of m all failed: no r");
		expect(outcome).toMatchObject({ exitCode: 1, hint: expect.stringContaining("fix this first") });
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
			answer: ({ row }) => (row.id === "r10" ? answer("yes") : Promise.reject(failure(`no ${row.id}`))),
		});
		expect(mixed).toMatchObject({ missing: 0, failed: 199, stopped: undefined });
	});

	it("ends after twenty failures in the same words with no answer between them, also in the middle", async () => {
		const outcome = await runFake(withRows(names(200)), {
			answer: ({ row }) =>
				Number(row.id.slice(1)) < 60
					? answer("yes")
					: Promise.reject(failure("account frozen", { errorClass: "forbidden", status: 403 })),
		});
		expect(outcome.stopped).toBe("20 rows of m in a row failed in the same way: account frozen");
		expect(outcome.stats.answered).toBe(60);
		expect(outcome.missing).toBeGreaterThan(80);
	});

	it("goes on past rows that are all too long", async () => {
		const outcome = await runFake(withRows(names(100)), {
			answer: ({ row }) =>
				Number(row.id.slice(1)) < 60 && row.id !== "r0"
					? Promise.reject(failure("too long", { errorClass: "context_length", status: 400 }))
					: answer("yes"),
		});
		expect(outcome).toMatchObject({ missing: 0, failed: 59 });
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
