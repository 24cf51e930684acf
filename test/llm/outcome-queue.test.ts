import { describe, expect, it } from "vitest";
import { OutcomeQueue } from "../../src/ask/outcome-queue.ts";

async function drain(queue: OutcomeQueue<number>): Promise<number[]> {
	const taken: number[] = [];
	for await (const batch of queue.batches()) taken.push(...batch);
	return taken;
}

describe("an outcome queue", () => {
	it("hands on what comes, in order, until its end", async () => {
		const queue = new OutcomeQueue<number>(() => {});
		queue.push(1);
		const draining = drain(queue);
		queue.push(2);
		await new Promise(setImmediate);
		queue.push(3);
		queue.end();
		expect(await draining).toEqual([1, 2, 3]);
	});

	it("hands on what waits before it throws what it ended with", async () => {
		const queue = new OutcomeQueue<number>(() => {});
		queue.push(1);
		queue.end(new Error("no more"));
		const batches = queue.batches();
		expect((await batches.next()).value).toEqual([1]);
		await expect(batches.next()).rejects.toThrow("no more");
	});

	it("lets those who bring more wait while it is full, and nobody once its consumer has left", async () => {
		let calls = 0;
		const queue = new OutcomeQueue<number>(() => calls++);
		for (let outcome = 0; !queue.isFull; outcome++) queue.push(outcome);
		let room = false;
		const waiting = queue.room().then(() => {
			room = true;
		});
		await new Promise(setImmediate);
		expect(room).toBe(false);
		await queue.batches().next();
		await waiting;
		expect(calls).toBe(1);
		expect(queue.isFull).toBe(false);
		for (let outcome = 0; !queue.isFull; outcome++) queue.push(outcome);
		queue.leave();
		expect(queue.isFull).toBe(false);
		await queue.room();
	});
});
