import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type OpenExchange, OpenExchanges } from "../../src/http/open-exchanges.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function exchange(given: Partial<OpenExchange> = {}): OpenExchange {
	const nothing = { check: vi.fn(), stopByCaller: vi.fn(), close: vi.fn() };
	return {
		id: "",
		place: -1,
		callerSignal: undefined,
		dueAt: Number.POSITIVE_INFINITY,
		...nothing,
		...given,
	};
}

describe("open exchanges", () => {
	it("are found by their ids for as long as they are open, in whatever order they end", () => {
		const open = new OpenExchanges();
		const all = Array.from({ length: 100 }, (_, index) => exchange({ id: String(index) }));
		for (const one of all) open.add(one);
		const ended = new Set(all.filter((_, index) => index % 3 !== 0));
		for (const one of ended) open.delete(one);
		for (const one of ended) open.delete(one);
		for (const one of all) expect(open.find(one.id)).toBe(ended.has(one) ? undefined : one);
		open.close();
		for (const one of all) expect(one.close).toHaveBeenCalledTimes(ended.has(one) ? 0 : 1);
	});

	it("share one listener for a signal, and leave none behind", () => {
		const open = new OpenExchanges();
		const controller = new AbortController();
		const { signal } = controller;
		const all = Array.from({ length: 10 }, () => exchange({ callerSignal: signal }));
		for (const one of all) open.add(one);
		expect(getEventListeners(signal, "abort")).toHaveLength(1);
		for (const one of all) open.delete(one);
		expect(getEventListeners(signal, "abort")).toHaveLength(0);
	});

	it("of a signal are stopped when it fires, unless one of them has made another leave", () => {
		const open = new OpenExchanges();
		const controller = new AbortController();
		const callerSignal = controller.signal;
		const other = exchange({ callerSignal: new AbortController().signal });
		const second = exchange({ callerSignal });
		const first = exchange({ callerSignal, stopByCaller: vi.fn(() => open.delete(second)) });
		const third = exchange({ callerSignal });
		for (const one of [other, first, second, third]) open.add(one);
		controller.abort();
		controller.abort();
		expect(first.stopByCaller).toHaveBeenCalledTimes(1);
		expect(second.stopByCaller).not.toHaveBeenCalled();
		expect(third.stopByCaller).toHaveBeenCalledTimes(1);
		expect(other.stopByCaller).not.toHaveBeenCalled();
	});

	it("are looked at when they are due, with one timer for all", () => {
		const open = new OpenExchanges();
		const now = performance.now();
		const all = [500, 100, 300].map((ms) => exchange({ dueAt: now + ms }));
		for (const one of all) {
			open.add(one);
			open.ringAt(one.dueAt);
		}
		for (const one of all) vi.mocked(one.check).mockImplementation(() => open.delete(one));
		expect(vi.getTimerCount()).toBe(1);
		vi.advanceTimersByTime(99);
		for (const one of all) expect(one.check).not.toHaveBeenCalled();
		vi.advanceTimersByTime(250);
		expect(all.map(({ check }) => vi.mocked(check).mock.calls.length)).toEqual([0, 1, 1]);
		vi.advanceTimersByTime(200);
		expect(all[0]?.check).toHaveBeenCalledTimes(1);
		expect(vi.getTimerCount()).toBe(0);
	});
});
