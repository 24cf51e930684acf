import fc from "fast-check";
import { render } from "ink-testing-library";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createColors } from "../../src/terminal/colors.ts";
import { textWidth } from "../../src/terminal/width.ts";
import { ChatApp } from "../../src/ui/chat-app.tsx";
import { frameLines, layOutFrame } from "../../src/ui/frame.ts";
import type { PickState } from "../../src/ui/pick-list.ts";
import { initialState, type ScreenState, ScreenStore, type StatusFacts } from "../../src/ui/state.ts";

const plain = createColors(false);
const status: StatusFacts = {
	model: "sambanova/Meta-Llama-3.3-70B-Instruct",
	title: "tuesday-notes",
	contextTokens: 3100,
	contextWindow: 128_000,
	sessionCost: { usd: 0.0031, unknownCalls: 0 },
	hasSpent: true,
	turnCost: { usd: 0.00024, unknownCalls: 0 },
	isCached: false,
	settings: [],
};

const models: PickState = {
	title: "model",
	query: "",
	selected: 1,
	canWalk: false,
	items: [
		{ label: "gpt-4.1-mini", facts: ["$0.40/$1.60", "1 M", ""], detail: "this conversation: 14k tokens" },
		{ label: "anthropic/claude-haiku-4-5", facts: ["$1/$5", "200k", ""], detail: "about $0.014 per turn" },
		...Array.from({ length: 20 }, (_, index) => ({
			label: `together_ai/meta-llama/Llama-${index}-70B-Instruct`,
			facts: ["$0.88/$0.88", "131k", "no key"],
			isDim: true,
		})),
	],
};

function stateOf(change: Partial<ScreenState>, columns = 80, rows = 24): ScreenState {
	return { ...initialState(columns, rows), status, ...change };
}

function typed(text: string, cursor = text.length): Pick<ScreenState, "input"> {
	return { input: { text, cursor, label: () => undefined, placeholder: "" } };
}

// Ink asks programs for the size of a terminal that does not say it.
beforeAll(() => {
	vi.stubEnv("COLUMNS", "80");
	vi.stubEnv("LINES", "24");
});
afterAll(() => {
	vi.unstubAllEnvs();
});

/** What Ink draws of a state. */
function draw(state: ScreenState): string {
	const { lastFrame, unmount } = render(<ChatApp store={new ScreenStore(state)} colors={plain} />);
	const frame = lastFrame() ?? "";
	unmount();
	return frame;
}

describe("frames", () => {
	it.each<[string, ScreenState]>([
		["an empty prompt", stateOf({})],
		["a prompt on a narrow terminal", stateOf({}, 40, 12)],
		["a prompt on a wide terminal", stateOf({}, 100, 60)],
		["a very small terminal", stateOf(typed("some text that is too long for it"), 20, 5)],
		["several lines", stateOf(typed("one\ntwo 世界\n\nfour"))],
		[
			"an answer that streams",
			stateOf({ tail: "A first line\nand the next", activity: { what: "answering", since: 0 }, now: 2500 }),
		],
		[
			"a wait before a retry",
			stateOf({
				retry: { reason: "Example answered 429 (rate limit)", until: 12_000 },
				activity: { what: "waiting for the answer", since: 0 },
				now: 500,
			}),
		],
		[
			"a menu",
			stateOf({
				...typed("/s"),
				menu: {
					candidates: [
						{ text: "/system ", note: "[text]: show or set the system prompt" },
						{ text: "/set ", note: "key value" },
					],
					selected: 1,
				},
			}),
		],
		["a search", stateOf({ ...typed("why is the sky blue?"), search: "sky" })],
		["attachments", stateOf({ ...typed("what is this?"), attachments: ["cat.png 12 KB", "notes.txt 4 B"] })],
		["a hint", stateOf({ hint: "press Ctrl-C again to leave, or Ctrl-D" })],
		[
			"a choice",
			stateOf({
				input: { text: "", cursor: 0, label: () => undefined, placeholder: "1 or 2 keeps that answer" },
			}),
		],
		[
			"a cached answer of unknown price before it",
			stateOf(
				{
					status: {
						...status,
						isCached: true,
						turnCost: { usd: 0, unknownCalls: 0 },
						sessionCost: { usd: 0.42, unknownCalls: 3 },
						settings: ["system", "effort high", "cache refresh"],
					},
				},
				100,
			),
		],
		[
			"a nearly full window on a narrow terminal",
			stateOf({ status: { ...status, contextTokens: 115_000 } }, 40),
		],
		[
			"what a large question takes",
			stateOf({
				...typed("summarise"),
				attachments: ["long.txt 25k tok"],
				next: { tokens: 25_000, inputUsd: 0.75, contextWindow: 8_192 },
			}),
		],
		[
			"queued messages",
			stateOf({
				activity: { what: "answering", since: 0, tokens: 840 },
				queued: ["and in French?", "and in German?"],
				now: 12_000,
			}),
		],
		["a list of models", stateOf({ list: models })],
		["a list on a narrow terminal", stateOf({ list: { ...models, query: "haik" } }, 40, 12)],
		["an empty list", stateOf({ list: { ...models, query: "zz", items: [] } })],
	])("%s", (_, state) => {
		expect(draw(state)).toMatchSnapshot();
	});

	it("show nothing while the screen is paused, and all of it afterwards", async () => {
		const store = new ScreenStore(stateOf({}));
		const printed: string[] = [];
		const onFrame = () => void printed.push(...store.takePrinted());
		const { frames, lastFrame, unmount } = render(<ChatApp store={store} colors={plain} onFrame={onFrame} />);
		await new Promise((resolve) => setImmediate(resolve));
		const { length } = frames;
		store.pause();
		store.print("first\nline");
		store.print("second");
		store.update(typed("typed"));
		await new Promise((resolve) => setImmediate(resolve));
		expect(frames).toHaveLength(length);
		expect(printed).toEqual([]);
		store.resume();
		await expect.poll(lastFrame).toContain("│ › typed");
		expect(printed).toEqual(["first", "line", "second"]);
		unmount();
	});
});

describe("the live region", () => {
	const words = fc.array(fc.constantFrom("word", "世界", "👩‍🚀", "a\nb", "\t", "long".repeat(20)), {
		maxLength: 40,
	});

	it("is always shorter than the terminal, no wider, and has the cursor inside", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 10, max: 120 }),
				fc.integer({ min: 3, max: 50 }),
				words,
				words,
				fc.nat(),
				(columns, rows, tail, text, at) => {
					const input = text.join(" ");
					const state = stateOf(
						{
							...typed(input, Math.min(at, input.length)),
							tail: tail.join(" "),
							activity: { what: "answering", since: 0 },
						},
						columns,
						rows,
					);
					const frame = layOutFrame(state, createColors(true));
					const lines = frameLines(frame);
					expect(lines.length).toBeLessThan(rows);
					for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(columns);
					expect(frame.cursor.y).toBeLessThan(lines.length);
					expect(frame.cursor.x).toBeLessThan(columns);
				},
			),
		);
	});
});
