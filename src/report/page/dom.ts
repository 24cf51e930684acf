type Child = Node | string | undefined;

/** An element with attributes and children. Texts become text nodes: nothing that an answer holds is ever markup. */
export function element<Name extends keyof HTMLElementTagNameMap>(
	name: Name,
	attributes: Readonly<Record<string, string | number | boolean | undefined>> = {},
	...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
	const made = document.createElement(name);
	setAttributes(made, attributes);
	for (const child of children) if (child !== undefined) made.append(child);
	return made;
}

/** The same for drawings. */
export function drawing<Name extends keyof SVGElementTagNameMap>(
	name: Name,
	attributes: Readonly<Record<string, string | number>>,
	...children: readonly Child[]
): SVGElementTagNameMap[Name] {
	const made = document.createElementNS("http://www.w3.org/2000/svg", name);
	setAttributes(made, attributes);
	for (const child of children) if (child !== undefined) made.append(child);
	return made;
}

function setAttributes(made: Element, attributes: Readonly<Record<string, unknown>>): void {
	for (const [key, value] of Object.entries(attributes))
		if (value !== undefined && value !== false) made.setAttribute(key, String(value));
}

/** The element of the page with an id. Throws when the page is not the one that belongs to this script. */
export function byId(id: string): HTMLElement {
	const found = document.getElementById(id);
	if (found === null) throw new Error(`the page has no element ${id}`);
	return found;
}

const hidden =
	/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Characters that would hide or reorder text, by their numbers. */
export function visible(text: string): string {
	return text.replace(hidden, (character) => {
		const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
		return `[U+${code}]`;
	});
}
