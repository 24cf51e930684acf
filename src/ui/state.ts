/** What the screen shows, as a value; and where it is kept. */

import type { RetryWait } from "../chat/answering.ts";
import type { Candidate } from "../chat/input/completion.ts";
import type { Label } from "../chat/input/input-layout.ts";
import type { Cost } from "../types.ts";

/** A piece of the transcript, printed once and never again. Lines of ANSI text without a newline at the end. */
export interface Item {
	readonly id: number;
	readonly text: string;
}

export interface StatusFacts {
	readonly model: string;
	readonly session: string;
	readonly contextTokens: number;
	readonly contextWindow: number | null;
	readonly sessionCost: Cost;
	/** Tokens in and out of this session. */
	readonly sessionTokens: number;
	/** USD of the last answer; null is unknown, undefined when there was none yet. */
	readonly turnCostUsd: number | null | undefined;
	readonly turnTokens: number | undefined;
	readonly turnCached: boolean;
	readonly cacheMode: string;
}

export interface InputState {
	readonly text: string;
	readonly cursor: number;
	readonly label: Label;
	/** Shown in an empty box. */
	readonly placeholder: string;
}

export interface MenuState {
	readonly candidates: readonly Candidate[];
	/** -1 while none is chosen. */
	readonly selected: number;
}

export interface ScreenState {
	readonly columns: number;
	readonly rows: number;
	readonly items: readonly Item[];
	/** The end of the answer that may still change, rendered. */
	readonly tail: string;
	/** Something is under way: what, and since when (wall clock in ms). */
	readonly activity: { readonly what: string; readonly since: number } | undefined;
	readonly retry: RetryWait | undefined;
	readonly input: InputState;
	/** The query of a search of older input. */
	readonly search: string | undefined;
	readonly menu: MenuState | undefined;
	/** Names of what goes out with the next question. */
	readonly attachments: readonly string[];
	/** A short-lived word to the user, in place of the status. */
	readonly hint: string | undefined;
	readonly status: StatusFacts | undefined;
	/** Wall clock in ms, as of the last tick; what is shown depends on nothing else. */
	readonly now: number;
}

/** An empty screen of the given size. */
export function initialState(columns: number, rows: number): ScreenState {
	return {
		columns,
		rows,
		items: [],
		tail: "",
		activity: undefined,
		retry: undefined,
		input: { text: "", cursor: 0, label: () => undefined, placeholder: "" },
		search: undefined,
		menu: undefined,
		attachments: [],
		hint: undefined,
		status: undefined,
		now: 0,
	};
}

const printed: Item = { id: -1, text: "" };

/** Holds the state, in the shape of React's external stores. */
export class ScreenStore {
	#state: ScreenState;
	#printed = 0;
	#isPaused = false;
	readonly #listeners = new Set<() => void>();

	constructor(initial: ScreenState) {
		this.#state = initial;
	}

	readonly snapshot = (): ScreenState => this.#state;

	readonly subscribe = (listener: () => void): (() => void) => {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	};

	update(change: Partial<ScreenState>): void {
		this.#state = { ...this.#state, ...change };
		this.#notify();
	}

	/** Adds lines to the transcript, together with any other change. */
	print(text: string, change: Partial<ScreenState> = {}): void {
		const { items } = this.#state;
		this.update({ ...change, items: [...items, { id: items.length, text }] });
	}

	/** The first `count` items are on the terminal; keeping them here too would make a long day large. */
	markPrinted(count: number): void {
		const items = this.#state.items as Item[];
		for (; this.#printed < count; this.#printed += 1) items[this.#printed] = printed;
	}

	/** Changes are collected and not shown until `resume`: nothing may be drawn now. */
	pause(): void {
		this.#isPaused = true;
	}

	resume(): void {
		this.#isPaused = false;
		this.#notify();
	}

	#notify(): void {
		if (this.#isPaused) return;
		for (const listener of this.#listeners) listener();
	}
}
