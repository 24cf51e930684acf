import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AbortedError } from "../../src/errors.ts";
import { type ReleaseSlot, Slots, type SlotsOptions } from "../../src/slots/slots.ts";
import { processTable } from "../../src/state/process-identity.ts";

const linux = process.platform === "linux";
const platforms: readonly NodeJS.Platform[] = linux ? ["linux", "darwin"] : [process.platform];

describe.each(platforms)("slots as on %s", (platform) => {
	let folder: string;
	let options: SlotsOptions;
	const opened: Slots[] = [];
	const children: ChildProcess[] = [];

	beforeEach(() => {
		folder = mkdtempSync(join(tmpdir(), "llmx-slots-"));
		options = { count: 2, folder, platform, user: `test-${randomUUID()}` };
	});
	afterEach(async () => {
		for (const child of children.splice(0)) child.kill("SIGKILL");
		await Promise.all(opened.splice(0).map((slots) => slots.close()));
		rmSync(folder, { recursive: true, force: true });
	});

	function open(overrides: Partial<SlotsOptions> = {}): Slots {
		const slots = new Slots({ ...options, ...overrides });
		opened.push(slots);
		return slots;
	}

	/** Another process; `lines` are what it reports, in order. */
	function start(count: number, times: number, holdMs = 0) {
		const script = join(import.meta.dirname, "slot-user.ts");
		const settings = JSON.stringify({ ...options, count });
		const child = spawn(process.execPath, [script, settings, String(times), String(holdMs)], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		children.push(child);
		const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
		return {
			child,
			lines,
			next: async () => (await lines.next()).value as string | undefined,
			ended: new Promise<number | null>((resolve) => child.once("exit", resolve)),
		};
	}

	test("are given up to the count, then as they are released, in order", async () => {
		const slots = open();
		const first = await slots.acquire();
		const second = await slots.acquire();
		const order: number[] = [];
		const waiting = [1, 2, 3].map(async (number) => {
			const release = await slots.acquire();
			order.push(number);
			release();
		});
		await new Promise((resolve) => setTimeout(resolve, 30));
		expect(order).toEqual([]);
		first();
		first();
		await Promise.all(waiting);
		expect(order).toEqual([1, 2, 3]);
		second();
	});

	test("are never more than the count under load", async () => {
		const slots = open({ count: 3 });
		let now = 0;
		let most = 0;
		await Promise.all(
			Array.from({ length: 100 }, async () => {
				const release = await slots.acquire();
				most = Math.max(most, ++now);
				await new Promise(setImmediate);
				now--;
				release();
			}),
		);
		expect(most).toBeGreaterThan(0);
		expect(most).toBeLessThanOrEqual(3);
	});

	test("are shared with another process", async () => {
		const other = start(2, 0);
		expect(await other.next()).toBe("got");
		const slots = open();
		const release = await slots.acquire();
		let second: ReleaseSlot | undefined;
		const waiting = slots.acquire().then((got) => {
			second = got;
		});
		await new Promise((resolve) => setTimeout(resolve, 60));
		expect(second).toBeUndefined();
		release();
		await waiting;
		second?.();
	});

	test("of a process that was killed are free at once", async () => {
		const other = start(1, 0);
		expect(await other.next()).toBe("got");
		const slots = open({ count: 1 });
		let got = false;
		const waiting = slots.acquire().then((release) => {
			got = true;
			release();
		});
		await new Promise((resolve) => setTimeout(resolve, 60));
		expect(got).toBe(false);
		other.child.kill("SIGKILL");
		await waiting;
	});

	test("go back and forth between processes that both have many waiting", async () => {
		const slots = open({ count: 1 });
		const other = start(1, 2_000, 50);
		expect(await other.next()).toBe("got");
		const order = ["theirs"];
		const turns = () => order.filter((who, index) => index > 0 && who !== order[index - 1]).length;
		// To hand a file over takes long, so there a process gives way after half a second only.
		const enough = platform === "linux" ? 8 : 2;
		const theirs = async () => {
			for (let line = await other.next(); line !== undefined; line = await other.next())
				if (line === "got") order.push("theirs");
		};
		const mine = async () => {
			while (turns() < enough) {
				const release = await slots.acquire();
				order.push("mine");
				await new Promise((resolve) => setTimeout(resolve, 50));
				release();
			}
			other.child.kill("SIGKILL");
		};
		// Neither comes to the end of what it wants before the other has had its turns.
		await Promise.all([theirs(), ...Array.from({ length: 8 }, mine)]);
	});

	test("kept for the next request are given up to another process", async () => {
		const slots = open({ count: 1 });
		(await slots.acquire())();
		const other = start(1, 1);
		expect(await other.next()).toBe("got");
		expect(await other.ended).toBe(0);
		(await slots.acquire())();
	});

	if (platform === "linux")
		test("kept for the next request are given up when somebody asks", async () => {
			const slots = open({ count: 1 });
			// Without timers only the asking can end the keeping.
			vi.useFakeTimers({ toFake: ["setTimeout"] });
			try {
				(await slots.acquire())();
				(await open({ count: 1 }).acquire())();
			} finally {
				vi.useRealTimers();
			}
		});

	test("are no longer waited for after an abort", async () => {
		const slots = open({ count: 1 });
		const release = await slots.acquire();
		const controller = new AbortController();
		const waiting = slots.acquire(controller.signal);
		const next = slots.acquire();
		controller.abort();
		await expect(waiting).rejects.toThrow(AbortedError);
		release();
		(await next)();
		await expect(slots.acquire(AbortSignal.abort())).rejects.toThrow(AbortedError);
	});

	test("once closed end the waiting and leave nothing behind", async () => {
		const slots = open({ count: 1 });
		const release = await slots.acquire();
		const waiting = slots.acquire();
		const closed = slots.close();
		await expect(waiting).rejects.toThrow("closed");
		await expect(slots.acquire()).rejects.toThrow("closed");
		release();
		await closed;
		const others = open({ count: 1 });
		(await others.acquire())();
		await others.close();
		expect(readdirSync(folder)).toEqual([]);
	});

	if (platform !== "linux")
		test("left to a process that waits stay left, however slow it is to take them", async () => {
			const slots = open({ count: 1 });
			const release = await slots.acquire();
			// Another process would touch it for as long as it waits.
			const another = join(folder, "waiting-1-another");
			const timer = setInterval(() => writeFileSync(another, ""), 100);
			await new Promise((resolve) => setTimeout(resolve, 600));
			let got = false;
			const mine = slots.acquire().then((again) => {
				got = true;
				again();
			});
			release();
			await new Promise((resolve) => setTimeout(resolve, 400));
			expect(got).toBe(false);
			clearInterval(timer);
			rmSync(another);
			await mine;
		});

	if (platform !== "linux" && process.platform !== "win32")
		test("held by a process of the same number that began at another time are free", async () => {
			const { host, boot, space } = processTable(platform);
			const found = { id: "0a", host, boot, space, pid: process.ppid, started: "long ago" };
			for (const name of ["slot-0", "slot-1"]) writeFileSync(join(folder, name), JSON.stringify(found));
			const slots = open();
			const releases = await Promise.all([slots.acquire(), slots.acquire()]);
			for (const release of releases) release();
		});
});
