import { describe, expect, test } from "vitest";
import { type ApiKey, Keys } from "../../src/schedule/keys.ts";
import { ManualClock } from "./manual-clock.ts";

function pool(keys: string[], clock = new ManualClock()): { pool: Keys; clock: ManualClock } {
	return { pool: new Keys("sambanova", keys, () => clock.now()), clock };
}

function take(from: Keys): ApiKey {
	const key = from.acquire();
	if (key === undefined) throw new Error("no key");
	return key;
}

describe("a pool of keys", () => {
	test("hands out the same key until it must rest, then the next, and the first again", () => {
		const { pool: keys, clock } = pool(["a", "b", "c"]);
		expect(take(keys).value).toBe("a");
		expect(take(keys).value).toBe("a");
		keys.rest(take(keys), 1_000);
		expect(take(keys).value).toBe("b");
		keys.rest(take(keys), 5_000);
		keys.rest(take(keys), 5_000);
		expect(keys.acquire()).toBeUndefined();
		expect(keys.readyInMs()).toBe(1_000);
		clock.advance(1_000);
		expect(take(keys).value).toBe("a");
	});

	test("has one undefined key for a provider that needs none", () => {
		const { pool: keys } = pool([]);
		expect(take(keys)).toEqual({ value: undefined });
		expect(keys.size).toBe(1);
	});

	test("counts a key given twice once", () => {
		expect(pool(["a", "a", "b"]).pool.size).toBe(2);
	});

	test("moves on for every request in flight but never past a good key", () => {
		const { pool: keys } = pool(["a", "b"]);
		const [first, second] = [take(keys), take(keys)];
		keys.rest(first, 1_000);
		keys.rest(second, 1_000);
		expect(take(keys).value).toBe("b");
	});

	test("never shortens a rest", () => {
		const { pool: keys } = pool(["a"]);
		const key = take(keys);
		keys.rest(key, 5_000);
		keys.rest(key, 10);
		expect(keys.readyInMs()).toBe(5_000);
		expect(keys.exhaustion()).toBeUndefined();
	});

	test("keeps the first verdict on a key that several requests in flight come back from", () => {
		const { pool: keys } = pool(["a", "b"]);
		const [first, second] = [take(keys), take(keys)];
		keys.retire(first);
		keys.drop(second);
		keys.drop(take(keys));
		// One key is spent and so a good one: paying helps.
		expect(keys.exhaustion()).toMatchObject({ reason: "spent", exitCode: 7 });
	});

	test("with every key refused ends with exit 4", () => {
		const { pool: keys } = pool(["a", "b"]);
		keys.drop(take(keys));
		expect(keys.exhaustion()).toBeUndefined();
		keys.drop(take(keys));
		expect(keys.acquire()).toBeUndefined();
		expect(keys.readyInMs()).toBeUndefined();
		expect(keys.exhaustion()).toMatchObject({ reason: "refused", exitCode: 4 });
	});

	test("with a spent key ends with exit 7", () => {
		const { pool: keys } = pool(["a", "b"]);
		keys.drop(take(keys));
		keys.retire(take(keys));
		expect(keys.exhaustion()).toMatchObject({ reason: "spent", exitCode: 7 });
	});

	test("with a key parked over 300 s ends with exit 5 and says when it comes back", () => {
		const { pool: keys, clock } = pool(["a", "b"]);
		keys.retire(take(keys));
		keys.rest(take(keys), 1_800_000);
		const error = keys.exhaustion();
		expect(error).toMatchObject({ reason: "parked", exitCode: 5, readyInMs: 1_800_000 });
		expect(error?.message).toContain("30 minutes");
		clock.advance(1_800_000);
		expect(take(keys).value).toBe("b");
	});

	test("says nothing of a key in its errors", () => {
		const { pool: keys } = pool(["sk-verysecretkey1234"]);
		const key = take(keys);
		keys.drop(key);
		expect(JSON.stringify(keys.exhaustion()) + String(keys.exhaustion()?.message)).not.toContain("secret");
	});

	test("takes back only its own keys", () => {
		expect(() => pool(["a"]).pool.drop({ value: "a" })).toThrow(TypeError);
	});
});
