import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Hints } from "../../src/ui/hints.ts";
import { initialState, ScreenStore } from "../../src/ui/state.ts";

let store: ScreenStore;
let hints: Hints;
const shown = () => store.snapshot().hint;

beforeEach(() => {
	vi.useFakeTimers();
	store = new ScreenStore(initialState(80, 24));
	hints = new Hints(store);
});
afterEach(() => vi.useRealTimers());

it("says something for a while", () => {
	hints.say("one");
	vi.advanceTimersByTime(2_000);
	hints.say("two");
	vi.advanceTimersByTime(2_000);
	expect(shown()).toBe("two");
	vi.advanceTimersByTime(2_000);
	expect(shown()).toBeUndefined();
});

it("says that an answer is being stopped only where that takes a while, and until it is", () => {
	hints.sayStopping(() => false);
	vi.advanceTimersByTime(1_000);
	expect(shown()).toBeUndefined();
	hints.sayStopping(() => true);
	vi.advanceTimersByTime(150);
	expect(shown()).toBe("stopping …");
	hints.endStopping();
	expect(shown()).toBeUndefined();
	hints.say("another word");
	hints.endStopping();
	expect(shown()).toBe("another word");
});
