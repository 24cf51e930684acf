/** A list that a user chooses from. */

export interface PickItem {
	readonly label: string;
	/** Shown beside it, in columns; the last ones go first where there is little room. */
	readonly facts: readonly string[];
	/** Shown below the list while the item is chosen. */
	readonly detail?: string | undefined;
	/** It can be chosen, but is not likely to be what is wanted. */
	readonly isDim?: boolean | undefined;
}

export interface Picker {
	readonly title: string;
	readonly items: readonly PickItem[];
	/** The item that is chosen at first. */
	readonly selected: number;
	/** What is said instead where nobody can choose. */
	readonly summary?: string | undefined;
	/** @throws LlmxError */
	pick(index: number): void | Promise<void>;
	/** Left and right on an item: shows something else of it. */
	walk?(index: number, step: 1 | -1): PickItem | undefined;
}

/** Indices of the items that a query finds, the best first; all in their order for an empty one. */
export function filterItems(items: readonly PickItem[], query: string): number[] {
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	const scored = items.flatMap(({ label, facts }, index) => {
		const name = label.toLowerCase();
		const all = `${name} ${facts.join(" ").toLowerCase()}`;
		let score = 0;
		for (const word of words) {
			if (name.startsWith(word)) score += 4;
			else if (name.includes(word)) score += 3;
			else if (all.includes(word)) score += 2;
			else if (hasInOrder(name, word)) score += 1;
			else return [];
		}
		return [{ index, score }];
	});
	return scored.sort((a, b) => b.score - a.score || a.index - b.index).map(({ index }) => index);
}

/** All characters of `word` occur in `text`, in this order. */
export function hasInOrder(text: string, word: string): boolean {
	let at = 0;
	for (const character of word) {
		at = text.indexOf(character, at) + 1;
		if (at === 0) return false;
	}
	return true;
}
