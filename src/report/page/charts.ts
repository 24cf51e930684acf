import type { Timeline } from "../format.ts";
import { drawing, element } from "./dom.ts";

const width = 360;
const height = 120;
const bars = 24;

export interface Histogram {
	readonly title: string;
	readonly values: readonly number[];
	readonly format: (value: number) => string;
}

/** How often values of each size occur, as bars; undefined when there are too few to say anything. */
export function histogram({ title, values, format }: Histogram): HTMLElement | undefined {
	if (values.length < 2) return undefined;
	const sorted = Float64Array.from(values).sort();
	// A few values far away would press all others into one bar: they share the last one.
	const high = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
	const low = sorted[0] ?? 0;
	const span = high - low || 1;
	const counts = new Array<number>(bars).fill(0);
	for (const value of sorted) {
		const bar = Math.min(bars - 1, Math.floor(((value - low) / span) * bars));
		counts[bar] = (counts[bar] ?? 0) + 1;
	}
	const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
	const summary = `${title}: ${values.length.toLocaleString()} values, half of them under ${format(middle)}, 99 % under ${format(high)}`;
	return figure(title, summary, [
		columns(counts, (count, bar) => {
			const from = low + (span * bar) / bars;
			return `${count.toLocaleString()} from ${format(from)}${bar === bars - 1 ? "" : ` to ${format(from + span / bars)}`}`;
		}),
		label(0, "start", format(low)),
		label(width, "end", `${format(high)}${(sorted.at(-1) ?? 0) > high ? " and more" : ""}`),
	]);
}

/** Answers, failures and refusals over the time of a run. */
export function throughput({
	interval_seconds: seconds,
	answered,
	failed,
	refusals_429: refusals,
}: Timeline): HTMLElement {
	const total = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0);
	const duration = answered.length * seconds;
	const summary = `Throughput: ${total(answered).toLocaleString()} answers, ${total(failed).toLocaleString()} failures and ${total(refusals).toLocaleString()} refusals (429) in ${formatSeconds(duration)}`;
	const perMinute = answered.map((count) => (count * 60) / seconds);
	const most = Math.max(1, ...answered.map((count, at) => count + (failed[at] ?? 0)), ...refusals);
	const step = width / answered.length;
	const bar = (at: number, from: number, count: number, kind: string) =>
		drawing("rect", {
			class: kind,
			x: (at * step).toFixed(2),
			y: (height - ((from + count) / most) * height).toFixed(2),
			width: Math.max(0.5, step - 0.5).toFixed(2),
			height: ((count / most) * height).toFixed(2),
		});
	const drawn = answered.flatMap((count, at) => [
		bar(at, 0, count, "bar"),
		...(failed[at] ? [bar(at, count, failed[at], "bar-failed")] : []),
	]);
	const points = refusals
		.map((count, at) => `${(at + 0.5) * step},${height - (count / most) * height}`)
		.join(" ");
	const line = total(refusals) > 0 ? [drawing("polyline", { class: "line-refused", points })] : [];
	return figure("Throughput", summary, [
		drawing("g", {}, ...drawn, ...line),
		label(0, "start", `at most ${Math.round(Math.max(...perMinute)).toLocaleString()} answers/min`),
		label(width, "end", formatSeconds(duration)),
	]);
}

function columns(counts: readonly number[], describe: (count: number, bar: number) => string): SVGElement {
	const most = Math.max(...counts, 1);
	const step = width / counts.length;
	return drawing(
		"g",
		{},
		...counts.map((count, bar) =>
			drawing(
				"rect",
				{
					class: "bar",
					x: (bar * step).toFixed(2),
					// A single value is still to be seen.
					y: (height - (count === 0 ? 0 : Math.max(1.5, (count / most) * height))).toFixed(2),
					width: (step - 1).toFixed(2),
					height: (count === 0 ? 0 : Math.max(1.5, (count / most) * height)).toFixed(2),
				},
				drawing("title", {}, describe(count, bar)),
			),
		),
	);
}

function label(x: number, anchor: "start" | "end", text: string): SVGElement {
	return drawing("text", { x, y: height + 16, "text-anchor": anchor, class: "axis" }, text);
}

function figure(title: string, summary: string, content: readonly SVGElement[]): HTMLElement {
	const svg = drawing("svg", { viewBox: `0 0 ${width} ${height + 22}`, role: "img", "aria-label": summary });
	svg.append(...content);
	return element("figure", {}, element("figcaption", {}, title), svg);
}

function formatSeconds(seconds: number): string {
	if (seconds < 120) return `${Math.round(seconds)} s`;
	return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
