import type { ReportData } from "./data.ts";
import { element, visible } from "./dom.ts";
import { formatMs, formatUsdExactly } from "./numbers.ts";
import { markDifferences } from "./word-diff.ts";

/** More of an answer is shown when it is asked for: a page of a megabyte of text is slow to lay out. */
const shownAtFirst = 20_000;

/** One row whole: its prompt, what each model made of it side by side, and what else is known. */
export class Detail {
	readonly element: HTMLElement;
	readonly #data: ReportData;
	#row: number | undefined;
	#marksDifferences = true;

	constructor(data: ReportData, into: HTMLElement) {
		this.#data = data;
		this.element = into;
	}

	show(row: number): void {
		this.#row = row;
		this.#draw();
	}

	focus(): void {
		this.element.focus();
	}

	#draw(): void {
		const row = this.#row;
		if (row === undefined) return;
		const group = this.#data.groupOf(row);
		const { prompt, metadata } = this.#data.texts(row);
		const heading = element("h2", {}, "Row ", element("bdi", {}, visible(this.#data.index.id[row] ?? "")));
		const parts: HTMLElement[] = [heading];
		if (prompt !== undefined) parts.push(this.#section("Prompt", this.#text(prompt)));
		if (group.length > 1) parts.push(this.#differencesSwitch());
		const columns = group.map((member) => this.#answer(member, group[0] as number));
		parts.push(element("div", { class: "answers" }, ...columns));
		if (metadata !== undefined)
			parts.push(this.#section("Metadata", this.#text(JSON.stringify(metadata, null, 2))));
		this.element.replaceChildren(...parts);
		this.element.scrollTop = 0;
	}

	#differencesSwitch(): HTMLElement {
		const box = element("input", { type: "checkbox", id: "differences", checked: this.#marksDifferences });
		box.addEventListener("change", () => {
			this.#marksDifferences = box.checked;
			this.#draw();
		});
		return element(
			"p",
			{ class: "switch" },
			box,
			element("label", { for: "differences" }, "mark the words that differ from the first answer"),
		);
	}

	#answer(row: number, first: number): HTMLElement {
		const { index } = this.#data;
		const { a: answers, reasoning, error } = this.#data.texts(row);
		const pass = index.pass[row];
		const tokens = index.outputTokens[row];
		const figures = [
			this.#data.ending(row),
			formatUsdExactly(index.cost[row]),
			formatMs(index.latency[row], index.cached[row] === 1),
			...(tokens === null || tokens === undefined ? [] : [`${tokens.toLocaleString()} tokens`]),
			...(pass === null || pass === undefined ? [] : [pass === 1 ? "pass" : "fail"]),
		].filter((figure) => figure !== "");
		const compared = row !== first && this.#marksDifferences ? this.#data.texts(first).a[0] : undefined;
		return element(
			"section",
			{ class: this.#data.failed(row) ? "answer failed" : "answer" },
			element("h3", {}, element("bdi", {}, visible(this.#data.modelName(row)))),
			element("p", { class: "figures" }, figures.join(" · ")),
			...(error === undefined ? [] : [element("p", { class: "error", dir: "auto" }, visible(error))]),
			...answers.map((answer) => this.#text(answer, compared)),
			...(reasoning === undefined
				? []
				: [element("details", {}, element("summary", {}, "Reasoning"), this.#text(reasoning))]),
		);
	}

	#section(title: string, content: HTMLElement): HTMLElement {
		return element("details", { open: true }, element("summary", {}, title), content);
	}

	#text(text: string, compared?: string): HTMLElement {
		const block = element("pre", { dir: "auto", tabindex: 0 });
		const marked = compared === undefined ? undefined : markDifferences(compared, text);
		if (marked !== undefined) {
			block.append(...marked);
			return block;
		}
		block.append(visible(text.slice(0, shownAtFirst)));
		if (text.length <= shownAtFirst) return block;
		const more = element("button", { type: "button" }, `Show all ${text.length.toLocaleString()} characters`);
		more.addEventListener("click", () => {
			block.replaceChildren(visible(text));
			more.remove();
		});
		return element("div", {}, block, more);
	}
}
