import { diffWordsWithSpace } from "diff";
import { element, visible } from "./dom.ts";

/** Longer texts take too long to compare while somebody waits. */
const mostCharacters = 60_000;
const patienceMs = 400;

/** A text with the words marked that a first one does not have, and those left out that only the first one has. */
export function markDifferences(first: string, text: string): Node[] | undefined {
	if (first.length + text.length > mostCharacters) return undefined;
	const changes = diffWordsWithSpace(first, text, { timeout: patienceMs });
	return changes?.map(({ value, added, removed }) => {
		if (added) return element("ins", {}, visible(value));
		return removed ? element("del", {}, visible(value)) : document.createTextNode(visible(value));
	});
}
