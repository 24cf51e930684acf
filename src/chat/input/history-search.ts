import type { InputHistory } from "./history.ts";

/** A search backwards through older input, as Ctrl-R does it: the query grows, repeated presses go further back. */
export class HistorySearch {
	readonly #history: InputHistory;
	/** What stood in the box before. */
	readonly draft: string;
	#query = "";
	#index: number | undefined;
	#found = "";

	constructor(history: InputHistory, draft: string) {
		this.#history = history;
		this.draft = draft;
	}

	get query(): string {
		return this.#query;
	}

	/** The entry found; the draft until there is a query. */
	get text(): string {
		return this.#query === "" ? this.draft : this.#found;
	}

	/** False when no older match; what was found last stays. */
	type(text: string): boolean {
		this.#query += text;
		return this.#search(this.#index === undefined ? undefined : this.#index + 1);
	}

	erase(): void {
		this.#query = this.#query.slice(0, -1);
		this.#index = undefined;
		this.#search(undefined);
	}

	older(): boolean {
		return this.#search(this.#index);
	}

	#search(before: number | undefined): boolean {
		if (this.#query === "") {
			this.#found = this.draft;
			this.#index = undefined;
			return true;
		}
		const match = this.#history.search(this.#query, before);
		if (match === undefined) return false;
		this.#index = match.index;
		this.#found = match.text;
		return true;
	}
}
