import { expect, it } from "vitest";
import { SlotSupply } from "../../src/slots/slot-supply.ts";

it("asks for one slot at a time, and gives one back that nobody took when it came", async () => {
	let asked = 0;
	let given = 0;
	const supply = new SlotSupply(
		async () => {
			asked++;
			return () => given++;
		},
		() => {},
		() => {},
	);
	expect(supply.request()).toBe(false);
	expect(supply.request()).toBe(false);
	await Promise.resolve();
	await Promise.resolve();
	expect({ asked, given }).toEqual({ asked: 1, given: 1 });
	expect(supply.take()).toBeUndefined();
});

it("lets the slot be taken when it comes", async () => {
	let given = 0;
	const taken: unknown[] = [];
	const supply = new SlotSupply(
		async () => () => given++,
		() => {
			expect(supply.request()).toBe(true);
			taken.push(supply.take());
		},
		() => {},
	);
	supply.request();
	await Promise.resolve();
	await Promise.resolve();
	expect(taken).toHaveLength(1);
	expect(given).toBe(0);
});

it("says why no slot can be had", async () => {
	const errors: unknown[] = [];
	const supply = new SlotSupply(
		() => Promise.reject(new Error("closed")),
		() => {},
		(error) => errors.push(error),
	);
	supply.request();
	await new Promise((resolve) => setImmediate(resolve));
	expect(errors).toEqual([new Error("closed")]);
});
