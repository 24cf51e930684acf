/**
 * The known names that a mistyped one most likely stands for, best first: those that begin with it or contain it,
 * then those a few typing errors away. Case does not matter. Empty when nothing is near.
 */
export function nearestNames(name: string, known: Iterable<string>, limit = 3): string[] {
	const wanted = name.toLowerCase();
	if (wanted === "") return [];
	const allowed = Math.max(1, Math.floor(wanted.length / 3));
	const found: { name: string; score: number }[] = [];
	for (const candidate of new Set(known)) {
		const lower = candidate.toLowerCase();
		const distance = typingDistance(wanted, lower, allowed);
		if (distance <= allowed) found.push({ name: candidate, score: distance });
		else if (wanted.length >= 3 && lower.startsWith(wanted))
			found.push({ name: candidate, score: allowed + 1 });
		else if (wanted.length >= 3 && lower.includes(wanted))
			found.push({ name: candidate, score: allowed + 2 });
	}
	found.sort((a, b) => a.score - b.score || a.name.length - b.name.length || (a.name < b.name ? -1 : 1));
	return found.slice(0, limit).map((candidate) => candidate.name);
}

/** `did you mean "x"?`, or undefined when nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string | undefined {
	const [nearest] = nearestNames(name, known, 1);
	return nearest === undefined ? undefined : `did you mean "${nearest}"?`;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words; above `limit` any larger number. */
function typingDistance(a: string, b: string, limit: number): number {
	if (Math.abs(a.length - b.length) > limit) return limit + 1;
	let before: number[] = [];
	let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
	for (let i = 1; i <= a.length; i += 1) {
		const row = [i];
		for (let j = 1; j <= b.length; j += 1) {
			const same = a[i - 1] === b[j - 1];
			let cost = Math.min(
				(previous[j] as number) + 1,
				(row[j - 1] as number) + 1,
				(previous[j - 1] as number) + (same ? 0 : 1),
			);
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
				cost = Math.min(cost, (before[j - 2] as number) + 1);
			row.push(cost);
		}
		before = previous;
		previous = row;
	}
	return previous[b.length] as number;
}
