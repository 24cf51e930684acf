import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { collectRows } from "../../src/report/collect.ts";
import { escapeHtml, escapeScript } from "../../src/report/escape.ts";
import type { ReportIndex, ReportText } from "../../src/report/format.ts";
import { reportMark } from "../../src/report/mark.ts";
import { readReportRecord } from "../../src/report/records.ts";
import { writeReport } from "../../src/report/write.ts";
import { MemoryFiles } from "../batch/helpers/memory-files.ts";
import { failureLine, hostileTexts, resultLine } from "./records.ts";

const now = new Date("2026-11-29T12:00:00Z");

function report(
	contents: Readonly<Record<string, string>>,
	more: Partial<Parameters<typeof writeReport>[0]> = {},
) {
	const files = new MemoryFiles();
	for (const [name, content] of Object.entries(contents)) files.set(name, content);
	const sources = Object.keys(contents).map((name) => ({ name, path: name }));
	const size = writeReport({
		files,
		sources,
		path: "page.html",
		name: "page.html",
		title: "<results>",
		timeline: undefined,
		now,
		...more,
	});
	const html = files.text("page.html") as string;
	const blocks = [...html.matchAll(/<script type="application\/json"[^>]*>(.*?)<\/script>/gs)].map(
		([, json]) => JSON.parse(json as string),
	);
	const [index, ...chunks] = blocks as [ReportIndex, ...ReportText[][]];
	return { html, index, texts: chunks.flat(), size, files };
}

describe("a report", () => {
	it("holds the figures of every row, its texts apart, and the totals", () => {
		const { index, texts, html, size } = report({
			"a.jsonl":
				resultLine({ id: "1", text: "one" }) +
				resultLine({
					id: "2",
					texts: ["x", "yy"],
					text: null as never,
					pass: false,
					cached: true,
					cost_usd: 0,
				}) +
				resultLine({
					id: "1",
					model: "n",
					text: "uno",
					finish_reason: "length",
					cost_usd: null,
					metadata: { k: 1 },
				}),
			"a.errors.jsonl": failureLine({ id: "2", model: "n", partial_text: "half" }),
		});
		expect(size.rows).toBe(4);
		expect(index).toMatchObject({
			models: ["m", "n"],
			finishReasons: ["stop", "length"],
			errorClasses: ["rate_limit"],
			id: ["1", "2", "1", "2"],
			model: [0, 0, 1, 1],
			finishReason: [0, 0, 1, -1],
			errorClass: [-1, -1, -1, 0],
			cost: [0.001, 0, null, 0],
			latency: [500, null, 500, null],
			length: [3, 3, 3, 4],
			pass: [null, 0, null, null],
			cached: [0, 1, 0, 0],
			timeline: null,
		});
		expect(texts).toEqual([
			{ a: ["one"] },
			{ a: ["x", "yy"] },
			{ a: ["uno"], metadata: { k: 1 } },
			{ a: ["half"], error: "slow down" },
		]);
		expect(html.startsWith(reportMark)).toBe(true);
		expect(html).toContain("<title>&lt;results&gt;</title>");
		expect(html).toContain("$0.001 + 1 call of unknown price");
	});

	it("takes each row once: the last record, an answer over a failure, nothing that was only interrupted", () => {
		const { index, texts } = report({
			"a.jsonl": resultLine({ id: "1", text: "old" }) + resultLine({ id: "1", text: "new" }),
			"a.errors.jsonl":
				failureLine({ id: "1" }) +
				failureLine({ id: "2", error: { class: "interrupted", message: "x" } }) +
				failureLine({ id: "3", error: { class: "server", message: "first" } }) +
				failureLine({ id: "3", error: { class: "server", message: "second" } }),
		});
		expect(index.id).toEqual(["1", "3"]);
		expect(texts).toEqual([{ a: ["new"] }, { a: [], error: "second" }]);
	});

	it("tells files apart where one model comes from several", () => {
		const { index } = report({
			"before.jsonl": resultLine({ id: "1" }),
			"after.jsonl": resultLine({ id: "1" }) + resultLine({ id: "1", model: "n" }),
		});
		expect(index.models).toEqual(["m (before.jsonl)", "m (after.jsonl)", "n"]);
	});

	it("reads OpenAI's form of results", () => {
		const line = JSON.stringify({
			custom_id: "c",
			response: { body: { choices: [{ message: { content: "hi" }, finish_reason: "stop" }] } },
			error: null,
			llmx: { model: "m", cost_usd: 0.5, latency_ms: 9, usage: { input_tokens: 1, output_tokens: 2 } },
		});
		expect(readReportRecord(line)).toMatchObject({ id: "c", model: "m", costUsd: 0.5, text: { a: ["hi"] } });
	});

	it("shows what was asked once a row", () => {
		const { texts } = report(
			{ "a.jsonl": resultLine({ id: "1" }) + resultLine({ id: "1", model: "n" }) },
			{ promptOf: (id) => `ask ${id}` },
		);
		expect(texts.map(({ prompt }) => prompt)).toEqual(["ask 1", undefined]);
	});

	it("is of results alone, and leaves nothing open", () => {
		expect(() => report({ "notes.jsonl": "my notes\n" })).toThrow("notes.jsonl contains no llmx results");
		const { files } = report({ "a.jsonl": `${resultLine({ id: "1" })}torn {"id` });
		expect(files.openHandles).toBe(0);
		expect(() => collectRows(files, [{ name: "gone", path: "gone" }])).toThrow("cannot read gone");
	});

	it("lets no answer out of its script element, and gives every one back", () => {
		const { html, texts } = report({
			"a.jsonl": hostileTexts
				.map((text, at) => resultLine({ id: `${at}${text.slice(0, 99)}`, text }))
				.join(""),
		});
		expect(texts.every(({ a }, at) => a[0] === hostileTexts[at])).toBe(true);
		const count = (pattern: RegExp) => html.match(pattern)?.length ?? 0;
		// Its own script and two blocks of data, each opened and closed once.
		expect([count(/<script/gi), count(/<\/script/gi), count(/<!--/g)]).toEqual([3, 3, 1]);
		const markup = html.replace(/<script.*?<\/script>/gs, "");
		expect(/<[^>]+\son\w+=/i.test(markup)).toBe(false);
		expect(markup).toContain("Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-");
	});
});

describe("escapes", () => {
	it("leave JSON what it is, and no way out of a script element", () => {
		const nasty = fc.string({
			unit: fc.constantFrom("<", "/", "!", "-", ">", "s", "S", "c", "\u2028", '"', "\\", "&"),
		});
		fc.assert(
			fc.property(nasty, (text) => {
				const escaped = escapeScript(JSON.stringify(text));
				expect(JSON.parse(escaped)).toBe(text);
				expect(escaped).not.toMatch(/<\/|<!|<s/i);
				expect(escapeHtml(text)).not.toMatch(/[<>"]/);
			}),
		);
	});
});
