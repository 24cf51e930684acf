import { hash } from "node:crypto";
import { LineAt, replaceOutput } from "../results/rewrite.ts";
import type { Files } from "../state/file-system.ts";
import { readPageAssets } from "./assets.ts";
import { type CollectedRow, collectRows, type ReportSource } from "./collect.ts";
import { escapeHtml, escapeScript } from "./escape.ts";
import type { ReportIndex, ReportText, Timeline } from "./format.ts";
import { reportMark } from "./mark.ts";
import { readReportRecord } from "./records.ts";
import { summaryTable } from "./summary-table.ts";

export interface ReportOptions {
	readonly files: Files;
	/** Results, and failures behind the results that they belong to. */
	readonly sources: readonly ReportSource[];
	readonly path: string;
	/** As messages name it. */
	readonly name: string;
	readonly title: string;
	readonly timeline: Timeline | undefined;
	/** What was asked, by id; undefined when that is not known. */
	readonly promptOf?: ((id: string) => string | undefined) | undefined;
	/** When the report is made. */
	readonly now: Date;
}

/** What a report came to. */
export interface ReportSize {
	readonly rows: number;
	readonly bytes: number;
}

const chunkRows = 200;

/**
 * Writes results as one page that needs nothing else: no server, no network. What models wrote is data in it, never
 * markup, and the page's own policy lets nothing run but its own script.
 * @throws UsageError when the results cannot be read; LlmxError when the page cannot be written
 */
export function writeReport(options: ReportOptions): ReportSize {
	const { files, sources, path, name, title, now } = options;
	const rows = collectRows(files, sources);
	const { script, style } = readPageAssets();
	let bytes = 0;
	replaceOutput(files, path, name, (writeBytes) => {
		const write = (text: string) => {
			const encoded = Buffer.from(text);
			bytes += encoded.length;
			writeBytes(encoded);
		};
		const policy = [
			"default-src 'none'",
			`script-src '${sourceHash(script)}'`,
			`style-src '${sourceHash(style)}'`,
			"base-uri 'none'",
			"form-action 'none'",
			"require-trusted-types-for 'script'",
		].join("; ");
		write(`${reportMark}
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
<p class="made">made by llmx on <time datetime="${now.toISOString()}">${now.toISOString().slice(0, 16).replace("T", " ")} UTC</time></p>
</header>
<main>
<section aria-label="Summary" class="scroll">${summaryTable(rows)}</section>
<noscript><p>The rows and drawings of this report need JavaScript, which runs in this page alone.</p></noscript>
<section id="charts" class="charts" aria-label="Distributions"></section>
<div id="failures"></div>
<section id="rows" aria-label="Rows">
<p id="status" role="status"></p>
<div class="panes" id="panes"><div id="list"></div><div id="detail" tabindex="-1" role="region" aria-label="Chosen row"></div></div>
</section>
</main>
<script type="application/json" id="report-index">${escapeScript(JSON.stringify(indexOf(rows, options.timeline)))}</script>
`);
		writeTexts(options, rows, write);
		write(`<script>${script}</script>\n</body>\n</html>\n`);
	});
	return { rows: rows.length, bytes };
}

function sourceHash(source: string): string {
	return `sha256-${hash("sha256", source, "base64")}`;
}

function indexOf(rows: readonly CollectedRow[], timeline: Timeline | undefined): ReportIndex {
	const models = [...new Set(rows.map(({ column }) => column))];
	const finishReasons = [...new Set(rows.map(({ finishReason }) => finishReason))].filter(
		(name) => name !== undefined,
	);
	const errorClasses = [...new Set(rows.map(({ errorClass }) => errorClass))].filter(
		(name) => name !== undefined,
	);
	const places = (names: readonly string[]) => new Map(names.map((name, place) => [name, place]));
	const [modelPlaces, reasonPlaces, classPlaces] = [
		places(models),
		places(finishReasons),
		places(errorClasses),
	];
	return {
		models,
		finishReasons,
		errorClasses,
		chunkRows,
		id: rows.map(({ id }) => id),
		model: rows.map(({ column }) => modelPlaces.get(column) ?? -1),
		finishReason: rows.map(({ finishReason }) => reasonPlaces.get(finishReason ?? "") ?? -1),
		errorClass: rows.map(({ errorClass }) => classPlaces.get(errorClass ?? "") ?? -1),
		cost: rows.map(({ costUsd }) => costUsd),
		latency: rows.map(({ latencyMs }) => latencyMs),
		inputTokens: rows.map(({ inputTokens }) => inputTokens),
		outputTokens: rows.map(({ outputTokens }) => outputTokens),
		length: rows.map(({ length }) => length),
		pass: rows.map(({ pass }) => (pass === null ? null : pass ? 1 : 0)),
		cached: rows.map(({ cached }) => (cached ? 1 : 0)),
		timeline: timeline ?? null,
	};
}

/** Reads the records once more, in the order of the report, so that no more than a chunk of texts is in memory. */
function writeTexts(
	{ files, sources, promptOf }: ReportOptions,
	rows: readonly CollectedRow[],
	write: (text: string) => void,
): void {
	const opened = sources.map(({ path }) => files.open(path, "r"));
	try {
		const lines = opened.map((file) => new LineAt(files, file));
		const prompted = new Set<string>();
		for (let from = 0; from < rows.length; from += chunkRows) {
			const texts = rows.slice(from, from + chunkRows).map(({ id, source, offset }): ReportText => {
				const text = readReportRecord(lines[source]?.text(offset) ?? "")?.text ?? { a: [] };
				// Once an id: several models have been asked the same.
				const prompt = prompted.has(id) ? undefined : promptOf?.(id);
				if (promptOf !== undefined) prompted.add(id);
				return prompt === undefined ? text : { ...text, prompt };
			});
			write(
				`<script type="application/json" class="report-texts">${escapeScript(JSON.stringify(texts))}</script>\n`,
			);
		}
	} finally {
		for (const file of opened) files.close(file);
	}
}
