/** Keys to edits, menus, searches and messages. */

import { commandBehind } from "../chat/commands/table.ts";
import type { Completion } from "../chat/input/completion.ts";
import { Editor } from "../chat/input/editor.ts";
import type { InputHistory } from "../chat/input/history.ts";
import { HistorySearch } from "../chat/input/history-search.ts";
import { type Action, actionOf } from "../chat/input/key-bindings.ts";
import { completeMessage } from "../chat/messages-in.ts";
import type { Picker } from "../chat/picker.ts";
import type { InputEvent, Key } from "../terminal/keys.ts";
import { CompletionMenu } from "./completion-menu.ts";
import { PickList, type PickState } from "./pick-list.ts";
import type { MenuState } from "./state.ts";

/** What keys do beyond the text. */
export interface InputActions {
	submit(message: string): void;
	/** Stops the answer; false when none is running. */
	stop(): boolean;
	leave(): void;
	/** Says something for a moment. */
	hint(text: string): void;
	/** Gives up changing a question; false when none is being changed. */
	cancelEditing(): boolean;
	/** The message that was queued last, taken back; undefined when none is. */
	takeQueued(): string | undefined;
	listQuestions(): void;
	choose(picker: Picker, index: number): void;
	copyBlock(): void;
	pasteImage(): void;
	clearScreen(): void;
	openEditor(text: string): void;
	suspend(): void;
	toggleReasoning(): void;
	complete(text: string, cursor: number): Completion | undefined;
	/** Columns of the text inside the box. */
	width(): number;
	/** Monotonic or wall clock, in ms. */
	now(): number;
	/** Something is shown differently now. */
	changed(): void;
}

/** A second Ctrl-C this soon (ms) leaves. */
const againWithin = 3000;
/** A second Escape this soon (ms) lists the questions. */
const escapeAgainWithin = 800;
/** A longer text that is put into the box is shown as a paste (characters). */
const largest = 10_000;

export class InputController {
	readonly editor = new Editor();
	readonly #history: InputHistory;
	readonly #actions: InputActions;
	readonly #menu: CompletionMenu;
	#search: HistorySearch | undefined;
	#list: PickList | undefined;
	/** The text right after a backslash at its end has become a newline. */
	#afterBackslash: string | undefined;
	/** What was put into the box last. */
	#suggested = "";
	#escapedAt = Number.NEGATIVE_INFINITY;
	#interruptedAt = Number.NEGATIVE_INFINITY;

	readonly #handlers: Readonly<Record<Action, () => void>>;

	constructor(history: InputHistory, actions: InputActions) {
		this.#history = history;
		this.#actions = actions;
		this.#menu = new CompletionMenu(this.editor, (text, cursor) => actions.complete(text, cursor));
		this.#handlers = this.#createHandlers();
	}

	/** The query of a search that is under way. */
	get search(): string | undefined {
		return this.#search?.query;
	}

	get menu(): MenuState | undefined {
		return this.#menu.state;
	}

	/** The list that has the keys. */
	get list(): PickState | undefined {
		return this.#list?.state;
	}

	/** Gives the keys to a list until something is chosen from it. */
	openList(picker: Picker): void {
		this.#endSearch();
		this.#menu.close();
		this.#list = new PickList(picker);
		this.#actions.changed();
	}

	take(event: InputEvent): void {
		// Only one Ctrl-C right behind another leaves.
		const isInterrupt = event.type === "key" && actionOf(event.key) === "interrupt";
		if (!isInterrupt) this.#interruptedAt = Number.NEGATIVE_INFINITY;
		if (this.#list !== undefined) this.#takeForList(this.#list, event);
		else if (event.type === "text") this.#type(event.text);
		else if (event.type === "paste") this.#paste(event.text);
		else if (event.type === "key") this.#press(event.key);
		this.#actions.changed();
	}

	/** Puts a text into the box if nothing is there. */
	suggest(text: string): void {
		if (!this.editor.isEmpty) return;
		this.#suggested = text;
		this.replace(text);
	}

	/** Puts a text in the place of what is in the box. */
	replace(text: string): void {
		this.editor.setText(text.length > largest ? "" : text);
		if (text.length > largest) this.editor.paste(text);
		this.#actions.changed();
	}

	#takeForList(list: PickList, event: InputEvent): void {
		if (event.type === "text" || event.type === "paste") list.type(event.text);
		const action = event.type === "key" ? actionOf(event.key) : undefined;
		const done = action === undefined ? "stay" : list.press(action);
		if (done === "stay") return;
		this.#list = undefined;
		const { chosen } = list;
		if (done === "choose" && chosen !== undefined) this.#actions.choose(list.picker, chosen);
	}

	#type(text: string): void {
		if (this.#search) {
			if (!this.#search.type(text)) this.#actions.hint("no older match");
			this.#showFound();
			return;
		}
		this.editor.insert(text);
		this.#menu.suggestCommands();
	}

