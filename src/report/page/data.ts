import type { ReportIndex, ReportText } from "../format.ts";

const mostKept = 64;

/** The rows of the page. Figures are at hand; texts are parsed chunk by chunk when they are asked for. */
export class ReportData {
	readonly index: ReportIndex;
	readonly count: number;
	/** Rows of one id, in the order of the file: what different models made of it. */
	readonly groups: readonly (readonly number[])[];
	readonly #groupOf: readonly number[];
	readonly #chunks: readonly Element[];
	readonly #parsed = new Map<number, readonly ReportText[]>();

	constructor(document: Document) {
		this.index = JSON.parse(document.getElementById("report-index")?.textContent ?? "{}") as ReportIndex;
		this.#chunks = [...document.querySelectorAll("script.report-texts")];
		this.count = this.index.id.length;
		const places = new Map<string, number>();
		const groups: number[][] = [];
		this.#groupOf = this.index.id.map((id, row) => {
			const known = places.get(id);
			if (known !== undefined) {
				groups[known]?.push(row);
				return known;
			}
			places.set(id, groups.length);
			groups.push([row]);
			return groups.length - 1;
		});
		this.groups = groups;
	}

	/** All rows of the id that a row has. */
	groupOf(row: number): readonly number[] {
		return this.groups[this.#groupOf[row] ?? -1] ?? [];
	}

	texts(row: number): ReportText {
		const { chunkRows } = this.index;
		return this.#chunk(Math.floor(row / chunkRows))[row % chunkRows] ?? { a: [] };
	}

	failed(row: number): boolean {
		return (this.index.errorClass[row] ?? -1) >= 0;
	}

	modelName(row: number): string {
		return this.index.models[this.index.model[row] ?? 0] ?? "";
	}

	/** `stop`, `length`, …, or the class of a failure. */
	ending(row: number): string {
		const { finishReasons, finishReason, errorClasses, errorClass } = this.index;
		const reason = finishReasons[finishReason[row] ?? -1];
		return reason ?? errorClasses[errorClass[row] ?? -1] ?? "";
	}

	#chunk(number: number): readonly ReportText[] {
		const known = this.#parsed.get(number);
		if (known !== undefined) return known;
		const texts = JSON.parse(this.#chunks[number]?.textContent ?? "[]") as readonly ReportText[];
		if (this.#parsed.size >= mostKept) {
			const [oldest] = this.#parsed.keys();
			if (oldest !== undefined) this.#parsed.delete(oldest);
		}
		this.#parsed.set(number, texts);
		return texts;
	}
}
