import { type Completion, sharedPrefix } from "../chat/input/completion.ts";
import type { Editor } from "../chat/input/editor.ts";
import type { Action } from "../chat/input/key-bindings.ts";
import type { MenuState } from "./state.ts";

interface Menu {
	readonly completion: Completion;
	/** The text that stood in the box when it opened. */
	readonly original: string;
	/** -1 while nothing is chosen. */
	selected: number;
}

/** What could stand at the cursor, and the choice from it. */
export class CompletionMenu {
	readonly #editor: Editor;
	readonly #find: (text: string, cursor: number) => Completion | undefined;
	#menu: Menu | undefined;

	constructor(editor: Editor, find: (text: string, cursor: number) => Completion | undefined) {
		this.#editor = editor;
		this.#find = find;
	}

	/** As it is drawn; undefined while it is closed. */
	get state(): MenuState | undefined {
		return this.#menu && { candidates: this.#menu.completion.candidates, selected: this.#menu.selected };
	}

	close(): void {
		this.#menu = undefined;
	}

	/** Writes what all candidates begin with, and opens when there are several. */
	complete(): void {
		const editor = this.#editor;
		const completion = this.#find(editor.text, editor.cursor);
		if (completion === undefined) return;
		const { start, end, candidates } = completion;
		const shared = sharedPrefix(candidates);
		if (shared.length > end - start || candidates.length === 1) editor.replaceRange(start, end, shared);
		if (candidates.length === 1) {
			this.#menu = undefined;
			return;
		}
		this.#menu = {
			completion: { ...completion, end: editor.cursor },
			original: editor.text,
			selected: -1,
		};
	}

	/** A slash at the start shows what there is. */
	suggestCommands(): void {
		const { text, cursor } = this.#editor;
		const completion = /^\/[a-z]*$/i.test(text) ? this.#find(text, cursor) : undefined;
		this.#menu = completion && { completion, original: text, selected: -1 };
	}

	/** True when it took the key; any other key closes it. */
	press(action: Action): boolean {
		const menu = this.#menu;
		if (menu === undefined) return false;
		const taken = this.#take(menu, action);
		if (!taken) this.#menu = undefined;
		return taken;
	}

	#take(menu: Menu, action: Action): boolean {
		const count = menu.completion.candidates.length;
		switch (action) {
			case "complete":
				this.#choose(menu, (menu.selected + 1) % count);
				return true;
			case "complete-back":
				this.#choose(menu, (Math.max(0, menu.selected) - 1 + count) % count);
				return true;
			case "up":
			case "down":
				if (menu.selected < 0) return false;
				this.#choose(menu, (menu.selected + (action === "up" ? -1 : 1) + count) % count);
				return true;
			case "escape":
				if (menu.selected >= 0) this.#editor.setText(menu.original);
				this.#menu = undefined;
				return true;
			case "send":
				// The only command that begins like what is typed is meant.
				if (count === 1 && menu.selected < 0 && /^\/[a-z]+$/i.test(this.#editor.text))
					this.#editor.setText((menu.completion.candidates[0]?.text ?? "").trimEnd());
				return false;
			default:
				return false;
		}
	}

	#choose(menu: Menu, selected: number): void {
		const { start, end, candidates } = menu.completion;
		const text = candidates[selected]?.text ?? "";
		const before = menu.original.slice(0, start);
		this.#editor.replaceRange(0, this.#editor.text.length, before + text + menu.original.slice(end));
		menu.selected = selected;
	}
}
