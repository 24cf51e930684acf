/** Turns what happens in a chat into printed lines and a live tail. */

import { markOf } from "../chat/marks.ts";
import type { Picker } from "../chat/picker.ts";
import type { AnswerEnd, ChatView, ComparedAnswer, FailureNotice, ShownTurn } from "../chat/view.ts";
import type { Colors } from "../terminal/colors.ts";
import { formatDuration, formatPlural, usageLine } from "../terminal/formats.ts";
import type { MarkdownStream } from "../terminal/markdown/markdown.ts";
import { createSanitizer, type Sanitizer, sanitize, sanitizeLine } from "../terminal/sanitize.ts";
import { DrawTimer } from "./draw-timer.ts";
import { renderQuestion, wrapNotice } from "./notices.ts";
import { PreviewPace } from "./preview-pace.ts";
import { ReasoningStream } from "./reasoning.ts";
import type { ScreenStore } from "./state.ts";
import { renderComparison, renderMark, renderTurn } from "./turns.ts";

/** Rendering gives way to keys after this long, in ms… */
const renderBudget = 12;
/** …and looks at the clock after so many characters. */
const sliceLength = 2_048;
/** How many turns of a session that is gone on with are shown. */
const resumedTurns = 5;

export interface TranscriptOptions {
	readonly store: ScreenStore;
	readonly colors: Colors;
	/** Wall clock in ms. */
	readonly now: () => number;
	/** The terminal has not taken yet what was drawn. */
	readonly isBehind: () => boolean;
	/** The state of the chat is different: the status has to be shown anew. */
	readonly onChange: () => void;
	readonly onSuggest: (text: string) => void;
	readonly onPick: (picker: Picker) => void;
	readonly onClear: () => void;
	/** An answer has ended that began at this time (wall clock in ms). */
	readonly onAnswered: (since: number) => void;
	readonly onLeave: () => void;
}

type Rendering = typeof import("./rendering.ts");

export class Transcript implements ChatView {
	readonly takesKeys = true;
	readonly #options: TranscriptOptions;
	readonly #store: ScreenStore;
	readonly #colors: Colors;
	#loaded: Rendering | undefined;
	#sanitizer: Sanitizer = createSanitizer();
	#markdown: MarkdownStream | undefined;
	#reasoning: ReasoningStream | undefined;
	/** Text that came since the screen was last drawn. */
	#pending = "";
	readonly #timer: DrawTimer;
	#previews = new PreviewPace();
	#aside = false;
	#hasText = false;
	/** Characters of the answer and of its reasoning so far. */
	#received = 0;
	/** When the answer was asked for; wall clock in ms. */
	#since = 0;
	/** Reasoning is shown in full, not folded. */
	showReasoning = false;

	constructor(options: TranscriptOptions) {
		this.#options = options;
		this.#store = options.store;
		this.#colors = options.colors;
		this.#timer = new DrawTimer(() => this.#draw(renderBudget), options.isBehind);
	}

	/** Must have resolved before an answer or an earlier turn is shown. */
	async load(): Promise<void> {
		this.#loaded ??= await import("./rendering.ts");
	}

	asked(text: string, attachments: readonly string[]): void {
		this.#store.print(`\n${renderQuestion(text, attachments, this.#style)}`);
	}

	answering(model: string, aside: boolean): void {
		const { now } = this.#options;
		this.#aside = aside;
		this.#hasText = false;
		this.#pending = "";
		this.#previews = new PreviewPace();
		this.#received = 0;
		this.#since = now();
		this.#sanitizer = createSanitizer();
		this.#reasoning = undefined;
		this.#markdown = this.#rendering.createMarkdownStream({ width: this.#columns, colors: this.#colors });
		const what = aside ? `asking ${sanitizeLine(model)}` : "waiting for the answer";
		this.#store.update({ tail: "", activity: { what, since: now() }, now: now() });
	}

	reasoning(delta: string): void {
		this.#reasoning ??= new ReasoningStream(this.#colors, this.#options.now());
		this.#reasoning.push(delta);
		this.#received += delta.length;
		this.#timer.schedule();
	}

	text(delta: string): void {
		this.#pending += delta;
		this.#received += delta.length;
		this.#timer.schedule();
	}

