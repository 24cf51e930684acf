import { UsageError } from "../errors.ts";
import { downloadFrom, type UrlAttachmentOptions } from "./attachments.ts";

/** Elements whose content is not read by people. */
const hidden = /<(script|style|noscript|template|svg|head)\b[^>]*>[\s\S]*?<\/\1\s*>|<!--[\s\S]*?-->/gi;
const blockEnd =
	/<\/(?:p|div|section|article|li|ul|ol|h[1-6]|tr|table|pre|blockquote|header|footer)\s*>|<br\s*\/?>/gi;
const references: Readonly<Record<string, string>> = {
	...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " ", "#39": "'" },
};

/**
 * Downloads what an http(s) address holds and returns its text; of an HTML page what a reader would see of it.
 * @throws what `attachmentFromUrl` throws, and UsageError for what is not text
 */
export async function textFromUrl(address: string, options: UrlAttachmentOptions = {}): Promise<string> {
	const bytes = await downloadFrom(address, options);
	let text: string;
	try {
		text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch (error) {
		throw new UsageError(`${address} is not UTF-8 text`, {
			hint: "images, PDFs and sounds go in with /attach",
			cause: error,
		});
	}
	return /^\s*(?:<!doctype html|<html\b)/i.test(text) ? textOfHtml(text) : text;
}

/** The text of an HTML page, a line for each block. */
export function textOfHtml(html: string): string {
	return html
		.replace(hidden, "")
		.replace(/\s+/g, " ")
		.replace(blockEnd, "\n")
		.replace(/<[^>]*>/g, "")
		.replace(/&(amp|lt|gt|quot|apos|nbsp|#39);/g, (all, name: string) => references[name] ?? all)
		.split("\n")
		.map((line) => line.trim())
		.filter((line, index, lines) => line !== "" || (lines[index - 1] ?? "") !== "")
		.join("\n")
		.trim();
}
