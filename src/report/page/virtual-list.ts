import { element } from "./dom.ts";

const rowHeight = 44;
/** Browsers stop at about 33 million pixels; above this one pixel of the scroll bar stands for several of the list. */
const mostPixels = 8_000_000;
const spare = 8;
const columnRems = 11;
/** No screen shows more; a page whose style is missing would show all. */
const mostSeen = 200;

export interface VirtualListOptions {
	readonly label: string;
	/** Fills the element of an item. */
	readonly fill: (item: number, into: HTMLElement) => void;
	/** Called with the item that the reader has moved to. */
	readonly onSelect: (item: number) => void;
	readonly onOpen: () => void;
}

/** A list box of any length, of which only what is seen is in the page. Moved through with the keyboard. */
export class VirtualList {
	readonly element: HTMLElement;
	readonly #options: VirtualListOptions;
	readonly #space: HTMLElement;
	#items: readonly number[] = [];
	#selected = -1;
	#frame = 0;

	constructor(options: VirtualListOptions) {
		this.#options = options;
		this.#space = element("div", { class: "list-space", role: "presentation" });
		this.element = element(
			"div",
			{ class: "list", role: "listbox", tabindex: 0, "aria-label": options.label },
			this.#space,
		);
		this.element.addEventListener("scroll", () => this.#schedule(), { passive: true });
		this.element.addEventListener("keydown", (event) => this.#onKey(event));
		new ResizeObserver(() => this.#schedule()).observe(this.element);
	}

	/** Shows these items, each with so many columns; the one that is selected stays so where it is among them. */
	show(items: readonly number[], columns: number): void {
		const wanted = this.#items[this.#selected];
		this.#space.style.minWidth = columns > 1 ? `${6 + columns * columnRems}rem` : "";
		this.#items = items;
		this.#selected = wanted === undefined ? -1 : items.indexOf(wanted);
		this.#space.style.height = `${Math.min(items.length * rowHeight, mostPixels)}px`;
		if (this.#selected >= 0) this.#bringIntoView();
		else this.element.scrollTop = 0;
		this.#draw();
	}

	#schedule(): void {
		if (this.#frame !== 0) return;
		this.#frame = requestAnimationFrame(() => {
			this.#frame = 0;
			this.#draw();
		});
	}

	/** The first place that is seen, as a fraction. */
	#top(): number {
		const total = this.#items.length * rowHeight;
		if (total <= mostPixels) return this.element.scrollTop / rowHeight;
		const room = mostPixels - this.element.clientHeight;
		const share = room <= 0 ? 0 : Math.min(1, this.element.scrollTop / room);
		return (share * (total - this.element.clientHeight)) / rowHeight;
	}

	#draw(): void {
		const top = this.#top();
		const seen = Math.min(mostSeen, Math.ceil(this.element.clientHeight / rowHeight));
		const first = Math.max(0, Math.floor(top) - spare);
		const last = Math.min(this.#items.length, Math.floor(top) + seen + spare);
		const drawn: HTMLElement[] = [];
		for (let place = first; place < last; place++) {
			const item = this.#items[place] as number;
			const row = element("div", {
				class: "list-row",
				id: `row-${item}`,
				role: "option",
				"aria-selected": place === this.#selected ? "true" : "false",
				"aria-posinset": place + 1,
				"aria-setsize": this.#items.length,
			});
			row.style.top = `${this.element.scrollTop + (place - top) * rowHeight}px`;
			row.addEventListener("click", () => {
				this.#select(place);
				this.#options.onOpen();
			});
			this.#options.fill(item, row);
			drawn.push(row);
		}
		this.#space.replaceChildren(...drawn);
		const selected = this.#items[this.#selected];
		if (selected === undefined) this.element.removeAttribute("aria-activedescendant");
		else this.element.setAttribute("aria-activedescendant", `row-${selected}`);
	}

	#select(place: number): void {
		const item = this.#items[place];
		if (item === undefined) return;
		this.#selected = place;
		this.#bringIntoView();
		this.#draw();
		this.#options.onSelect(item);
	}

	#bringIntoView(): void {
		const { clientHeight } = this.element;
		const total = this.#items.length * rowHeight;
		const scale = total <= mostPixels ? 1 : (mostPixels - clientHeight) / (total - clientHeight);
		const top = this.#selected * rowHeight;
		const seen = this.#top() * rowHeight;
		if (top < seen) this.element.scrollTop = top * scale;
		else if (top + rowHeight > seen + clientHeight)
			this.element.scrollTop = (top + rowHeight - clientHeight) * scale;
	}

	#onKey(event: KeyboardEvent): void {
		const page = Math.max(1, Math.floor(this.element.clientHeight / rowHeight) - 1);
		const steps: Record<string, number> = {
			ArrowDown: 1,
			ArrowUp: -1,
			PageDown: page,
			PageUp: -page,
			Home: Number.NEGATIVE_INFINITY,
			End: Number.POSITIVE_INFINITY,
		};
		if (event.key === "Enter") this.#options.onOpen();
		const step = steps[event.key];
		if (step === undefined) return;
		event.preventDefault();
		this.#select(Math.max(0, Math.min(this.#items.length - 1, this.#selected + step)));
	}
}
