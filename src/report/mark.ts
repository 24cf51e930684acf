import { closeSync, openSync, readSync } from "node:fs";

/** By its first bytes a file is known to be a report, which a later one may replace. */
export const reportMark = "<!doctype html><!-- llmx report -->";

/** True for a file that was written as a report. Throws the file system's error. */
export function isReport(path: string): boolean {
	const file = openSync(path, "r");
	try {
		const head = Buffer.alloc(reportMark.length);
		return head.toString("utf8", 0, readSync(file, head, 0, head.length, 0)) === reportMark;
	} finally {
		closeSync(file);
	}
}

/** `prompts.results.jsonl` -> `prompts.results.html`. */
export function reportName(results: string): string {
	return `${results.replace(/(?:\.(?:csv|tsv|json|jsonl|ndjson|gz))*$/i, "")}.html`;
}
