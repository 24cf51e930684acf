/** What the screen shows, as a value; and where it is kept. */

import type { RetryWait } from "../chat/answering.ts";
import type { Candidate } from "../chat/input/candidate.ts";
import type { Label } from "../chat/input/input-layout.ts";
import type { Cost } from "../types.ts";
import type { PickState } from "./pick-list.ts";

export interface StatusFacts {
	readonly model: string;
	/** The session's name, or its first question. */
	readonly title: string;
	readonly contextTokens: number;
	readonly contextWindow: number | null;
	readonly sessionCost: Cost;
	/** Something was asked in this session. */
	readonly hasSpent: boolean;
	/** Of the last question; undefined when there was none yet. */
	readonly turnCost: Cost | undefined;
	/** The last answer came from the cache. */
	readonly isCached: boolean;
	/** What is not as usual: a system prompt, an effort, another answer. */
	readonly settings: readonly string[];
}

/** What the question in the box takes. */
export interface NextQuestion {
	readonly tokens: number;
	/** USD; null when unknown. */
	readonly inputUsd: number | null;
	/** Tokens; null when unknown. */
	readonly contextWindow: number | null;
}

/** Something that is under way. */
export interface Activity {
	readonly what: string;
	/** Wall clock in ms. */
	readonly since: number;
	/** Tokens that came, estimated. */
	readonly tokens?: number | undefined;
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
	/** The end of the answer that may still change, rendered. */
	readonly tail: string;
	readonly activity: Activity | undefined;
	/** Messages that wait until the answer has ended. */
	readonly queued: readonly string[];
	readonly retry: RetryWait | undefined;
	readonly input: InputState;
	/** The query of a search of older input. */
	readonly search: string | undefined;
	readonly menu: MenuState | undefined;
	/** A list that has the keys. */
	readonly list: PickState | undefined;
	/** What the question in the box takes, when that is worth a look. */
	readonly next: NextQuestion | undefined;
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
		tail: "",
		activity: undefined,
		queued: [],
		retry: undefined,
		input: { text: "", cursor: 0, label: () => undefined, placeholder: "" },
		search: undefined,
		menu: undefined,
		list: undefined,
		next: undefined,
		attachments: [],
		hint: undefined,
		status: undefined,
		now: 0,
	};
}

/** Holds the state, in the shape of React's external stores. */
export class ScreenStore {
	#state: ScreenState;
	/** Lines for ever that are not on the terminal yet. */
	#toPrint: string[] = [];
	#isPaused = false;
	/** Hears that the screen is about to be drawn, and may pause it. */
	onDraw: () => void = () => {};
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

	/** Adds lines to the transcript, together with any other change. `text` is ANSI text without a newline at its end. */
	print(text: string, change: Partial<ScreenState> = {}): void {
		for (const line of text.split("\n")) this.#toPrint.push(line);
		this.update(change);
	}

	/** There are lines that `takePrinted` returns. */
	get hasToPrint(): boolean {
		return this.#toPrint.length > 0;
	}

	/** The lines that were added since this was called last, to be written above the live region. */
	takePrinted(): readonly string[] {
		const lines = this.#toPrint;
		this.#toPrint = [];
		return lines;
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
		if (!this.#isPaused) this.onDraw();
		if (this.#isPaused) return;
		for (const listener of this.#listeners) listener();
	}
}
