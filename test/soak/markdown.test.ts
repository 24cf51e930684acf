import { it } from "vitest";
import { hostileMarkdown } from "../terminal/hostile-markdown.ts";
import { checkDocuments, checkPieces } from "../terminal/markdown-laws.ts";

it("shows 20,000 documents streamed as whole, every word once", { timeout: 600_000 }, () => {
	checkDocuments(20_000);
});

it.each([
	...hostileMarkdown(16_000),
])("shows %s in any pieces alike, without making more of them", (_, text) => {
	checkPieces(text, [1, 7, 130]);
});
