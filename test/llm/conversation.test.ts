import { describe, expect, it } from "vitest";
import { Conversation, type StreamPart } from "../../src/index.ts";
import { failureOf, partsOf, setup, textOf } from "./harness.ts";

/** Takes parts until some text came, and leaves. */
async function leaveAfterFirstText(parts: AsyncIterable<StreamPart>): Promise<void> {
	for await (const part of parts) if (part.type === "text-delta") return;
}

describe("a conversation", () => {
	it("sends what was said before, under its system prompt", async () => {
		const { llm, simulator } = await setup();
		const conversation = new Conversation(llm(), { system: "Be brief." });
		expect(await conversation.say("one")).toBe("one");
		expect(textOf(await partsOf(conversation.send("two")))).toBe("two");
		expect(simulator.requests[1]?.body.messages).toEqual([
			{ role: "system", content: "Be brief." },
			{ role: "user", content: "one" },
			{ role: "assistant", content: "one" },
			{ role: "user", content: "two" },
		]);
		expect(conversation.turns).toMatchObject([
			{ user: { content: "one" }, assistant: { content: "one" }, interrupted: false },
			{ user: { content: "two" }, assistant: { content: "two" }, interrupted: false },
		]);
		expect(conversation.turns[1]?.finish).toMatchObject({ finishReason: "stop", cached: false, attempts: 1 });
	});

	it("keeps what came of an answer that was left early, and sends it as history", async () => {
		const { llm, simulator } = await setup();
		const conversation = new Conversation(llm());
		await leaveAfterFirstText(conversation.send("one two three four"));
		const [turn] = conversation.turns;
		expect(turn).toMatchObject({ interrupted: true, finish: null });
		expect("one two three four".startsWith(turn?.assistant.content as string)).toBe(true);
		expect(turn?.assistant.content).not.toBe("");
		await conversation.say("go on");
		expect(simulator.requests.at(-1)?.body.messages).toEqual([
			{ role: "user", content: "one two three four" },
			{ role: "assistant", content: turn?.assistant.content },
			{ role: "user", content: "go on" },
		]);
	});

	it("keeps what came of an answer that was aborted or cut", async () => {
		const { llm } = await setup();
		const conversation = new Conversation(llm());
		const controller = new AbortController();
		const aborted = (async () => {
			for await (const part of conversation.send("one two three", { signal: controller.signal })) {
				if (part.type === "text-delta") controller.abort();
			}
		})();
		expect(await failureOf(aborted)).toMatchObject({ name: "AbortedError" });
		expect(await failureOf(conversation.say("one two three [[fault:cut-stream]]"))).toMatchObject({
			errorClass: "incomplete",
		});
		expect(conversation.turns.map(({ interrupted }) => interrupted)).toEqual([true, true]);
		expect(conversation.turns.every(({ assistant }) => assistant.content !== "")).toBe(true);
	});

	it("adds no turn for a failure before any text", async () => {
		const { llm, simulator } = await setup();
		const conversation = new Conversation(llm());
		expect(await failureOf(conversation.say("[[fault:400]]"))).toMatchObject({ status: 400 });
		expect(conversation.turns).toEqual([]);
		await conversation.say("hello");
		expect(simulator.requests.at(-1)?.body.messages).toEqual([{ role: "user", content: "hello" }]);
	});

	it("sends no empty assistant message for an answer that was stopped before its first word", async () => {
		const { llm, simulator } = await setup();
		const stopped = {
			user: { role: "user", content: "one" },
			assistant: { role: "assistant", content: "" },
			interrupted: true,
			finish: null,
		} as const;
		const conversation = new Conversation(llm(), { turns: [stopped] });
		await conversation.say("two");
		expect(simulator.requests[0]?.body.messages).toEqual([
			{ role: "user", content: "one" },
			{ role: "user", content: "two" },
		]);
	});

	it("goes on with another model, and can take back, replace and forget turns", async () => {
		const { llm, simulator } = await setup();
		const conversation = new Conversation(llm());
		await conversation.say("one");
		await conversation.say("two");
		expect(conversation.undo()?.user.content).toBe("two");
		conversation.llm = llm("anthropic/echo");
		await conversation.say("three");
		expect(simulator.requests.at(-1)).toMatchObject({ wire: "anthropic" });
		expect(conversation.messages).toHaveLength(4);
		const [first] = conversation.turns;
		if (first) conversation.replaceLast({ ...first, interrupted: true });
		expect(conversation.turns.map(({ interrupted }) => interrupted)).toEqual([false, true]);
		conversation.clear();
		expect(conversation.messages).toEqual([]);
	});
});
