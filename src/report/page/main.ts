import { histogram, throughput } from "./charts.ts";
import { ReportData } from "./data.ts";
import { Detail } from "./detail.ts";
import { byId, element, visible } from "./dom.ts";
import { failureList } from "./failures.ts";
import { matchesFigures, matchesSearch } from "./filters.ts";
import { formatMs, formatUsdExactly } from "./numbers.ts";
import { sortRows } from "./sorting.ts";
import { Toolbar } from "./toolbar.ts";
import { VirtualList } from "./virtual-list.ts";

/** How long rows are looked through at a stretch before the page may react. */
const stretchMs = 24;

const data = new ReportData(document);
const toolbar = new Toolbar(data, () => void update());
const detail = new Detail(data, byId("detail"));
const status = byId("status");
const list = new VirtualList({
	label: "Rows",
	fill: fillRow,
	onSelect: (row) => detail.show(row),
	onOpen: () => {
		if (matchMedia("(max-width: 60rem)").matches) detail.focus();
	},
});
let run = 0;

byId("rows").prepend(toolbar.element);
byId("list").append(list.element);
const failures = failureList(data, (errorClass) => {
	toolbar.showEnding(errorClass);
	void update();
	list.element.focus();
});
if (failures !== undefined) byId("failures").append(failures);
void update();

/** Shows what is chosen. A later choice ends this one. */
async function update(): Promise<void> {
	run += 1;
	const mine = run;
	const { wanted, sort, descending, sideBySide } = toolbar.choice;
	const search = wanted.search.toLowerCase();
	const found: number[] = [];
	const groups = new Set<readonly number[]>();
	let until = performance.now() + stretchMs;
	for (let row = 0; row < data.count; row++) {
		if (performance.now() > until) {
			status.textContent = `searching, ${Math.floor((row / data.count) * 100)} %`;
			await new Promise((resolve) => setTimeout(resolve));
			if (mine !== run) return;
			until = performance.now() + stretchMs;
		}
		if (!matchesFigures(data, row, wanted) || !matchesSearch(data, row, search)) continue;
		if (!sideBySide) found.push(row);
		else groups.add(data.groupOf(row));
	}
	const rows = sideBySide ? [...groups].map(([first]) => first as number) : found;
	const sorted = sortRows(data, rows, sort, descending);
	const columns = sideBySide ? data.index.models.length : 1;
	byId("panes").classList.toggle("stacked", columns > 2);
	list.show(sorted, columns);
	// One line an answer where several models have answered.
	const noun = sideBySide || data.groups.length === data.count ? "rows" : "answers";
	status.textContent = toolbar.showsAll
		? `${sorted.length.toLocaleString()} ${noun}`
		: `${sorted.length.toLocaleString()} of ${(sideBySide ? data.groups.length : data.count).toLocaleString()} ${noun}`;
	if (sorted[0] !== undefined && byId("detail").childElementCount === 0) detail.show(sorted[0]);
	// Rows are seen first.
	setTimeout(() => {
		if (mine === run) drawCharts(sideBySide ? [...groups].flat() : found);
	});
}

function drawCharts(rows: readonly number[]): void {
	const { latency, outputTokens, cost, timeline } = data.index;
	const known = (column: readonly (number | null)[]) =>
		rows.map((row) => column[row] ?? null).filter((value) => value !== null);
	const charts = [
		histogram({ title: "Latency", values: known(latency), format: formatMs }),
		histogram({
			title: "Output tokens",
			values: known(outputTokens),
			format: (value) => Math.round(value).toLocaleString(),
		}),
		histogram({ title: "Cost per row", values: known(cost), format: formatUsdExactly }),
		timeline === null || timeline.answered.length < 2 ? undefined : throughput(timeline),
	];
	byId("charts").replaceChildren(...charts.filter((chart) => chart !== undefined));
}

/** A line of the list: one answer, or all that models have made of one row. */
function fillRow(row: number, into: HTMLElement): void {
	const id = element("bdi", { class: "id" }, visible(data.index.id[row] ?? "").slice(0, 80));
	const members = toolbar.choice.sideBySide ? data.groupOf(row) : [row];
	into.append(id, ...members.map((member) => cell(member, members.length > 1)));
}

function cell(row: number, isOneOfSeveral: boolean): HTMLElement {
	const { index } = data;
	const { a: answers, error } = data.texts(row);
	const text = visible((data.failed(row) ? (error ?? "") : (answers[0] ?? "")).slice(0, 200)).replace(
		/\s+/g,
		" ",
	);
	const figures = [
		...(isOneOfSeveral || index.models.length > 1 ? [data.modelName(row)] : []),
		...(data.ending(row) === "stop" ? [] : [data.ending(row).replaceAll("_", " ")]),
		formatUsdExactly(index.cost[row]),
		formatMs(index.latency[row], index.cached[row] === 1),
		...(index.pass[row] === 0 ? ["fail"] : []),
	].filter((figure) => figure !== "");
	const kind = data.failed(row) ? " failed" : index.pass[row] === 0 ? " missed" : "";
	return element(
		"span",
		{ class: `cell${kind}` },
		element("bdi", { class: "preview", dir: "auto" }, text),
		element("span", { class: "figures" }, visible(figures.join(" · "))),
	);
}
