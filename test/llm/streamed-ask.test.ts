import { describe, expect, it, vi } from "vitest";
import { Caller } from "../../src/ask/call.ts";
import { AbortedError, type LLM, RequestError, type StreamPart } from "../../src/index.ts";
import { systemClock } from "../../src/schedule/clock.ts";
import { failureOf, setup } from "./harness.ts";

const words = "one two three four five six seven eight";
const streamed = { streamed: true } as const;

/** Streams a question that meets the faults one after another. */
function ask(llm: LLM, ...faults: string[]) {
	return llm.ask(`${words} ${faults.map((fault) => `[[fault:${fault}]]`).join("")}`, streamed);
}

describe("a streamed ask whose parts nobody hears", () => {
	it.each([
		"openai/echo",
		"gemini/echo",
		"anthropic/echo",
	])("is asked for once more when the stream is cut: %s", async (model) => {
		const { llm, simulator, ledger } = await setup();
		const result = await ask(llm(model), "cut-stream x1");
		expect(result).toMatchObject({ text: `${words} [[fault:cut-stream x1]]`, attempts: 2, cached: false });
		expect(simulator.requests.map(({ stream }) => stream)).toEqual([true, true]);
		expect(await ledger()).toMatchObject([
			{ status: "maybe_billed", cost_usd: null },
			{ status: "ok", attempts: 2 },
		]);
		expect(await ask(llm(model), "cut-stream x1")).toMatchObject({ text: result.text, cached: true });
		expect(simulator.stats.requests).toBe(2);
	});

	it("is asked for once more, too, when its listener can begin anew", async () => {
		const { llm, simulator } = await setup();
		let text = "";
		const texts: string[] = [];
		const question = `${words} [[fault:cut-stream x1]]`;
		const result = await llm().ask(question, {
			...streamed,
			onPart: (part) => {
				if (part.type === "text-delta") text += part.text;
			},
			onRestart: () => {
				texts.push(text);
				text = "";
			},
		});
		expect(result).toMatchObject({ text: question, attempts: 2 });
		expect(text).toBe(question);
		expect(texts).toEqual([expect.stringMatching(/^one two/)]);
		expect(simulator.stats.requests).toBe(2);
	});

	it("is asked for no third time, keeps what came, and is not cached", async () => {
		const { llm, simulator, ledger, clock } = await setup();
		const error = await failureOf(ask(llm(), "cut-stream=3"));
		expect(error).toBeInstanceOf(RequestError);
		expect(error).toMatchObject({ errorClass: "incomplete", exitCode: 1, attempts: 2, maybeBilled: true });
		expect(error.partialText).toMatch(/^one two/);
		expect([simulator.stats.requests, clock.waits.length]).toEqual([2, 1]);
		expect((await ledger()).map(({ status }) => status)).toEqual(["maybe_billed", "maybe_billed"]);
		const cached = llm().ask(`${words} [[fault:cut-stream=3]]`, { cache: "only" });
		expect(await failureOf(cached)).toMatchObject({ message: "the answer is not in the cache" });
	});

	it.each([
		["the first", ["cut-stream=6 x1", "cut-stream=2"]],
		["the last", ["cut-stream=2 x1", "cut-stream=6"]],
	])("keeps the text of the try that brought most: %s", async (_, faults) => {
		const { llm } = await setup();
		const [little, much] = await Promise.all(
			["cut-stream=2", "cut-stream=6"].map(async (fault) => failureOf(ask(llm(), fault))),
		);
		const error = await failureOf(ask(llm(), ...faults));
		expect(little.partialText.length).toBeLessThan(much.partialText.length);
		expect(error).toMatchObject({ attempts: 2, partialText: much.partialText });
	});

	it("keeps the text when the next try fails otherwise, which was not billed", async () => {
		const { llm, simulator } = await setup();
		const error = await failureOf(ask(llm(), "cut-stream=6 x1", "400"));
		expect(error).toMatchObject({
			errorClass: "invalid_request",
			status: 400,
			attempts: 2,
			maybeBilled: true,
		});
		expect(error.partialText).toMatch(/^one two three/);
		expect(simulator.stats.requests).toBe(2);
	});

	it.each([
		["cut-stream=6 x1", "reset-before-response x1"],
		["reset-before-response x1", "cut-stream=6 x1"],
		["cut-before-content x1", "cut-stream=6 x1"],
	])("has one re-send for the whole question: %s, %s", async (...faults) => {
		const { llm, simulator } = await setup();
		const error = await failureOf(ask(llm(), ...faults));
		expect(error.attempts).toBe(2);
		expect(error.partialText).toMatch(/^one two three/);
		expect(simulator.stats.requests).toBe(2);
	});

	it("waits out refusals before and after, which nobody bills", async () => {
		const { llm, simulator, ledger } = await setup();
		const result = await ask(llm(), "503 x1", "cut-stream x1", "429 x1");
		expect([result.attempts, simulator.stats.requests]).toEqual([4, 4]);
		expect((await ledger()).map(({ status }) => status)).toEqual(["maybe_billed", "ok"]);
	});

	it("is not asked for with key after key when each is spent in the middle of the answer", async () => {
		const { llm, simulator, ledger } = await setup();
		const keys = ["sk-a-0123456789", "sk-b-0123456789", "sk-c-0123456789"];
		const error = await failureOf(ask(llm("openai/echo", { keys }), "stream-error=402"));
		expect(error).toMatchObject({ errorClass: "quota", exitCode: 7, attempts: 2 });
		expect(error.partialText).toMatch(/^one two/);
		expect(simulator.requests.map(({ key }) => key)).toEqual(keys.slice(0, 2));
		expect((await ledger()).map(({ status }) => status)).toEqual(["maybe_billed", "maybe_billed"]);
	});

	it("gives its slot away while it waits for the next try", async () => {
		const { llm, simulator, env } = await setup();
		const capped = llm("openai/echo", { env: { ...env, LLM_GLOBAL_CONCURRENCY: "1" } });
		let other: Promise<string> | undefined;
		const onRetry = () => {
			other = capped.chat("other");
		};
		const result = await capped.ask(`${words} [[fault:cut-stream x1]]`, { streamed: true, onRetry });
		expect([result.attempts, await other]).toEqual([2, "other"]);
		expect(simulator.stats.mostInFlight).toBe(1);
	});

	it("stopped while it waits for the next try says what had come", async () => {
		const { llm, simulator } = await setup();
		const stop = new AbortController();
		const options = { streamed: true, signal: stop.signal, onRetry: () => stop.abort() };
		const asked = llm("openai/echo", {}, { clock: systemClock });
		const error = await failureOf(asked.ask(`${words} [[fault:cut-stream=6]]`, options));
		expect(error).toBeInstanceOf(AbortedError);
		expect(error).toMatchObject({ exitCode: 130, partialText: expect.stringMatching(/^one two three/) });
		expect(simulator.stats.requests).toBe(1);
	});
});

