import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { onAbort } from "../../src/http/abort-listener.ts";

describe("those who wait for a signal", () => {
	it("share one listener, are called once in the order in which they came, and not when they have left", () => {
		const { signal, abort } = controllerOf();
		const called: number[] = [];
		const leave = Array.from({ length: 100 }, (_, index) => onAbort(signal, () => called.push(index)));
		expect(getEventListeners(signal, "abort")).toHaveLength(1);
		for (let index = 0; index < 100; index += 2) leave[index]?.();
		leave[0]?.();
		abort();
		abort();
		expect(called).toEqual(Array.from({ length: 50 }, (_, index) => index * 2 + 1));
	});

	it("may leave, and make others leave, while they are called", () => {
		const { signal, abort } = controllerOf();
		const called: string[] = [];
		const leaveFirst = onAbort(signal, () => {
			called.push("first");
			leaveFirst();
			leaveSecond();
		});
		const leaveSecond = onAbort(signal, () => called.push("second"));
		onAbort(signal, () => called.push("third"));
		abort();
		expect(called).toEqual(["first", "third"]);
	});

	it("leave nothing behind on a signal that never fires", () => {
		const { signal } = controllerOf();
		for (let round = 0; round < 1_000; round++) onAbort(signal, () => {})();
		expect(getEventListeners(signal, "abort")).toHaveLength(0);
	});
});

function controllerOf(): { signal: AbortSignal; abort: () => void } {
	const controller = new AbortController();
	return { signal: controller.signal, abort: () => controller.abort() };
}
