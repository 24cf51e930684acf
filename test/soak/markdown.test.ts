import { it } from "vitest";
import { checkDocuments } from "../terminal/markdown-laws.ts";

it("shows 20,000 documents streamed as whole, every word once", { timeout: 600_000 }, () => {
	checkDocuments(20_000);
});
