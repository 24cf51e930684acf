import type { Action } from "../chat/input/key-bindings.ts";
import { filterItems, type Picker, type PickItem } from "../chat/picker.ts";

/** The list as it is drawn. */
export interface PickState {
	readonly title: string;
	readonly query: string;
	/** Those that the query finds. */
	readonly items: readonly PickItem[];
	readonly selected: number;
	/** Left and right show something else of an item. */
	readonly canWalk: boolean;
}

/** A list that has the keys: typing filters it, Enter chooses, Escape closes it. */
export class PickList {
	readonly picker: Picker;
	readonly #items: PickItem[];
	#query = "";
	/** Indices of the items that the query finds. */
	#found: number[];
	#selected: number;

	constructor(picker: Picker) {
		this.picker = picker;
		this.#items = [...picker.items];
		this.#found = filterItems(this.#items, "");
		this.#selected = Math.max(0, picker.selected);
	}

	get state(): PickState {
		return {
			title: this.picker.title,
			query: this.#query,
			items: this.#found.map((index) => this.#items[index] ?? { label: "", facts: [] }),
			selected: this.#selected,
			canWalk: this.picker.walk !== undefined,
		};
	}

	/** The index of the item that is chosen; undefined when no matches. */
	get chosen(): number | undefined {
		return this.#found[this.#selected];
	}

	type(text: string): void {
		this.#filter(this.#query + text.replace(/[\x00-\x1f\x7f]/g, " "));
	}

	/** What a key does to the list: it is over with `choose` and `close`. */
	press(action: Action): "stay" | "choose" | "close" {
		const count = this.#found.length;
		switch (action) {
			case "up":
			case "complete-back":
				this.#selected = count === 0 ? 0 : (this.#selected - 1 + count) % count;
				return "stay";
			case "down":
			case "complete":
				this.#selected = count === 0 ? 0 : (this.#selected + 1) % count;
				return "stay";
			case "left":
			case "right":
				this.#walk(action === "left" ? -1 : 1);
				return "stay";
			case "backspace":
				this.#filter(this.#query.slice(0, -1));
				return "stay";
			case "kill-to-start":
				this.#filter("");
				return "stay";
			case "send":
				return this.chosen === undefined ? "stay" : "choose";
			case "escape":
			case "interrupt":
			case "delete-or-exit":
				return "close";
			default:
				return "stay";
		}
	}

	#walk(step: 1 | -1): void {
		const index = this.chosen;
		const item = index === undefined ? undefined : this.picker.walk?.(index, step);
		if (item !== undefined && index !== undefined) this.#items[index] = item;
	}

	#filter(query: string): void {
		this.#query = query;
		this.#found = filterItems(this.#items, query);
		this.#selected = 0;
	}
}
