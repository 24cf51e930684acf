import { expect, it } from "vitest";
import { VirtualClock } from "../../src/schedule/virtual-clock.ts";

it("runs timers in the order of their time, and of their making at equal times", async () => {
	const clock = new VirtualClock();
	const fired: [string, number][] = [];
	const note = (name: string) => () => fired.push([name, clock.now()]);
	const chain = async () => {
		await clock.sleep(100);
		note("b")();
		await clock.sleep(50);
		note("d")();
		await clock.sleep(1e9);
	};
	clock.after(120, note("c"));
	clock.after(100, note("a"));
	await clock.run(chain());
	expect(fired).toEqual([
		["a", 100],
		["b", 100],
		["c", 120],
		["d", 150],
	]);
	expect(clock.now()).toBe(150 + 1e9);
});

it("rejects a sleep whose signal fires, and does not pass the time it would have slept", async () => {
	const clock = new VirtualClock();
	const controller = new AbortController();
	clock.after(10, () => controller.abort());
	const sleeping = async () => {
		await expect(clock.sleep(5000, controller.signal)).rejects.toMatchObject({ name: "AbortedError" });
		await expect(clock.sleep(5000, controller.signal)).rejects.toMatchObject({ name: "AbortedError" });
		await clock.sleep(1);
	};
	await clock.run(sleeping());
	expect(clock.now()).toBe(11);
});

it("stands still while real work is held", async () => {
	const clock = new VirtualClock();
	let fired = false;
	clock.after(10, () => {
		fired = true;
	});
	const work = clock.hold(
		new Promise<boolean>((resolve) => {
			let turns = 0;
			const turn = () => (++turns === 20 ? resolve(fired) : setImmediate(turn));
			turn();
		}),
	);
	expect(await clock.run(work)).toBe(false);
});

it("gives back what the work gives, also when it fails", async () => {
	const clock = new VirtualClock();
	expect(await clock.run(clock.sleep(5).then(() => "done"))).toBe("done");
	await expect(clock.run(Promise.reject(new Error("no")))).rejects.toThrow("no");
});
