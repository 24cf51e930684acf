import type { ReportData } from "./data.ts";
import { element, visible } from "./dom.ts";

const examples = 5;

/** Failures by their class: how many, what some of them say, and a way to see them all. Undefined without any. */
export function failureList(data: ReportData, onShow: (errorClass: string) => void): HTMLElement | undefined {
	const byClass = new Map<string, number[]>();
	for (let row = 0; row < data.count; row++) {
		if (!data.failed(row)) continue;
		const rows = byClass.get(data.ending(row));
		if (rows === undefined) byClass.set(data.ending(row), [row]);
		else rows.push(row);
	}
	if (byClass.size === 0) return undefined;
	const items = [...byClass]
		.toSorted(([, one], [, other]) => other.length - one.length)
		.map(([errorClass, rows]) => {
			const show = element("button", { type: "button" }, `Show ${rows.length.toLocaleString()}`);
			show.addEventListener("click", () => onShow(errorClass));
			return element(
				"details",
				{},
				element(
					"summary",
					{},
					element("strong", {}, errorClass.replaceAll("_", " ")),
					` ${rows.length.toLocaleString()} `,
				),
				element(
					"ul",
					{},
					...rows
						.slice(0, examples)
						.map((row) =>
							element(
								"li",
								{},
								element("bdi", {}, visible(data.index.id[row] ?? "")),
								`: ${visible(data.texts(row).error ?? "").slice(0, 300)}`,
							),
						),
				),
				show,
			);
		});
	return element(
		"section",
		{ "aria-labelledby": "failures-title" },
		element("h2", { id: "failures-title" }, "Failures"),
		...items,
	);
}