describe("a streamed ask whose parts are heard", () => {
	it("is not asked for again after the first, and what came is in the error", async () => {
		const { llm, simulator, ledger } = await setup();
		let heard = "";
		const onPart = (part: StreamPart) => {
			if (part.type === "text-delta") heard += part.text;
		};
		const error = await failureOf(
			llm().ask(`${words} [[fault:cut-stream=3 x1]]`, { streamed: true, onPart }),
		);
		expect(error).toMatchObject({ errorClass: "incomplete", attempts: 1, partialText: heard });
		expect(heard).toMatch(/^one two/);
		expect(simulator.stats.requests).toBe(1);
		expect(await ledger()).toMatchObject([{ status: "maybe_billed" }]);
	});
});

it("counts the tries before the one that failed in the middle", async () => {
	const { llm, simulator } = await setup();
	const prompt = `${words} [[fault:503 x1]][[fault:cut-stream]]`;
	const error = await failureOf(llm().ask(prompt, { streamed: true, onPart: () => {} }));
	expect(error).toMatchObject({ errorClass: "incomplete", attempts: 2 });
	expect(simulator.stats.requests).toBe(2);
});

describe("an interruption", () => {
	it.each([
		["heard", true],
		["not heard", false],
	])("in the middle of a stream says what had come: %s", async (_, heard) => {
		const { llm, simulator } = await setup();
		const stop = new AbortController();
		// As Ctrl-C does once the first words are there.
		const open = Caller.prototype.open;
		const spy = vi.spyOn(Caller.prototype, "open").mockImplementation(async function (this: Caller, ...call) {
			const { first, rest } = await open.apply(this, call);
			const stopping = async function* () {
				stop.abort();
				yield* rest;
			};
			return { first, rest: stopping() };
		});
		try {
			const onPart = heard ? () => {} : undefined;
			const options = { streamed: true, onPart, signal: stop.signal };
			const error = await failureOf(llm().ask(`${words} [[fault:stall-mid-stream]]`, options));
			expect(error).toBeInstanceOf(AbortedError);
			expect(error.exitCode).toBe(130);
			expect(error.partialText).toMatch(/^one/);
			expect(simulator.stats.requests).toBe(1);
		} finally {
			spy.mockRestore();
		}
	});

	it("of several answers keeps those that had come", async () => {
		const { llm, ledger } = await setup();
		const stop = new AbortController();
		const asked = llm("sambanova/echo");
		const prompt = "[[fault:no-answer x1]] x";
		const asking = failureOf(asked.ask(prompt, { n: 3, signal: stop.signal }));
		await expect.poll(() => asked.cost.unknownCalls).toBe(2);
		stop.abort();
		const error = await asking;
		expect(error).toBeInstanceOf(AbortedError);
		expect(error).toMatchObject({ exitCode: 130, partialText: `${prompt}\n---\n${prompt}` });
		expect((await ledger()).map(({ status }) => status).sort()).toEqual(["maybe_billed", "ok", "ok"]);
	});
});
