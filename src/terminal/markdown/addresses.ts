/** Addresses that stand in a text without any mark. */

const address = /https?:\/\/[^\s<>"`|\u3000-\u303f\uff00-\uffef]+/iy;

/** The address that begins at `index`, without the punctuation of the sentence around it; undefined when none does. */
export function addressAt(text: string, index: number): string | undefined {
	if (/\w/.test(text[index - 1] ?? "")) return undefined;
	address.lastIndex = index;
	const found = address.exec(text)?.[0];
	return found === undefined ? undefined : withoutEnd(found);
}

function withoutEnd(url: string): string {
	let end = url.length;
	for (; end > 0; end -= 1) {
		const last = url[end - 1] ?? "";
		if (/[.,;:!?'*_~\]]/.test(last)) continue;
		if (last !== ")" || count(url, "(", end) >= count(url, ")", end)) break;
	}
	return url.slice(0, end);
}

function count(text: string, character: string, end: number): number {
	let found = 0;
	for (let at = 0; at < end; at += 1) if (text[at] === character) found += 1;
	return found;
}
