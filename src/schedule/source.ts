import type { Items } from "./schedule-options.ts";

/** Items of any iterable, taken one at a time without waiting: `take` gives one, or calls back once it may. */
export class Source<Item> {
	readonly #sync: Iterator<Item> | undefined;
	readonly #async: AsyncIterator<readonly Item[]> | undefined;
	readonly #onChange: (error?: unknown) => void;
	/** What has arrived, and how many of them were taken. */
	#group: readonly Item[] = [];
	#taken = 0;
	#pending = false;
	#exhausted = false;

	/** `onChange` is called when a group has arrived, the source has ended, or reading it failed. */
	constructor(items: Items<Item>, onChange: (error?: unknown) => void) {
		this.#onChange = onChange;
		if (Symbol.asyncIterator in items) this.#async = items[Symbol.asyncIterator]();
		else this.#sync = items[Symbol.iterator]();
	}

	/** Nothing more will come. */
	get exhausted(): boolean {
		return this.#exhausted;
	}

	/** The next item, or undefined when there is none at this moment. */
	take(): { readonly item: Item } | undefined {
		if (this.#exhausted) return undefined;
		if (this.#sync !== undefined) {
			const next = this.#sync.next();
			if (next.done) {
				this.#exhausted = true;
				return undefined;
			}
			return { item: next.value };
		}
		if (this.#taken < this.#group.length) return { item: this.#group[this.#taken++] as Item };
		this.#group = [];
		this.#fetch();
		return undefined;
	}

	/** Lets the iterable clean up; nothing is taken any more. */
	close(): void {
		if (this.#exhausted) return;
		this.#exhausted = true;
		this.#sync?.return?.();
		// A generator that is still running answers when it gets there; nobody waits for it.
		this.#async?.return?.().catch(() => {});
	}

	#fetch(): void {
		if (this.#pending || this.#async === undefined) return;
		this.#pending = true;
		this.#async.next().then(
			(next) => {
				this.#pending = false;
				if (next.done) this.#exhausted = true;
				else if (!this.#exhausted) {
					this.#group = next.value;
					this.#taken = 0;
				}
				this.#onChange();
			},
			(error) => {
				this.#pending = false;
				this.#exhausted = true;
				this.#onChange(error);
			},
		);
	}
}