	async answered({ finish, interrupted, isFiltered, hasText, failure }: AnswerEnd): Promise<void> {
		while (this.#pending !== "") {
			this.#draw(renderBudget);
			if (this.#pending !== "") await this.#timer.giveWay();
		}
		this.#draw();
		const rest = this.#markdown ? this.#markdown.push(this.#sanitizer.end()) + this.#markdown.end() : "";
		this.#append(rest, "");
		this.#markdown = undefined;
		this.#endReasoning();
		this.#store.update({ tail: "", activity: undefined });
		if (failure !== null) this.failed(failure);
		if (this.#aside) return;
		this.#options.onAnswered(this.#since);
		const isCut = failure !== null;
		const finishReason = isFiltered ? "content-filter" : finish?.finishReason;
		const mark = markOf({ interrupted, isCut, hasText, finishReason });
		const again = finish?.cached ? " · /retry asks again" : "";
		const figures =
			finish === null ? [] : [this.#colors.dim(wrapNotice(usageLine(finish) + again, "  ", this.#columns))];
		const lines = [...(mark === undefined ? [] : [renderMark(mark, this.#style)]), ...figures];
		if (lines.length > 0) this.#store.print(`\n${lines.join("\n")}`);
	}

	pick(picker: Picker): void {
		this.#options.onPick(picker);
	}

	waiting(): void {}

	compared(answers: readonly ComparedAnswer[]): void {
		this.#store.print(`\n${renderComparison(answers, this.#style, this.#rendering)}`);
	}

	notice(text: string): void {
		this.#draw();
		const isLong = text.includes("\n");
		const lines = wrapNotice(sanitize(text), "  ", this.#columns);
		this.#store.print(`\n${isLong ? lines : this.#colors.dim(lines)}`);
	}

	failed({ message, hint }: FailureNotice): void {
		this.#draw();
		const words = this.#colors.red(wrapNotice(`✗ ${sanitize(message)}`, "  ", this.#columns));
		const step = hint === undefined ? "" : `\n${wrapNotice(sanitize(hint), "    ", this.#columns)}`;
		this.#store.print(`\n${words}${step}`);
	}

	suggest(text: string): void {
		this.#options.onSuggest(text);
	}

	clear(): void {
		this.#options.onClear();
	}

	resumed(turns: readonly ShownTurn[]): void {
		const shown = turns.slice(-resumedTurns);
		const left = turns.length - shown.length;
		if (left > 0) this.notice(`${formatPlural(left, "earlier turn")} not shown`);
		for (const turn of shown) this.#store.print(`\n${renderTurn(turn, this.#style, this.#rendering)}`);
	}

	changed(): void {
		this.#options.onChange();
	}

	leave(): void {
		this.#options.onLeave();
	}

	/** The terminal has another width. */
	resize(): void {
		this.#markdown?.resize(this.#columns);
	}

	/**
	 * Shows or folds reasoning from now on, and says which; `last` is that of the last answer, which is shown when it
	 * was folded.
	 */
	toggleReasoning(last: string): string {
		this.showReasoning = !this.showReasoning;
		if (this.#markdown !== undefined) this.#timer.schedule();
		else if (this.showReasoning && last !== "")
			this.#store.print(`\n${this.#colors.dim(wrapNotice(sanitize(last.trim()), "  ", this.#columns))}`);
		return this.showReasoning ? "reasoning is shown from now on" : "reasoning is folded from now on";
	}

	/** Prints what is still live, because the screen is about to go. */
	settle(): void {
		this.#draw();
		this.#store.update({ tail: "", activity: undefined });
	}

	/** Draws what came, for `budget` ms; the rest stays pending. All of it before anything else is printed. */
	#draw(budget = Number.POSITIVE_INFINITY): void {
		this.#timer.cancel();
		const markdown = this.#markdown;
		if (markdown === undefined) return;
		const until = performance.now() + budget;
		let finished = "";
		do {
			const safe = this.#sanitizer.push(this.#pending.slice(0, sliceLength));
			this.#pending = this.#pending.slice(sliceLength);
			if (safe !== "" && !this.#hasText && finished === "") this.#endReasoning();
			finished += markdown.push(safe);
		} while (this.#pending !== "" && performance.now() < until);
		const preview = this.#previews.render(markdown);
		const tail = preview ?? (finished === "" ? this.#store.snapshot().tail : "");
		if (this.#aside) this.#append("", tail);
		else {
			this.#append(finished, tail);
			if (this.#reasoning !== undefined) this.#showReasoning(this.#reasoning);
		}
		if (this.#pending !== "" || preview === undefined) this.#timer.schedule();
	}

	/** Prints finished lines of the answer and replaces its live end. */
	#append(finished: string, tail: string): void {
		if (finished === "" && tail === "" && !this.#hasText) return;
		// One empty line between the question and its answer.
		const lead = this.#hasText ? "" : "\n";
		const now = this.#options.now();
		const activity = this.#store.snapshot().activity;
		const live = {
			tail: finished === "" ? lead + tail : tail,
			activity: activity && {
				...activity,
				what: this.#aside ? activity.what : "answering",
				tokens: this.#tokens,
			},
			now,
		};
		if (finished === "" || this.#aside) this.#store.update(live);
		else {
			this.#store.print(lead + finished.replace(/\n$/, ""), live);
			this.#hasText = true;
		}
	}

	#showReasoning(reasoning: ReasoningStream): void {
		const { finished, tail } = reasoning.take(this.#columns, this.showReasoning);
		const since = reasoning.since;
		const live = {
			tail,
			activity: { what: "thinking", since, tokens: this.#tokens },
			now: this.#options.now(),
		};
		if (finished === "") this.#store.update(live);
		else this.#store.print(finished, live);
	}

	#endReasoning(): void {
		const reasoning = this.#reasoning;
		if (reasoning === undefined) return;
		this.#reasoning = undefined;
		const { now } = this.#options;
		const { finished } = reasoning.take(this.#columns, this.showReasoning, true);
		const time = formatDuration(now() - reasoning.since);
		const folded = this.#colors.dim(`\n  thought for ${time} · Ctrl-O shows it`);
		const activity = this.#store.snapshot().activity && { what: "answering", since: now() };
		const change = { tail: "", activity };
		if (this.#aside) this.#store.update(change);
		else if (reasoning.isFolded) this.#store.print(folded, change);
		else if (finished === "") this.#store.update(change);
		else this.#store.print(finished, change);
	}

	get #rendering(): Rendering {
		if (this.#loaded === undefined) throw new TypeError("the renderer is not loaded");
		return this.#loaded;
	}

	/** Tokens so far, estimated. */
	get #tokens(): number {
		return Math.round(this.#received / 4);
	}

	get #style() {
		return { columns: this.#columns, colors: this.#colors };
	}

	get #columns(): number {
		return this.#store.snapshot().columns;
	}
}
