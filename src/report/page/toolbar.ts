import type { ReportData } from "./data.ts";
import { element } from "./dom.ts";
import { everything, type Wanted } from "./filters.ts";
import { type SortKey, sortLabels } from "./sorting.ts";

/** What is to be seen, and in which order. */
export interface ChosenView {
	readonly wanted: Wanted;
	readonly sort: SortKey;
	readonly descending: boolean;
	/** A line for each row with all its models, rather than one for each answer. */
	readonly sideBySide: boolean;
}

/** What the reader has chosen to see, and the form in which that is done. */
export class Toolbar {
	readonly element: HTMLFormElement;
	readonly #inputs = new Map<string, HTMLInputElement | HTMLSelectElement>();
	readonly #hasSeveral: boolean;

	/** `onChange` is called after every choice, soon after every letter of the search. */
	constructor(data: ReportData, onChange: () => void) {
		const { models, finishReasons, errorClasses, pass } = data.index;
		this.#hasSeveral = data.groups.some(({ length }) => length > 1);
		const hasPass = pass.some((value) => value !== null);
		const sorts = (Object.keys(sortLabels) as SortKey[]).filter(
			(key) => key !== "difference" || this.#hasSeveral,
		);
		this.element = element(
			"form",
			{ class: "toolbar", role: "search", "aria-label": "Choose rows" },
			this.#text("search", "Search", "search"),
			...(models.length > 1 ? [this.#select("model", "Model", ["", ...models], "all models")] : []),
			this.#select("status", "Status", ["", "answered", "failed", "cached", "cut off"], "any"),
			this.#select("ending", "Ends with", ["", ...finishReasons, ...errorClasses], "anything"),
			...(hasPass ? [this.#select("pass", "Expected", ["", "pass", "fail"], "either")] : []),
			this.#range("Cost in $", "minCost", "maxCost"),
			this.#range("Characters", "minLength", "maxLength"),
			this.#select("sort", "Sort by", sorts, "", sortLabels),
			this.#check("descending", "largest first"),
			...(this.#hasSeveral ? [this.#check("sideBySide", "models side by side", true)] : []),
			element("button", { type: "reset" }, "Show all"),
		);
		let timer: ReturnType<typeof setTimeout> | undefined;
		this.element.addEventListener("input", () => {
			clearTimeout(timer);
			timer = setTimeout(onChange, 120);
		});
		this.element.addEventListener("submit", (event) => event.preventDefault());
		// The values change only after this event.
		this.element.addEventListener("reset", () => setTimeout(onChange));
	}

	get choice(): ChosenView {
		const text = (name: string) => this.#inputs.get(name)?.value ?? "";
		const number = (name: string) => (text(name) === "" ? undefined : Number(text(name)));
		const checked = (name: string) =>
			(this.#inputs.get(name) as HTMLInputElement | undefined)?.checked ?? false;
		return {
			wanted: {
				search: text("search").trim(),
				model: text("model"),
				status: text("status"),
				ending: text("ending"),
				pass: text("pass"),
				minCost: number("minCost"),
				maxCost: number("maxCost"),
				minLength: number("minLength"),
				maxLength: number("maxLength"),
			},
			sort: text("sort") as SortKey,
			descending: checked("descending"),
			sideBySide: this.#hasSeveral && checked("sideBySide"),
		};
	}

	/** Chooses everything that ends in one way. */
	showEnding(ending: string): void {
		this.element.reset();
		const input = this.#inputs.get("ending");
		if (input !== undefined) input.value = ending;
	}

	/** True when nothing is left out. */
	get showsAll(): boolean {
		const { wanted } = this.choice;
		return (Object.keys(everything) as (keyof Wanted)[]).every((name) => wanted[name] === everything[name]);
	}

	#text(name: string, label: string, type: string): HTMLElement {
		const input = element("input", { type, name, id: `choose-${name}`, autocomplete: "off" });
		this.#inputs.set(name, input);
		return element("label", { for: input.id }, `${label} `, input);
	}

	#select(
		name: string,
		label: string,
		values: readonly string[],
		any: string,
		labels: Readonly<Record<string, string>> = {},
	): HTMLElement {
		const options = [...new Set(values)].map((value) =>
			element("option", { value }, labels[value] ?? (value === "" ? any : value.replaceAll("_", " "))),
		);
		const input = element("select", { name, id: `choose-${name}` }, ...options);
		this.#inputs.set(name, input);
		return element("label", { for: input.id }, `${label} `, input);
	}

	#check(name: string, label: string, checked = false): HTMLElement {
		const input = element("input", { type: "checkbox", name, id: `choose-${name}`, checked });
		this.#inputs.set(name, input);
		return element("label", { for: input.id }, input, ` ${label}`);
	}

	#range(label: string, low: string, high: string): HTMLElement {
		const bound = (name: string, word: string) => {
			const input = element("input", {
				type: "number",
				min: 0,
				step: "any",
				name,
				"aria-label": `${label}, ${word}`,
			});
			this.#inputs.set(name, input);
			return input;
		};
		return element(
			"span",
			{ class: "range" },
			`${label} `,
			bound(low, "at least"),
			" to ",
			bound(high, "at most"),
		);
	}
}