	#paste(text: string): void {
		this.#endSearch();
		this.#menu.close();
		this.editor.paste(text);
	}

	#press(key: Key): void {
		const action = actionOf(key);
		if (action === undefined) return;
		if (this.#search && this.#pressInSearch(action)) return;
		if (this.#menu.press(action)) return;
		this.#handlers[action]();
		if (action === "backspace") this.#menu.suggestCommands();
	}

	/** True when the search took the key. */
	#pressInSearch(action: Action): boolean {
		const search = this.#search;
		if (search === undefined) return false;
		switch (action) {
			case "search":
				if (!search.older()) this.#actions.hint("no older match");
				this.#showFound();
				return true;
			case "backspace":
				search.erase();
				this.#showFound();
				return true;
			case "interrupt":
			case "external-editor":
				this.editor.setText(search.draft);
				this.#endSearch();
				return true;
			case "escape":
			case "complete":
				this.#endSearch();
				return true;
			default:
				// Any other key works on what was found.
				this.#endSearch();
				return false;
		}
	}

	#createHandlers(): Readonly<Record<Action, () => void>> {
		const { editor } = this;
		const actions = this.#actions;
		return {
			send: () => this.#send(),
			newline: () => editor.insert("\n"),
			interrupt: () => this.#interrupt(),
			"delete-or-exit": () => (editor.isEmpty ? actions.leave() : editor.deleteForward()),
			escape: () => this.#escape(),
			up: () => {
				const queued = editor.isEmpty ? actions.takeQueued() : undefined;
				if (queued === undefined) this.#recall(-1);
				else this.replace(queued);
			},
			down: () => this.#recall(1),
			search: () => {
				this.#search = new HistorySearch(this.#history, editor.content);
			},
			left: () => editor.left(),
			right: () => editor.right(),
			"word-left": () => editor.wordLeft(),
			"word-right": () => editor.wordRight(),
			"line-start": () => editor.lineStart(),
			"line-end": () => editor.lineEnd(),
			backspace: () => editor.backspace(),
			delete: () => editor.deleteForward(),
			"kill-to-end": () => editor.killToEnd(),
			"kill-to-start": () => editor.killToStart(),
			"kill-spaced-left": () => editor.killSpacedLeft(),
			"kill-word-left": () => editor.killWordLeft(),
			"kill-word-right": () => editor.killWordRight(),
			yank: () => editor.yank(),
			"yank-pop": () => editor.yankPop(),
			transpose: () => editor.transpose(),
			undo: () => editor.undo(),
			redo: () => editor.redo(),
			complete: () => this.#menu.complete(),
			"complete-back": () => {},
			"clear-screen": () => actions.clearScreen(),
			"external-editor": () => actions.openEditor(editor.content),
			"copy-block": () => actions.copyBlock(),
			"paste-image": () => actions.pasteImage(),
			"toggle-reasoning": () => actions.toggleReasoning(),
			suspend: () => actions.suspend(),
		};
	}

	#send(): void {
		const { editor } = this;
		const { text, cursor, content } = editor;
		// A second Enter behind the newline that a backslash has become: the backslash was meant.
		const meant = text !== "" && text === this.#afterBackslash ? content.replace(/\n$/, "\\") : undefined;
		this.#afterBackslash = undefined;
		if (meant === undefined && editor.isTyping && text[cursor - 1] === "\\") {
			editor.replaceRange(cursor - 1, cursor, "\n");
			if (cursor === text.length) this.#afterBackslash = editor.text;
			return;
		}
		const typed = commandBehind(this.#suggested, content) ?? content;
		const message = meant ?? (editor.beginsTyped ? completeMessage(typed) : typed);
		if (message === undefined) {
			editor.insert("\n");
			this.#actions.hint('a newline was added · """ ends the message');
			return;
		}
		this.#suggested = "";
		this.#actions.submit(message);
		this.#history.add(meant ?? typed);
		editor.clear();
	}

	#escape(): void {
		const actions = this.#actions;
		if (actions.stop() || actions.cancelEditing()) return;
		const now = actions.now();
		if (!this.editor.isEmpty) return;
		if (now - this.#escapedAt <= escapeAgainWithin) {
			this.#escapedAt = Number.NEGATIVE_INFINITY;
			actions.listQuestions();
			return;
		}
		this.#escapedAt = now;
		actions.hint("Esc again lists your questions");
	}

	#interrupt(): void {
		if (this.#actions.stop()) return;
		if (!this.editor.isEmpty) {
			// Not forgotten: undo brings it back.
			this.editor.setText("");
			this.#actions.cancelEditing();
			return;
		}
		const now = this.#actions.now();
		if (now - this.#interruptedAt <= againWithin) this.#actions.leave();
		else this.#actions.hint("press Ctrl-C again to leave, or Ctrl-D");
		this.#interruptedAt = now;
	}

	/** Up and Down: within the text, and beyond its first and last row through older input. */
	#recall(delta: -1 | 1): void {
		if (this.editor.moveRows(delta, this.#actions.width())) return;
		const text = delta < 0 ? this.#history.previous(this.editor.content) : this.#history.next();
		if (text !== undefined) this.replace(text);
	}

	#showFound(): void {
		this.editor.setText(this.#search?.text ?? "");
	}

	#endSearch(): void {
		this.#search = undefined;
	}
}
